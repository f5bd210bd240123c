"""Capture files: pcap and pcapng, bytes in, packets out.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

import functools
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from enricher.sensor.contract import Counters, Log

Packet = Callable[[int, float, bytes, int, int], None]
"""Takes frame number (from 1), seconds since 1970, a buffer, and where in it the packet starts and ends."""
OpenLink = Callable[[int], Packet]
"""Gives the taker of packets of a LINKTYPE_ number."""


class Layout(NamedTuple):
    """How a pcap file writes its records."""

    order: str
    """Byte order, as `struct` writes it."""
    units: int
    """Of the time's fraction, in a second."""
    header: int
    """Bytes before the packet: seconds, fraction and captured length as 32 bits each, then what is of no matter."""


Records = Callable[[int, bytes, int], tuple[int, int]]
"""Takes whole records, as many as it likes: number of the frame before them, a buffer, where in it they start; gives
the number of the last one and where it ends."""
OpenRecords = Callable[[int, Layout], Records | None]
"""Gives the taker of records of a LINKTYPE_ number, None: there is no quicker way."""

_MAGIC: Final = {  # of files written big-endian: units per second, size of a record's header
    b"\xa1\xb2\xc3\xd4": (1_000_000, 16),
    b"\xa1\xb2\x3c\x4d": (1_000_000_000, 16),
    b"\xa1\xb2\xcd\x34": (1_000_000, 24),  # Kuznetzov's: interface, protocol and direction behind the lengths
}
_PCAP: Final = {
    **{magic: Layout(">", *rest) for magic, rest in _MAGIC.items()},
    **{magic[::-1]: Layout("<", *rest) for magic, rest in _MAGIC.items()},
}
"""By the first four bytes."""
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_ORDER: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}

_INTERFACE_BLOCK, _OLD_PACKET_BLOCK, _SIMPLE_BLOCK, _PACKET_BLOCK = 1, 2, 3, 6
_KNOWN_BLOCKS: Final = (_INTERFACE_BLOCK, _OLD_PACKET_BLOCK, _SIMPLE_BLOCK, _PACKET_BLOCK)
_MAX_PACKET: Final = 16 << 20
"""No link carries more; a longer record is a broken length."""
_MAX_INTERFACES: Final = 1 << 16
"""Of one section."""


def recognise(head: bytes) -> bool:
    """Whether a file that starts with these bytes (12 are enough) is a pcap or pcapng."""
    return head[:4] in _PCAP or (head[:4] == _SECTION and head[8:12] in _ORDER)


