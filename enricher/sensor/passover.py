"""Passes over the packets of connections that are done, before anything is parsed: most packets are such."""

import struct
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

from enricher.sensor.container import Packet
from enricher.sensor.contract import Counters
from enricher.sensor.flow import Half
from enricher.sensor.link import Link
from enricher.sensor.packet import SYN, TCP

_MAX_HEADERS: Final = 1024
"""Headers remembered per link."""
_MAX_END: Final = 64
_MAX_ENDS: Final = 4


class _Shape(NamedTuple):
    """Where things lie in frames whose IP header follows a known link header, counted from the frame's start."""

    header: bytes
    """The link header from its field up to the first byte of IP."""
    ip: int
    size: int
    """Bytes that must be there."""
    unpack: Callable[[bytes, int], tuple[bytes, int, int, bytes, int]]
    """What stands in a frame for the link header, a word of IP's, its protocol, the key (see `packet`), TCP's flags."""
    fragment: int
    """The bits of that word that say that it is a fragment."""


_NONE: Final = _Shape(b"", 0, sys.maxsize, lambda _data, _start: (b"", 0, 0, b"", 0), 0)
"""Before the first frame: no frame is as large."""


def _shape(field: int, header: bytes) -> _Shape | None:
    """Of frames that have this header; None where IP has no fixed places."""
    first, known = header[-1], f">{field}x{len(header)}s"
    ip = field + len(header) - 1
    if first == 0x45:
        return _Shape(header, ip, ip + 40, struct.Struct(known + "5xHxB2x12s9xB").unpack_from, 0x3FFF)
    if first >> 4 == 6:
        return _Shape(header, ip, ip + 60, struct.Struct(known + "3xHBx36s9xB").unpack_from, 0)
    return None


class _Headers:
    """Link headers that led to IP: with tags and labels, from `field` up to the first byte of IP."""

    def __init__(self, field: int | None) -> None:
        self._field = field
        self._shapes: dict[bytes, _Shape] = {}
        self._ends: list[int] = []

    def find(self, data: bytes, start: int) -> _Shape | None:
        """What is known of frames with a header like this one's."""
        for end in self._ends:
            shape = self._shapes.get(data[start + (self._field or 0) : start + end])
            if shape is not None:
                return shape
        return None

    def learn(self, data: bytes, start: int, ip: int) -> None:
        """Remember the header of a frame whose IP header was found."""
        end = ip + 1 - start
        if self._field is None or end > _MAX_END or len(self._shapes) >= _MAX_HEADERS:
            return
        header = data[start + self._field : ip + 1]
        shape = _shape(self._field, header)
        if shape is None or (end not in self._ends and len(self._ends) >= _MAX_ENDS):
            return
        if end not in self._ends:
            self._ends.append(end)
        self._shapes[header] = shape


def taker(link: Link, halves: dict[bytes, Half], deliver: Packet, counters: Counters) -> Packet:
    """What takes frames of a link: those of `done` directions are passed over.

    `deliver` gets the others, from their IP header on. Where that is, the link's header says: one like that of the
    frame before has it at the same place, and one that led to IP earlier is remembered.
    """
    walk, headers = link.walk, _Headers(link.field)
    header, ip_at, size, unpack, fragment = _NONE

    def packet(frame: int, ts: float, data: bytes, start: int, end: int) -> None:
        nonlocal header, ip_at, size, unpack, fragment
        if end - start >= size:
            found, word, protocol, key, flags = unpack(data, start)
            if found == header:
                half = halves.get(key)
                if half is None or not half.done or protocol != TCP or word & fragment or flags & SYN:
                    deliver(frame, ts, data, start + ip_at, end)
                else:
                    half.last = ts
                return
        known = headers.find(data, start)
        if known is not None and end - start >= known.size:
            header, ip_at, size, unpack, fragment = known
            packet(frame, ts, data, start, end)
            return
        ip = walk(data, start, end)
        if ip >= 0:
            headers.learn(data, start, ip)
            deliver(frame, ts, data, ip, end)
        else:
            counters.packets_other += 1

    return packet
