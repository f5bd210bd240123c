"""DTLS associations: records of 1.0, 1.2 and OpenSSL's version before them (RFC 6347), of 1.3 (RFC 9147).

Connection ids (RFC 9146) hide where a record ends: it then counts as reaching to the end of its datagram.
"""

import struct
from collections.abc import Callable
from functools import partial
from typing import Final

from enricher.sensor.contract import Counters
from enricher.sensor.dtls_messages import HEADER, MessageBuffer, fragment
from enricher.sensor.handshake import CLIENT_HELLO, SERVER_HELLO, is_tls13
from enricher.sensor.hellos import Hellos
from enricher.sensor.negotiation import Negotiation
from enricher.sensor.record import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT

_CONNECTION_ID: Final = 25
"""Content type of a record of DTLS 1.2 with a connection id."""
_ACK: Final = 26
_VERSIONS: Final = (0x0100, 0xFEFF, 0xFEFD)
"""Record versions; 1.3 calls itself 1.2."""
_RECORD: Final = 13
"""Length of a record's header."""
_UNIFIED: Final = 0x20
_UNIFIED_MASK: Final = 0xE0
"""First bits of the header that all of DTLS 1.3's ciphertext has; its length cannot be known by all."""
_MAX_NUMBERS: Final = 64
_RANDOM: Final = 32
_header: Final = struct.Struct(">BHHHIH").unpack_from


def _hello(data: bytes, start: int, end: int) -> int | None:
    """Type of the hello of which a fragment begins in this datagram, be it cut; None if it does not begin with one."""
    first = start + _RECORD
    if data[start] != HANDSHAKE or end - first < HEADER or data[first] not in {CLIENT_HELLO, SERVER_HELLO}:
        return None
    _, version, epoch, _, _, length = _header(data, start)
    if version not in _VERSIONS or epoch or fragment(data, first, first + length) is None:
        return None
    return data[first]


def _begins_anew(known: bytes | None, data: bytes, start: int, end: int) -> bool:
    """Whether a client begins again: its very first ClientHello, with a random that is not the `known` one."""
    if _hello(data, start, end) != CLIENT_HELLO:
        return False
    piece = fragment(data, start + _RECORD, end)
    if piece is None or piece.number or piece.offset or len(piece.body) < 2 + _RANDOM:
        return False
    return known is not None and piece.body[2 : 2 + _RANDOM] != known


class DtlsConnection:
    """Takes the datagrams of two sides, 0 and 1."""

    def __init__(self, max_message: int, hellos: Hellos) -> None:
        self.negotiation = Negotiation("dtls", hellos)
        self.superseded = False
        """A datagram came that begins another association; it was not read."""
        self._messages = (MessageBuffer(max_message), MessageBuffer(max_message))
        self._numbers: tuple[set[int], set[int]] = (set(), set())
        """Records of the first epoch that tell something by themselves, so that a copy does not tell it again."""
        self._unified = [False, False]
        """Sides that sent what is a record if this is DTLS 1.3."""
        self._random: bytes | None = None
        self._cut = 0
        """Bytes that the capture left out of the first epoch's records."""

    @staticmethod
    def opens(data: bytes, start: int, end: int) -> bool:
        """Whether an association may begin with this datagram: it starts with (a piece of) a hello."""
        return _hello(data, start, end) is not None

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return self.negotiation.held + self._messages[0].buffered + self._messages[1].buffered

    @property
    def begins_anew(self) -> Callable[[bytes, int, int], bool]:
        """What tells, once this is over, whether a datagram begins another association."""
        return partial(_begins_anew, self._random)

    def feed(self, index: int, data: bytes, start: int, end: int, ts: float, frame: int) -> None:
        """Take a datagram: records that follow each other, up to one that is none."""
        if _begins_anew(self._random, data, start, end):
            self.superseded = True
            return
        negotiation = self.negotiation
        while end - start >= _RECORD and data[start] & _UNIFIED_MASK != _UNIFIED and not negotiation.over:
            start = self._record(index, data, start, end, ts, frame)
        if start < end:
            self._unified[index] |= data[start] & _UNIFIED_MASK == _UNIFIED
        if is_tls13(negotiation.version):
            for side in (0, 1):
                if self._unified[side]:
                    negotiation.ciphertext(side)

    def finish(self, counters: Counters) -> None:
        """Nothing more will come: take what waited for other messages in vain. What is missing is counted."""
        counters.bytes_missing += self._cut
        for index, messages in enumerate(self._messages):
            if messages.incomplete:
                self.negotiation.sides[index].gap = True
                counters.bytes_missing += messages.missing
                for message in messages.finish():
                    self.negotiation.message(index, *message)

    def _record(self, index: int, data: bytes, start: int, end: int, ts: float, frame: int) -> int:
        """Take the record at `start`; where the next one starts, or `end` if it cannot be found."""
        kind, version, epoch, high, low, length = _header(data, start)
        if version not in _VERSIONS or not CHANGE_CIPHER_SPEC <= kind <= _ACK:
            return end
        start += _RECORD
        stop: int = start + length
        if epoch:
            self.negotiation.ciphertext(index)
            return end if kind == _CONNECTION_ID else stop
        if stop > end:
            self.negotiation.sides[index].gap = True
            self._cut += stop - end
        elif kind == HANDSHAKE:
            self._handshake(index, data, start, stop, ts, frame)
        elif self._is_new(index, high << 32 | low):
            self._other(index, kind, data[start:stop])
        return stop

    def _handshake(self, index: int, data: bytes, start: int, end: int, ts: float, frame: int) -> None:
        negotiation = self.negotiation
        while start < end:
            piece = fragment(data, start, end)
            if piece is None:
                negotiation.error(frame, f"{negotiation.name(index)} sent a handshake fragment that does not fit")
                return
            for message in self._messages[index].feed(piece, ts, frame):
                if message[0] == CLIENT_HELLO and message[1] and self._random is None:
                    self._random = message[1][2 : 2 + _RANDOM]
                negotiation.message(index, *message)
                if negotiation.not_tls:
                    return
            start += HEADER + len(piece.body)

    def _is_new(self, index: int, number: int) -> bool:
        """Whether a record of the first epoch was not seen before, as far as is remembered."""
        numbers = self._numbers[index]
        if number in numbers or len(numbers) >= _MAX_NUMBERS:
            return False
        numbers.add(number)
        return True

    def _other(self, index: int, kind: int, body: bytes) -> None:
        negotiation = self.negotiation
        if kind == ALERT:
            negotiation.alert(index, body)
        elif kind == HEARTBEAT:
            negotiation.heartbeat(index)
        elif kind == CHANGE_CIPHER_SPEC and not negotiation.sides[index].encrypted:
            negotiation.change_cipher_spec(index)