class CaptureReader:
    """Cuts a capture into packets. Memory: the chunk fed and at most one record.

    `open_records`: gives what may take records of a pcap before they are looked at here; the rest is cut here.
    """

    def __init__(
        self, open_link: OpenLink, counters: Counters, log: Log, open_records: OpenRecords | None = None
    ) -> None:
        self._open_link = functools.cache(open_link)
        self._open_records = open_records
        self._counters = counters
        self._log = log
        self._pending = bytearray()
        self._need = 12
        self._skip = 0
        self._fed = 0
        self._base = 0
        """Where in the file the buffer begins that is being parsed."""
        self._parse: Callable[[bytes, int], int] = self._begin
        self._unpack = struct.Struct("<III").unpack_from
        self._order = "<"
        self._layout = Layout("<", 1_000_000, 16)
        self._packet: Packet | None = None
        self._take: Records | None = None
        self._interfaces: list[tuple[Packet, int, int, int]] = []
        self._ts = 0.0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file, in chunks of any size."""
        offset, size = 0, len(data)
        while offset < size:
            if self._skip:
                skipped = min(self._skip, size - offset)
                self._skip -= skipped
                offset += skipped
            elif self._pending:  # only what lies across two chunks is copied
                taken = data[offset : offset + self._need - len(self._pending)]
                self._pending += taken
                offset += len(taken)
                if len(self._pending) >= self._need:
                    whole = bytes(self._pending)
                    self._base = self._fed + offset - len(whole)
                    self._pending = bytearray(whole[self._parse(whole, 0) :])
            else:
                self._base = self._fed
                offset = self._parse(data, offset)
                if size - offset < self._need:
                    self._pending += data[offset:]
                    break
        self._fed += size

    def close(self) -> None:
        """End of the file."""
        if self._parse == self._ignore:
            return
        if self._parse == self._begin:
            self._log.add("byte 0", "no capture: the file is shorter than a header")
        elif self._pending or self._skip:
            place = f"byte {self._fed - len(self._pending)}"
            self._log.add(place, "capture ends inside a record", "it was read up to there")

    def _stop(self, offset: int, what: str) -> int:
        self._log.add(f"byte {self._base + offset}", what, "it was read up to there")
        self._parse = self._ignore
        return offset

    def _ignore(self, data: bytes, _offset: int) -> int:
        self._need = 1
        return len(data)

    def _begin(self, data: bytes, offset: int) -> int:
        head = data[offset : offset + 12]
        if len(head) == 12:
            if head[:4] in _PCAP:
                self._layout = _PCAP[head[:4]]
                self._parse, self._need = self._pcap_header, 24
            elif recognise(head):
                self._parse = self._blocks
            else:
                return self._stop(offset, "neither pcap nor pcapng")
        return offset

    def _pcap_header(self, data: bytes, offset: int) -> int:
        if len(data) - offset < 24:
            return offset
        order = self._layout.order
        # Above the link type stands the length of a frame check sequence; it lies beyond IP's length.
        link = struct.unpack_from(order + "I", data, offset + 20)[0] & 0xFFFF
        self._packet = self._open_link(link)
        if self._open_records is not None:
            self._take = self._open_records(link, self._layout)
        self._unpack = struct.Struct(order + "III").unpack_from
        self._parse, self._need = self._records, self._layout.header
        return offset + 24

    def _records(self, data: bytes, offset: int) -> int:
        packet, unpack, units, header = self._packet, self._unpack, self._layout.units, self._layout.header
        assert packet is not None
        frame = self._counters.packets
        begin, size = offset, len(data)
        if self._take is not None:
            frame, offset = self._take(frame, data, offset)
        self._need = header
        while (start := offset + header) <= size:
            seconds, fraction, captured = unpack(data, offset)
            end = start + captured
            if end > size:
                if captured > _MAX_PACKET:
                    self._count(frame, offset - begin)
                    return self._stop(offset, f"packet record says {captured} bytes")
                self._need = end - offset
                break
            frame += 1
            packet(frame, seconds + fraction / units, data, start, end)
            offset = end
        self._count(frame, offset - begin)
        return offset

    def _count(self, frame: int, size: int) -> None:
        self._counters.bytes += size - self._layout.header * (frame - self._counters.packets)
        self._counters.packets = frame

    def _blocks(self, data: bytes, offset: int) -> int:
        size = len(data)
        self._need = 12
        while size - offset >= 12:
            if data[offset : offset + 4] == _SECTION:
                order = _ORDER.get(data[offset + 8 : offset + 12])
                if order is None:
                    return self._stop(offset, "section header without byte order")
                self._order = order
                self._interfaces = []
            kind, length = struct.unpack_from(self._order + "II", data, offset)
            if length < 12 or length % 4:
                return self._stop(offset, f"block says {length} bytes")
            end = offset + length
            if kind not in _KNOWN_BLOCKS:
                if end > size:
                    self._skip = end - size
                    return size
            elif length > _MAX_PACKET:
                return self._stop(offset, f"block says {length} bytes")
            elif end > size:
                self._need = length
                break
            else:
                self._block(kind, data, offset + 8, end - 4)
            offset = end
        return offset

    def _block(self, kind: int, data: bytes, start: int, end: int) -> None:
        if kind in (_PACKET_BLOCK, _OLD_PACKET_BLOCK) and end - start >= 20:
            layout = "IIIII" if kind == _PACKET_BLOCK else "H2xIIII"  # the old one has a number of drops there
            interface, high, low, captured, _ = struct.unpack_from(self._order + layout, data, start)
            if interface < len(self._interfaces) and captured <= end - start - 20:
                packet, units, shift, _ = self._interfaces[interface]
                self._ts = (high << 32 | low) / units + shift
                self._deliver(packet, data, start + 20, captured)
                return
        elif kind == _SIMPLE_BLOCK and end - start >= 4 and self._interfaces:
            packet, _, _, limit = self._interfaces[0]
            (length,) = struct.unpack_from(self._order + "I", data, start)
            # A simple packet has no time of its own: the one before it is the best that is known.
            self._deliver(packet, data, start + 4, min(length, limit or length, end - start - 4))
            return
        elif kind == _INTERFACE_BLOCK and end - start >= 8 and len(self._interfaces) < _MAX_INTERFACES:
            link, _, limit = struct.unpack_from(self._order + "HHI", data, start)
            units, shift = self._resolution(data, start + 8, end)
            self._interfaces.append((self._open_link(link), units, shift, limit))
            return
        self._counters.packets += kind != _INTERFACE_BLOCK
        self._log.add(f"byte {self._base + start - 8}", "block that contradicts itself is left out")

    def _deliver(self, packet: Packet, data: bytes, start: int, length: int) -> None:
        self._counters.packets += 1
        self._counters.bytes += length
        packet(self._counters.packets, self._ts, data, start, start + length)

    def _resolution(self, data: bytes, offset: int, end: int) -> tuple[int, int]:
        """Units per second (if_tsresol) and seconds to add (if_tsoffset) from an interface's options."""
        units, shift = 1_000_000, 0
        while end - offset >= 4:
            option, length = struct.unpack_from(self._order + "HH", data, offset)
            offset += 4
            if option == 0 or length > end - offset:
                break
            if option == 9 and length == 1:
                exponent = data[offset]
                units = 1 << (exponent & 0x7F) if exponent & 0x80 else 10 ** min(exponent, 40)
            elif option == 14 and length == 8:
                (shift,) = struct.unpack_from(self._order + "q", data, offset)
            offset += length + -length % 4
        return units, shift
