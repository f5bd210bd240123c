"""QUIC connections: what the handshake bytes of Initial packets tell, and which packets show that keys were agreed."""

from collections.abc import Callable
from functools import partial
from typing import Final

from enricher.sensor.contract import Counters
from enricher.sensor.hellos import Hellos
from enricher.sensor.negotiation import Negotiation
from enricher.sensor.quic import QuicReader, is_quic
from enricher.sensor.record import MessageReader

_LONG: Final = 0x80
"""Bit of long headers."""
_FATAL: Final = 2
_TLS_ALERT: Final = 1
"""High byte of the error codes whose low byte is a TLS alert (RFC 9001 section 4.8)."""


class QuicConnection:
    """Takes the datagrams of two sides, 0 and 1."""

    opens = staticmethod(is_quic)

    def __init__(self, max_message: int, hellos: Hellos) -> None:
        self.negotiation = Negotiation("quic", hellos)
        self._reader = QuicReader(max_message)
        self._messages = (MessageReader(max_message), MessageReader(max_message))
        self._closed: set[tuple[int, int]] = set()
        """Side and code of the closes that were told; each is sent again for every packet that still comes."""

    @property
    def superseded(self) -> bool:
        """A datagram came that begins another connection; it was not read."""
        return self._reader.superseded

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return self.negotiation.held + self._reader.buffered + sum(len(part.pending) for part in self._messages)

    @property
    def begins_anew(self) -> Callable[[bytes, int, int], bool]:
        """What tells, once this is over, whether a datagram begins another connection."""
        return partial(_begins_anew, self._reader.ids)

    def feed(self, index: int, data: bytes, start: int, end: int, ts: float, frame: int) -> None:
        """Take a datagram."""
        reader, negotiation = self._reader, self.negotiation
        if not data[start] & _LONG and reader.one_rtt[index]:
            return  # nothing new; most of what half a conversation consists of
        for side, body, at, number in reader.feed(index, data[start:end], ts, frame):
            for message in self._messages[side].feed(body, at, number):
                negotiation.message(side, *message)
                if negotiation.not_tls:
                    return
        for side, code in reader.closes:
            negotiation.fatal = True
            if code >> 8 == _TLS_ALERT and (side, code) not in self._closed:
                self._closed.add((side, code))
                negotiation.alert(side, bytes((_FATAL, code & 0xFF)))
        client = negotiation.client
        if client is not None and reader.one_rtt[client]:  # only after its Finished, so that both have agreed
            negotiation.ciphertext(client)
        if client is not None and (reader.handshake[1 - client] or reader.one_rtt[1 - client]):
            negotiation.ciphertext(1 - client)

    def finish(self, counters: Counters) -> None:
        """Nothing more will come. What is missing is counted."""
        reader, negotiation = self._reader, self.negotiation
        counters.initials_unread += reader.unread
        if reader.superseded and reader.version_negotiation and negotiation.server_hello is None:
            negotiation.not_tls = True  # it only asked for a version; the connection is the one that followed
        if reader.lost or reader.unread:
            for side in negotiation.sides:
                side.gap = True
        if reader.errors and negotiation.handshake_error is None:
            negotiation.handshake_error = reader.errors[0]


def _begins_anew(known: frozenset[bytes], data: bytes, start: int, end: int) -> bool:
    """Whether a client begins again: a packet for a connection id that was not in use."""
    return is_quic(data, start, end) and data[start + 6 : start + 6 + data[start + 5]] not in known
