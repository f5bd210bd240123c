"""What the wire half of the sensor is told, what it counts, and what it asks of the room for certificates."""

from typing import Any, Final, Protocol

import msgspec

from enricher.model.problem import Problem


class WireSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the sensor's memory. What falls victim to them is counted in `Counters`, never silent."""

    max_flows: int = 50_000
    """TCP connections, and as many UDP associations, remembered at once; the longest silent go first."""
    max_buffered: int = 64 << 20
    """Bytes of unfinished handshakes held for all TCP connections together, and as many for UDP."""
    max_out_of_order: int = 256 << 10
    """Bytes per direction that wait for a missing segment before it is given up."""
    max_message: int = 1 << 20
    """Length of one handshake message; certificate chains are the longest."""
    idle_timeout: float = 300.0
    """Seconds of capture time without a packet after which a connection counts as over."""
    max_fragments: int = 4 << 20
    """Bytes of IP datagrams whose fragments are not all there; the oldest go first."""
    fragment_timeout: float = 60.0
    """Seconds of capture time after its first fragment in which a datagram must be whole (RFC 8200 section 4.5)."""
    max_problems: int = 100


class Counters(msgspec.Struct, kw_only=True):
    """What the sensor saw and what it left out."""

    packets: int = 0
    bytes: int = 0
    """Captured bytes of all packets."""
    packets_unknown_link: int = 0
    """Packets of a link type that cannot be read."""
    packets_other: int = 0
    """Packets and tunnels with neither TCP, UDP nor another tunnel that is known."""
    packets_malformed: int = 0
    """Headers cut short or contradicting themselves."""
    packets_tunneled: int = 0
    """IP packets found in others."""
    packets_too_deep: int = 0
    """Tunnels in more tunnels than are entered."""
    fragments: int = 0
    fragments_dropped: int = 0
    """Fragments of datagrams that did not become whole in time or within `max_fragments`."""
    fragments_conflicting: int = 0
    """Fragments that disagree with others about bytes of a datagram. The first copy of a byte wins."""
    flows: int = 0
    flows_tls: int = 0
    flows_not_tls: int = 0
    flows_evicted: int = 0
    """Connections given up for `max_flows` or `max_buffered` before they were over."""
    bytes_missing: int = 0
    """Bytes of handshakes that the capture does not hold or that came too late."""
    initials_unread: int = 0
    """QUIC Initial packets that could not be opened: cut short, altered, or without the client's first one."""
    bytes_conflicting: int = 0
    """Bytes of a handshake that came twice and were not the same; the first copy counted."""
    problems_dropped: int = 0


LOSSES: Final = (
    "packets_unknown_link",
    "packets_malformed",
    "packets_too_deep",
    "fragments_dropped",
    "fragments_conflicting",
    "flows_evicted",
    "bytes_missing",
    "bytes_conflicting",
    "initials_unread",
    "problems_dropped",
)
"""Counters of what may hide a session or a part of it."""


class CertificateReader(Protocol):
    """Facts about a server's certificate chain, as keyword arguments of `Observation`."""

    def facts(self, chain: tuple[bytes, ...], server_name: str | None, ts: float) -> dict[str, Any]:
        """Facts of `chain` (DER, leaf first, as sent), judged at `ts` against `server_name`.

        Keys are among `cert_*`, `san_*`, `basic_constraints_*`, `validation_*`, `sni_matches_cert`,
        `certificate_error`.
        """


class Log:
    """Problems of one capture, bounded in number."""

    def __init__(self, name: str, limit: int, counters: Counters) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._limit = limit
        self._counters = counters

    def add(self, place: str, what: str, advice: str = "") -> None:
        """Keep a problem, or only count it once there are too many."""
        if len(self.problems) < self._limit:
            self.problems.append(Problem(where=f"{self._name}: {place}", what=what, advice=advice))
        else:
            self._counters.problems_dropped += 1
