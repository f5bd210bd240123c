"""UDP: which datagrams belong to a DTLS association or a QUIC connection, and when it is over. Memory is bounded.

Both are known by how they begin, on any port. STUN, media and other protocols may share their address pair (RFC 7983,
RFC 9443); nearly all datagrams are passed over after a look at their first byte.
"""

from collections.abc import Callable
from typing import Final, Protocol

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.dtls import DtlsConnection
from enricher.sensor.hellos import Hellos
from enricher.sensor.negotiation import Negotiation, Report
from enricher.sensor.packet import reverse
from enricher.sensor.quic_connection import QuicConnection
from enricher.sensor.record import HANDSHAKE
from enricher.sensor.stun import is_stun, relayed

_NEVER: Final = float("-inf")
_OPENERS: Final = bytes(byte < 4 or byte == HANDSHAKE or byte >= 192 for byte in range(256))
"""By first byte, whether a datagram can begin something: STUN, a DTLS handshake, a QUIC long header."""
_RELAYED: Final = bytes(byte < 4 or 64 <= byte < 80 for byte in range(256))
"""By first byte, whether TURN may carry another datagram in this one."""


class DatagramConnection(Protocol):
    """What DTLS and QUIC have in common."""

    negotiation: Negotiation

    @property
    def superseded(self) -> bool:
        """The last datagram begins another connection; it was not read, and nothing more will be."""

    @property
    def buffered(self) -> int:
        """Bytes held."""

    @property
    def begins_anew(self) -> Callable[[bytes, int, int], bool]:
        """What tells, once this is over, whether a datagram begins another connection."""

    def feed(self, index: int, data: bytes, start: int, end: int, ts: float, frame: int) -> None:
        """Take a datagram."""

    def finish(self, counters: Counters) -> None:
        """Nothing more will come. What is missing is counted."""


class Association:
    """One address pair, and the connection that it carries at the moment."""

    __slots__ = ("begins_anew", "buffered", "connection", "key", "last", "originator", "seen")

    def __init__(self, key: bytes, ts: float) -> None:
        self.key = key
        """As seen from direction 0."""
        self.last = ts
        """Time of the last datagram of either direction."""
        self.originator: int | None = None
        """The direction that opened the address pair by STUN; None where there was none."""
        self.connection: DatagramConnection | None = None
        self.begins_anew: Callable[[bytes, int, int], bool] | None = None
        """Of a connection that is over all that is kept."""
        self.seen = [False, False]
        """Directions that said something since the connection began."""
        self.buffered = 0


