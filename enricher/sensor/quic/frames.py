"""Frames of Initial packets (RFC 9000 sections 12.4 and 19)."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from enricher.sensor.quic.header import varint
from enricher.sensor.reader import MalformedError, Reader

PADDING, PING, ACK, ACK_ECN, CRYPTO, NEW_TOKEN, CONNECTION_CLOSE = 0, 1, 2, 3, 6, 7, 0x1C
_padding: Final = re.compile(rb"\0*").match


class Crypto(NamedTuple):
    """Bytes of the handshake."""

    offset: int
    """Where in their direction's stream they belong."""
    data: bytes


class Close(NamedTuple):
    """The sender gives up."""

    code: int
    """Transport error code (RFC 9000 section 20.1); 0x100 + n is the TLS alert n (RFC 9001 section 4.8)."""


def frames(payload: bytes) -> Iterator[Crypto | Close]:
    """What frames tell; those that tell nothing are walked over.

    Raises:
        MalformedError: a frame does not parse, or may not stand in an Initial packet; what came before it was given.
    """
    reader = Reader(payload, 0, len(payload))
    while reader:
        kind = varint(reader, "frame type")
        if kind == PADDING:
            padding = _padding(payload, reader.offset)
            reader.offset = padding.end() if padding else reader.offset
        elif kind == CRYPTO:
            offset = varint(reader, "CRYPTO offset")
            yield Crypto(offset, reader.take(varint(reader, "CRYPTO length"), "CRYPTO data"))
        elif kind == CONNECTION_CLOSE:
            code = varint(reader, "CONNECTION_CLOSE error code")
            varint(reader, "CONNECTION_CLOSE frame type")
            reader.take(varint(reader, "CONNECTION_CLOSE reason length"), "CONNECTION_CLOSE reason")
            yield Close(code)
        elif kind in {ACK, ACK_ECN}:
            _pass_ack(reader, kind)
        elif kind == NEW_TOKEN:
            reader.take(varint(reader, "NEW_TOKEN length"), "NEW_TOKEN token")
        elif kind != PING:
            raise MalformedError(f"byte {reader.offset}: frame type {kind:#x}")


def _pass_ack(reader: Reader, kind: int) -> None:
    varint(reader, "ACK largest")
    varint(reader, "ACK delay")
    ranges = varint(reader, "ACK range count")
    if 2 * ranges >= len(reader):
        raise MalformedError(f"byte {reader.offset}: ACK with {ranges} ranges")
    for _ in range(1 + 2 * ranges):
        varint(reader, "ACK range")
    if kind == ACK_ECN:
        for _ in range(3):
            varint(reader, "ACK ECN count")
