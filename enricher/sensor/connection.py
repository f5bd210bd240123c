"""TLS over TCP: the bytes of two directions, cut into records; what these carry goes to the negotiation."""

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
)


class Connection:
    """Takes the bytes of two directions, 0 and 1."""

    def __init__(self, max_message: int) -> None:
        self.negotiation = Negotiation("tls")
        self._records = (RecordReader(), RecordReader())
        self._messages = (MessageReader(max_message), MessageReader(max_message))

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return self.negotiation.held + sum(part.buffered for part in (*self._records, *self._messages))

    def feed(self, index: int, chunk: Chunk) -> None:
        """Take the next bytes of a direction."""
        records, negotiation = self._records[index], self.negotiation
        if records.lost or negotiation.over:
            return
        for kind, body in records.feed(*chunk):
            self._record(index, kind, body)
            if negotiation.over:
                return
        if records.lost:
            if negotiation.client is None:
                negotiation.not_tls = True
            else:
                negotiation.error(records.frame, f"{negotiation.name(index)} sent what is no TLS record")

    def gap(self, index: int, missing: int) -> None:
        """Bytes of a direction are missing."""
        if not self._records[index].gap(missing):
            self.negotiation.sides[index].gap = True
            self._messages[index].clear()

    def _record(self, index: int, kind: int, body: bytes | None) -> None:
        negotiation, records = self.negotiation, self._records[index]
        if negotiation.client is None and kind not in {ALERT, HANDSHAKE}:
            negotiation.not_tls = True
        elif body is None:
            self._unread(index, kind)
        elif kind == HANDSHAKE:
            messages = self._messages[index]
            for message, content in messages.feed(body, records.ts, records.frame):
                negotiation.message(index, message, content, messages.ts, messages.frame)
                if negotiation.not_tls:
                    return
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