class DatagramTable:
    """Takes UDP datagrams, keeps the associations, reports each that turned out to be TLS once it is over."""

    def __init__(self, settings: WireSettings, counters: Counters, hellos: Hellos, report: Report) -> None:
        self._settings = settings
        self._counters = counters
        self._hellos = hellos
        self._report = report
        self._known: dict[bytes, tuple[Association, int]] = {}
        """Association and direction by key."""
        self.buffered = 0
        """Bytes held for all associations."""
        self._sweep_at = _NEVER
        self._opened = 0
        """Associations since the last sweep."""

    def packet(self, frame: int, ts: float, key: bytes, data: bytes, start: int, end: int) -> None:
        """Take the UDP payload data[start:end] from and to the addresses and ports of `key` (see `packet.reverse`)."""
        if start >= end:
            return
        known = self._known.get(key)
        if known is None:
            if not _OPENERS[data[start]]:
                return
            known = self._open(ts, key, data, start, end)
            if known is None:
                return
        association, index = known
        association.last = ts
        if association.originator is not None and _RELAYED[data[start]]:
            start, end = relayed(data, start, end) or (start, end)
        if association.connection is None and not (
            _OPENERS[data[start]] and self._begins(association, data, start, end)
        ):
            return
        self._feed(association, index, data, start, end, ts, frame)

    def close(self) -> None:
        """End of the capture: nobody knows how the open associations go on."""
        for association in self._associations():
            self._end(association, over=False)
        self._known.clear()

    def _associations(self) -> list[Association]:
        return [association for association, index in self._known.values() if index == 0]

    def _open(self, ts: float, key: bytes, data: bytes, start: int, end: int) -> tuple[Association, int] | None:
        """Remember an address pair if this datagram begins something."""
        stun = is_stun(data, start, end)
        connection = None if stun else self._recognise(data, start, end)
        if not stun and connection is None:
            return None
        self._opened += 1
        if not self._sweep_at - 2 * self._settings.idle_timeout < ts < self._sweep_at:
            self._sweep(ts)
        if len(self._known) >= 2 * self._settings.max_flows:
            self._evict()
        association = Association(key, ts)
        association.connection = connection
        association.originator = 0 if stun else None
        self._known[reverse(key)] = association, 1
        known = self._known[key] = association, 0
        return known

    def _begins(self, association: Association, data: bytes, start: int, end: int) -> bool:
        """Whether a datagram begins a connection on an address pair that has none at the moment."""
        if association.begins_anew is not None and not association.begins_anew(data, start, end):
            return False
        association.connection = self._recognise(data, start, end)
        return association.connection is not None

    def _recognise(self, data: bytes, start: int, end: int) -> DatagramConnection | None:
        """The connection that begins with this datagram, if one may."""
        kind = DtlsConnection if data[start] == HANDSHAKE else QuicConnection
        if not kind.opens(data, start, end):
            return None
        self._counters.flows += 1
        return kind(self._settings.max_message, self._hellos)

    def _feed(
        self, association: Association, index: int, data: bytes, start: int, end: int, ts: float, frame: int
    ) -> None:
        connection = association.connection
        assert connection is not None
        connection.feed(index, data, start, end, ts, frame)
        if connection.superseded:
            self._end(association, over=True)
            connection = association.connection = self._recognise(data, start, end)
            if connection is None:
                return
            connection.feed(index, data, start, end, ts, frame)
        association.seen[index] = True
        if connection.negotiation.over:
            self._end(association, over=True)
        else:
            self._account(association, connection.buffered)

    def _account(self, association: Association, size: int) -> None:
        self.buffered += size - association.buffered
        association.buffered = size
        if self.buffered > self._settings.max_buffered:
            self._evict()

    def _end(self, association: Association, *, over: bool) -> None:
        """Report a connection. `over`: it is known to have ended; otherwise only our sight of it did."""
        connection = association.connection
        if connection is None:
            return
        connection.finish(self._counters)
        negotiation = connection.negotiation
        whole = all(association.seen)
        association.connection = None
        association.begins_anew = None if negotiation.not_tls else connection.begins_anew
        association.seen = [False, False]
        self.buffered -= association.buffered
        association.buffered = 0
        if negotiation.not_tls or not negotiation.hello_at:
            self._counters.flows_not_tls += 1
            return
        self._counters.flows_tls += 1
        self._report(association.key, association.originator, negotiation, negotiation.outcome(over=over and whole))

    def _sweep(self, ts: float) -> None:
        """At times, close what has been silent for too long, in capture time."""
        if 32 * self._opened < len(self._known):
            return  # a clock that jumps to and fro must not cost a look at all associations each time
        self.expire(ts)

    def expire(self, ts: float) -> None:
        """Close what has been silent for too long at this time."""
        self._opened = 0
        limit = ts - self._settings.idle_timeout
        self._sweep_at = ts + self._settings.idle_timeout / 4
        for association in self._associations():
            if association.last < limit:
                self._end(association, over=True)
                self._forget(association)

    def _evict(self) -> None:
        """Give up the sixteenth of the associations that has been silent longest."""
        associations = sorted(self._associations(), key=lambda association: association.last)
        for association in associations[: len(associations) // 16 + 1]:
            if association.connection is not None:
                self._counters.flows_evicted += 1
                self._end(association, over=False)
            self._forget(association)

    def _forget(self, association: Association) -> None:
        del self._known[association.key]
        self._known.pop(reverse(association.key), None)
