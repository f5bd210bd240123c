"""TLS over TCP: the bytes of two directions, cut into records; what these carry goes to the negotiation."""

from enricher.sensor import sslv2
from enricher.sensor.handshake import CLIENT_HELLO
from enricher.sensor.hellos import Hellos
from enricher.sensor.negotiation import Negotiation
from enricher.sensor.reassembly import Chunk
from enricher.sensor.record import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEARTBEAT,
    MessageReader,
    RecordReader,
    is_hello,
    is_record,
)

_HEADER = 5
_ENOUGH = 11
"""Bytes by which a hello is told from what looks like one, in either format."""


def may_begin(data: bytes) -> bool:
    """Whether a connection that begins so may be TLS or SSLv2."""
    return is_record(data) or sslv2.is_hello(data)


def may_be_hello(data: bytes) -> bool:
    """Whether a hello may start with these bytes, in TLS' or in SSLv2's format."""
    return is_hello(data) or sslv2.is_hello(data)


def begins(data: bytes, *, client: bool) -> bool | None:
    """Whether a side's TLS begins with these bytes, by a hello or a server's alert; None: they are too few to tell."""
    if not client and is_record(data) and data[0] == ALERT:
        return data[3:5] == b"\0\2" if len(data) >= _HEADER else None
    if not may_be_hello(data):
        return False
    if len(data) < _ENOUGH:
        return None
    kind = data[2] if data[0] & 0x80 else data[5]
    return (kind == CLIENT_HELLO) is client


class Connection:
    """Takes the bytes of two directions, 0 and 1."""

    def __init__(self, max_message: int, hellos: Hellos) -> None:
        self.negotiation = Negotiation("tls", hellos)
        self._records = (RecordReader(), RecordReader())
        self._messages = (MessageReader(max_message), MessageReader(max_message))
        self._begun = [False, False]
        self._sslv2: sslv2.Sslv2 | None = None
        """What comes before TLS, where the first hello has the format of SSLv2."""

    @property
    def buffered(self) -> int:
        """Bytes held."""
        (a, b), (c, d) = self._records, self._messages
        held = self.negotiation.held + len(a.pending) + len(b.pending) + len(c.pending) + len(d.pending)
        return held if self._sslv2 is None else held + self._sslv2.buffered

    def feed(self, index: int, chunk: Chunk) -> None:
        """Take the next bytes of a direction."""
        records, negotiation = self._records[index], self.negotiation
        if records.lost or negotiation.over:
            return
        tls: Chunk | None = chunk
        if not self._begun[index]:
            if self._sslv2 is None and sslv2.is_hello(chunk[0]):
                self._sslv2 = sslv2.Sslv2(negotiation, (self._begun[0], self._begun[1]))
            self._begun[index] = True
        if self._sslv2 is not None:
            tls = self._sslv2.feed(index, chunk)
        if tls is None:
            return
        for kind, body in records.feed(*tls):
            self._record(index, kind, body)
            if negotiation.established or negotiation.not_tls:
                return
        if records.lost:
            if negotiation.client is None:
                negotiation.not_tls = True
            else:
                negotiation.error(records.frame, f"{negotiation.name(index)} sent what is no TLS record")

    def gap(self, index: int, missing: int) -> None:
        """Bytes of a direction are missing."""
        if self._sslv2 is not None:
            self._sslv2.gap(index)
        if not self._records[index].gap(missing):
            self.negotiation.sides[index].gap = True
            self._messages[index].clear()

    def _record(self, index: int, kind: int, body: bytes | None) -> None:
        negotiation, records = self.negotiation, self._records[index]
        if kind == HANDSHAKE and body is not None:
            for message in self._messages[index].feed(body, records.ts, records.frame):
                negotiation.message(index, *message)
                if negotiation.not_tls:
                    return
        elif negotiation.client is None and kind not in {ALERT, HANDSHAKE}:
            negotiation.not_tls = True
        elif body is None:
            self._unread(index, kind)
        elif kind == ALERT:
            negotiation.alert(index, body)
        elif kind == CHANGE_CIPHER_SPEC:
            negotiation.change_cipher_spec(index)
        records.encrypted = negotiation.sides[index].encrypted

    def _unread(self, index: int, kind: int) -> None:
        """Ciphertext, or a record whose body does not matter."""
        negotiation = self.negotiation
        if self._records[index].encrypted or (kind == APPLICATION_DATA and (negotiation.version or 0xFFFF) > 0x0303):
            negotiation.ciphertext(index)
        elif kind == HEARTBEAT:
            negotiation.heartbeat(index)
