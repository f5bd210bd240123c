"""Passes over the packets of connections that are done, before anything is parsed: most packets are such."""

import struct
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

from enricher.sensor.container import Layout, Packet, Records
from enricher.sensor.contract import Counters
from enricher.sensor.flow import Half
from enricher.sensor.link import Link
from enricher.sensor.packet import SYN, TCP

_MAX_HEADERS: Final = 1024
"""Headers remembered per link."""
_MAX_END: Final = 64
_MAX_ENDS: Final = 4

_Look = Callable[[bytes, int], tuple[int, int, int, bytes, int, int, int, bytes, int]]
"""Reads seconds, fraction and captured length of a record, then what `_Shape.fields` says of its frame."""


class _Shape(NamedTuple):
    """Where things lie in frames whose IP header follows a known link header, counted from the frame's start."""

    header: bytes
    """The link header from its field up to the first byte of IP."""
    ip: int
    size: int
    """Bytes that must be there."""
    fields: str
    """What stands in a frame for the link header, two bytes of IP's, its protocol, the key (see `packet`), TCP's flags:
    as `struct` writes it in any byte order."""
    unpack: Callable[[bytes, int], tuple[bytes, int, int, int, bytes, int]]
    """Reads these."""
    upper: int
    """The bits of the first of the two bytes that say that it is a fragment."""
    lower: int
    """Those of the second."""


_NONE: Final = _Shape(b"", 0, sys.maxsize, "", lambda _data, _start: (b"", 0, 0, 0, b"", 0), 0, 0)
"""Before the first frame: no frame is as large."""


def _shape(field: int, header: bytes) -> _Shape | None:
    """Of frames that have this header; None where IP has no fixed places."""
    first, known = header[-1], f"{field}x{len(header)}s"
    ip = field + len(header) - 1
    if first == 0x45:
        fields = known + "5xBBxB2x12s9xB"
        return _Shape(header, ip, ip + 40, fields, struct.Struct("=" + fields).unpack_from, 0x3F, 0xFF)
    if first >> 4 == 6:
        fields = known + "3xBBBx36s9xB"
        return _Shape(header, ip, ip + 60, fields, struct.Struct("=" + fields).unpack_from, 0, 0)
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


class Passover:
    """Takes frames of a link: passes over those of `done` directions, and gives the others from their IP header on.

    Where that is, the link's header says: one like that of the frame before has it at the same place, and one that
    led to IP earlier is remembered.
    """

    def __init__(self, link: Link, halves: dict[bytes, Half], deliver: Packet, counters: Counters) -> None:
        self._walk = link.walk
        self._headers = _Headers(link.field)
        self._halves = halves
        self._deliver = deliver
        self._counters = counters
        self._shape = _NONE

    def packet(self, frame: int, ts: float, data: bytes, start: int, end: int) -> None:
        """Take one frame."""
        header, ip_at, size, _, unpack, upper, lower = self._shape
        if end - start >= size:
            found, high, low, protocol, key, flags = unpack(data, start)
            if found == header:
                half = self._halves.get(key)
                fragment = high & upper or low & lower
                if half is None or not half.done or protocol != TCP or fragment or flags & SYN:
                    self._deliver(frame, ts, data, start + ip_at, end)
                else:
                    half.last = ts
                return
        known = self._headers.find(data, start)
        if known is not None and end - start >= known.size:
            self._shape = known
            self.packet(frame, ts, data, start, end)
            return
        ip = self._walk(data, start, end)
        if ip >= 0:
            self._headers.learn(data, start, ip)
            self._deliver(frame, ts, data, ip, end)
        else:
            self._counters.packets_other += 1

    def records(self, layout: Layout) -> Records:
        """What takes the records of a pcap, once it is known how its frames look; it leaves the last few of a buffer.

        A record's header and its frame's are read in one look, and what is passed over, most of a file, takes no call.
        """
        lead, units, width = f"{layout.order}III{layout.header - 12}x", layout.units, layout.header
        halves, packet = self._halves.get, self.packet
        looks: dict[bytes, _Look] = {}

        def take(frame: int, data: bytes, offset: int) -> tuple[int, int]:
            limit = len(data)
            while True:
                header, _, size, fields, _, upper, lower = shape = self._shape
                look = looks.get(header)
                if look is None:
                    look = looks[header] = struct.Struct(lead + fields).unpack_from
                last = limit - width - size
                while offset <= last:
                    seconds, fraction, captured, found, high, low, protocol, key, flags = look(data, offset)
                    start = offset + width
                    end = start + captured
                    if end > limit:
                        return frame, offset
                    frame += 1
                    offset = end
                    half = halves(key)
                    if (
                        half is not None
                        and half.done
                        and protocol == TCP
                        and found == header
                        and captured >= size
                        and not (high & upper or low & lower or flags & SYN)
                    ):
                        half.last = seconds + fraction / units
                        continue
                    packet(frame, seconds + fraction / units, data, start, end)
                    if self._shape is not shape:
                        break
                else:
                    return frame, offset

        return take
