"""Passes over the packets of connections that are done, before anything is parsed: most packets are such."""

import struct
from collections.abc import Callable
from typing import Any, Final

from enricher.sensor.container import Packet
from enricher.sensor.contract import Counters
from enricher.sensor.flow import Half
from enricher.sensor.link import Link
from enricher.sensor.packet import SYN, TCP

_MAX_HEADERS: Final = 1024
"""Headers remembered per link."""
_MAX_END: Final = 64
_MAX_ENDS: Final = 4

_Shape = tuple[int, int, int, int, int, Callable[[bytes, int], tuple[int, int]], int]
"""Where things lie in a frame, counted from its start: the IP header, the start and the end of the key (see `packet`),
the end of what must be there, where to look for a word that ends in the protocol and for TCP's flags; how to look, and
which bits of the word say TCP and no fragment."""

_version4: Final[Any] = struct.Struct(">I23xB").unpack_from
_version6: Final[Any] = struct.Struct(">I46xB").unpack_from


def _shape(ip: int, first: int) -> _Shape | None:
    """Of IP headers that start with this byte; None where they have no fixed places."""
    if first == 0x45:
        return ip, ip + 12, ip + 24, ip + 40, ip + 6, _version4, 0x3FFF_00FF
    return (ip, ip + 8, ip + 44, ip + 60, ip + 3, _version6, 0xFF) if first >> 4 == 6 else None


class _Headers:
    """Link headers that led to IP: with tags and labels, from `field` up to the first byte of IP."""

    def __init__(self, field: int | None) -> None:
        self._field = field
        self._shapes: dict[bytes, _Shape] = {}
        self._ends: list[int] = []

    def find(self, data: bytes, start: int) -> tuple[bytes, int, _Shape] | None:
        """The known header of a frame, where it ends, and what follows from it."""
        for end in self._ends:
            header = data[start + (self._field or 0) : start + end]
            shape = self._shapes.get(header)
            if shape is not None:
                return header, end, shape
        return None

    def learn(self, data: bytes, start: int, ip: int) -> None:
        """Remember the header of a frame whose IP header was found."""
        end, shape = ip + 1 - start, _shape(ip - start, data[ip])
        if self._field is None or shape is None or end > _MAX_END or len(self._shapes) >= _MAX_HEADERS:
            return
        if end not in self._ends:
            if len(self._ends) >= _MAX_ENDS:
                return
            self._ends.append(end)
        self._shapes[data[start + self._field : ip + 1]] = shape


def taker(link: Link, halves: dict[bytes, Half], deliver: Packet, counters: Counters) -> Packet:
    """What takes frames of a link: those of `done` directions are passed over.

    `deliver` gets the others, from their IP header on. Where that is, the link's header says: one like that of the
    frame before has it at the same place, and one that led to IP earlier is remembered.
    """
    walk, headers, begin = link.walk, _Headers(link.field), link.field or 0
    header, reach = b"none before", 0
    ip_at = first = last = size = place = mask = 0
    look: Callable[[bytes, int], tuple[int, int]] = _version4

    def packet(frame: int, ts: float, data: bytes, start: int, end: int) -> None:
        nonlocal header, reach, ip_at, first, last, size, place, look, mask
        known = data[start + begin : start + reach] == header
        if not known and (found := headers.find(data, start)) is not None:
            header, reach, (ip_at, first, last, size, place, look, mask) = found
            known = True
        if known:
            half = halves.get(data[start + first : start + last])
            if half is not None and half.done and end - start >= size:
                word, flags = look(data, start + place)
                if word & mask == TCP and not flags & SYN:
                    half.last = ts
                    return
        ip = start + ip_at
        if not known or ip >= end:  # what stands behind the frame's end is not its header
            ip = walk(data, start, end)
            if ip >= 0:
                headers.learn(data, start, ip)
        if ip >= 0:
            deliver(frame, ts, data, ip, end)
        else:
            counters.packets_other += 1

    return packet
