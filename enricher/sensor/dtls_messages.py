"""DTLS handshake messages of one side, put together from their fragments and in order (RFC 9147 section 5.5).

Retransmissions repeat what was told before and are passed over; of bytes that come twice the first ones count.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from enricher.sensor.handshake import CLIENT_HELLO, HELLO_VERIFY_REQUEST, SERVER_HELLO
from enricher.sensor.reassembly import Stream

HEADER: Final = 12
_WINDOW: Final = 32
"""Messages that may lie between the next one and one that waits for it."""
_OVERHEAD: Final = 1000
"""Bytes of memory that a message which waits takes besides its body."""
_FIRST: Final = (CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST)
_header: Final = struct.Struct(">IHBHBH").unpack_from

Message = tuple[int, bytes | None, float, int]
"""Type and body, None for one too long to read; time and frame number of the packet with its first fragment."""


class Fragment(NamedTuple):
    """A piece of a handshake message."""

    kind: int
    length: int
    """Of the whole message."""
    number: int
    """message_seq."""
    offset: int
    body: bytes


def fragment(data: bytes, start: int, end: int) -> Fragment | None:
    """The fragment at `start` of a record that ends at `end`; None where it does not fit the record or its message."""
    if end - start < HEADER:
        return None
    first, number, offset_high, offset, size_high, size = _header(data, start)
    kind, length = first >> 24, first & 0xFFFFFF
    offset |= offset_high << 16
    size |= size_high << 16
    start += HEADER
    if size > end - start or offset + size > length:
        return None
    return Fragment(kind, length, number, offset, data[start : start + size])


class _Pending:
    """A message that is not whole, or waits for one before it."""

    __slots__ = ("body", "kind", "length", "start", "stream", "whole")

    def __init__(self, kind: int, length: int, *, readable: bool) -> None:
        self.kind = kind
        self.length = length
        self.whole = not readable
        self.stream = Stream(0)
        self.body = bytearray()
        self.start = (0.0, 0)

    def add(self, piece: Fragment, ts: float, frame: int) -> int:
        """Take a fragment; by how many bytes of memory the message grew."""
        before = self.stream.waiting + len(self.body)
        if piece.offset == 0 and not self.body:
            self.start = ts, frame
        for body, _, _ in self.stream.accept(piece.offset, (piece.body, ts, frame)):
            self.body += body
        self.whole = len(self.body) == self.length
        return self.stream.waiting + len(self.body) - before


class MessageBuffer:
    """Takes fragments in any order, gives messages in sequence."""

    __slots__ = ("_expected", "_limit", "_pending", "buffered")

    def __init__(self, limit: int) -> None:
        self.buffered = 0
        """Bytes held."""
        self._limit = limit
        self._expected: int | None = None
        """message_seq of the next message; None before a hello, since the first one seen need not be the first sent."""
        self._pending: dict[int, _Pending] = {}

    @property
    def incomplete(self) -> bool:
        """Something waits for what did not come."""
        return bool(self._pending)

    @property
    def missing(self) -> int:
        """Bytes known to be missing from messages of which a part came."""
        return sum(part.length - len(part.body) for part in self._pending.values() if not part.whole)

    def feed(self, piece: Fragment, ts: float, frame: int) -> Iterator[Message]:
        """Take a fragment; give the messages that it completes, and those that waited for them."""
        number = piece.number
        if self._expected is None and piece.kind in _FIRST:
            self._expected = number
            for old in [waiting for waiting in self._pending if waiting < number]:
                self._forget(old)
        ahead = number - (self._expected or 0)
        if not 0 <= ahead < _WINDOW:
            return
        if ahead == 0 and len(piece.body) == piece.length <= self._limit and number not in self._pending:
            self._expected = number + 1
            yield piece.kind, piece.body, ts, frame
        else:
            self._hold(piece, ts, frame)
        while self._expected in self._pending and self._pending[self._expected].whole:
            message = self._forget(self._expected)
            self._expected += 1
            yield message

    def finish(self) -> Iterator[Message]:
        """Nothing more will come: give the whole messages that waited in vain for others."""
        for number in sorted(self._pending):
            whole = self._pending[number].whole
            message = self._forget(number)
            if whole:
                yield message

    def _hold(self, piece: Fragment, ts: float, frame: int) -> None:
        pending = self._pending.get(piece.number)
        if self.buffered + len(piece.body) > self._limit + _WINDOW * _OVERHEAD:
            return
        if pending is None:
            pending = _Pending(piece.kind, piece.length, readable=piece.length <= self._limit)
            pending.start = ts, frame
            self._pending[piece.number] = pending
            self.buffered += _OVERHEAD
        if not pending.whole and (pending.kind, pending.length) == (piece.kind, piece.length):
            self.buffered += pending.add(piece, ts, frame)

    def _forget(self, number: int) -> Message:
        pending = self._pending.pop(number)
        self.buffered -= _OVERHEAD + pending.stream.waiting + len(pending.body)
        body = bytes(pending.body) if len(pending.body) == pending.length else None
        return (pending.kind, body, *pending.start)
