"""Passes over the packets of connections that are done, before anything is parsed: most packets are such."""

import struct
from collections.abc import Callable
from typing import Any, Final

from enricher.sensor.container import Packet
from enricher.sensor.contract import Counters
from enricher.sensor.flow import Half
from enricher.sensor.link import Link
from enricher.sensor.packet import SYN, TCP

_MAX_KNOWN: Final = 1024
"""Headers remembered per link."""
_MAX_HEADER: Final = 32


_Shape = tuple[int, int, int, tuple[int, int, Callable[[bytes, int], tuple[Any, ...]], int]]
"""Where things lie in frames whose header is known, counted from the frame's start: the IP header, the start and end of
the key (see `packet`); then the bytes that must be there, where to look for fragmentation, protocol and flags, and the
bits of the first that may not be set."""

_version4: Final = struct.Struct(">HxB23xB").unpack_from
_version6: Final = struct.Struct(">BB46xB").unpack_from


def _shape(ip: int, first: int) -> _Shape | None:
    """Of IP headers that start with this byte; None where they have no fixed places."""
    if first == 0x45:
        return ip, ip + 12, ip + 24, (ip + 40, ip + 6, _version4, 0x3FFF)
    return (ip, ip + 8, ip + 44, (ip + 60, ip + 5, _version6, 0)) if first >> 4 == 6 else None


def taker(link: Link, halves: dict[bytes, Half], deliver: Packet, counters: Counters) -> Packet:
    """What takes frames of a link: those of known headers and `done` directions are passed over.

    `deliver` gets the others, from their IP header on. A link header (with its tags and labels) is known when one like
    it led to IP before: the link's own at one length, others at the length seen last.
    """
    walk, field, size = link
    known: dict[bytes, _Shape] = {}
    begin, near = field or 0, size + 1
    far = near

    def learn(data: bytes, start: int, ip: int) -> None:
        nonlocal far
        reach = ip + 1 - start
        shape = _shape(ip - start, data[ip])
        if field is not None and shape is not None and reach <= _MAX_HEADER and len(known) < _MAX_KNOWN:
            known[data[start + begin : ip + 1]] = shape
            far = reach

    def packet(frame: int, ts: float, data: bytes, start: int, end: int) -> None:
        header = data[start + begin : start + near]
        if header in known or (header := data[start + begin : start + far]) in known:
            offset, first, last, rest = known[header]
            half = halves.get(data[start + first : start + last])
            if half is not None and half.done:
                size, place, look, fragmented = rest
                if end - start >= size:
                    fragment, protocol, flags = look(data, start + place)
                    if protocol == TCP and not (fragment & fragmented or flags & SYN):
                        half.last = ts
                        return
            ip = start + offset
        else:
            ip = walk(data, start, end)
            if ip >= 0:
                learn(data, start, ip)
        if 0 <= ip < end:
            deliver(frame, ts, data, ip, end)
        else:
            counters.packets_other += 1

    return packet
