"""Long headers (RFC 8999 section 5.1, RFC 9000 section 17.2): which packets a datagram holds, and where they end."""

import struct
from typing import Final, NamedTuple

from enricher.sensor.quic.versions import VERSIONS, Kind
from enricher.sensor.reader import MalformedError, Reader

LONG: Final = 0x80
FIXED: Final = 0x40
_MAX_CONNECTION_ID: Final = 20
_SHORTEST: Final = 11
"""Bytes of a Version Negotiation packet without connection ids and with one version."""
PROTECTED: Final = 20
"""Least bytes from the packet number on: header protection samples 16 of them after the first four."""
_TAG: Final = 16
_start: Final = struct.Struct(">BI").unpack_from


class Packet(NamedTuple):
    """One packet with long header. Offsets are those of its datagram."""

    kind: Kind
    version: int
    destination: bytes
    """Destination Connection ID."""
    source: bytes
    """Source Connection ID."""
    token: bool
    """An Initial that carries a token, as only a client may send."""
    start: int
    number: int
    """Where its protected packet number starts; the list of versions or the retry token where it has none."""
    end: int
    """Where it ends as it says itself, which can be behind the datagram's end if that was cut."""


def is_quic(data: bytes, start: int, end: int) -> bool:
    """Whether the UDP payload data[start:end] begins with a QUIC packet with long header, of a known version.

    Version Negotiation counts if it offers a known version. False for what belongs to a QUIC connection but has a short
    header: that says nothing by itself.
    """
    if end - start < _SHORTEST or not data[start] & LONG:
        return False
    first, version = _start(data, start)
    if version and not (first & FIXED and version in VERSIONS):
        return False
    try:
        packet = read_packet(data, start, end)
    except MalformedError:
        return False
    return packet.end <= end and (packet.kind != "version_negotiation" or _offers_known(data, packet))


def read_packet(data: bytes, start: int, end: int) -> Packet:
    """The packet with long header at `start`; of an unknown version nothing is read.

    Raises:
        MalformedError: its header does not parse.
    """
    reader = Reader(data, start, end)
    first = reader.number(1, "first byte")
    number = reader.number(4, "version")
    version = VERSIONS.get(number)
    if version is None and number:
        return Packet("unknown", number, b"", b"", False, start, end, end)  # noqa: FBT003
    kind = version.kinds[first >> 4 & 3] if version else "version_negotiation"
    destination = _connection_id(reader, "Destination Connection ID")
    source = _connection_id(reader, "Source Connection ID")
    token = kind == "initial" and len(reader.take(varint(reader, "token length"), "token")) > 0
    if kind in {"version_negotiation", "retry"}:
        rest = len(reader)
        if rest < 4 or rest % 4 if kind == "version_negotiation" else rest <= _TAG:
            raise MalformedError(f"byte {reader.offset}: {kind} packet ends in {rest} bytes")
        return Packet(kind, number, destination, source, token, start, reader.offset, end)
    length = varint(reader, "length")
    if length < PROTECTED:
        raise MalformedError(f"byte {reader.offset}: {kind} packet of {length} bytes")
    return Packet(kind, number, destination, source, token, start, reader.offset, reader.offset + length)


def varint(reader: Reader, what: str) -> int:
    """A variable-length integer (RFC 9000 section 16)."""
    first = reader.number(1, what)
    more = (1 << (first >> 6)) - 1
    return (first & 0x3F) << 8 * more | reader.number(more, what) if more else first


def _connection_id(reader: Reader, what: str) -> bytes:
    size = reader.number(1, what)
    if size > _MAX_CONNECTION_ID:
        raise MalformedError(f"byte {reader.offset}: {what} of {size} bytes")
    return reader.take(size, what)


def _offers_known(data: bytes, packet: Packet) -> bool:
    offered = struct.unpack_from(f">{(packet.end - packet.number) // 4}I", data, packet.number)
    return any(version in VERSIONS for version in offered)
