"""One TCP connection: what is remembered of it and of its two directions."""

from typing import Final

from enricher.sensor.connection import Connection
from enricher.sensor.reassembly import SEQUENCE_MASK, Chunk, Stream
from enricher.sensor.starttls import Dialogue

NEVER: Final = float("-inf")
_WINDOW: Final = 1 << 20
"""Sequence numbers around the expected one in which a FIN or RST is believed: packets may be missing before it, and it
may be older than what was seen. Others are forged, or belong to another connection."""


class Half:
    """One direction of a connection."""

    __slots__ = ("done", "doubtful", "end", "flow", "index", "last", "lost", "next", "stream", "syn", "waiting")

    def __init__(self, flow: "Flow", index: int) -> None:
        self.flow = flow
        self.index = index
        self.done = False
        """Its packets are passed over."""
        self.doubtful: tuple[int, Chunk] | None = None
        """What may be padding; what follows it, or takes its place, will tell."""
        self.next = -1
        """Sequence number with which TLS would just go on, as nearly all segments do; -1: there is more to look at."""
        self.last = NEVER
        """Time of its last packet."""
        self.syn: int | None = None
        """Initial sequence number."""
        self.end: int | None = None
        """Sequence number of the FIN."""
        self.lost = False
        """Its start was not found; it is not read."""
        self.stream: Stream | None = None
        self.waiting: list[tuple[int, Chunk]] = []
        """What came before its start was found."""

    @property
    def early(self) -> int:
        """Bytes that came before its start was found."""
        return sum(len(chunk[0]) for _, chunk in self.waiting) if self.waiting else 0

    @property
    def whole(self) -> bool:
        """Some of it was seen, and nothing is known to be missing."""
        if self.last == NEVER or self.lost:
            return False
        return self.end is None or self.expected is None or self.end == self.expected

    @property
    def expected(self) -> int | None:
        """Sequence number of the next byte; None as long as nothing is known of it."""
        if self.stream is not None:
            return self.stream.expected
        return None if self.syn is None else (self.syn + 1) & SEQUENCE_MASK

    def admits(self, seq: int) -> bool:
        """Whether a FIN or RST with this sequence number can be the direction's own."""
        expected = self.expected
        return expected is None or (seq - expected + _WINDOW) & SEQUENCE_MASK < 2 * _WINDOW

    def foresee(self) -> None:
        """Look whether what comes next may be read without another look."""
        flow, stream = self.flow, self.stream
        tls = flow.connection is not None and flow.dialogue is None
        plain = tls and self.end is None and self.doubtful is None
        self.next = stream.expected if plain and stream is not None and not stream.waiting else -1

    def go_on(self, count: int) -> None:
        """So many bytes came as foreseen."""
        assert self.stream is not None
        self.next = self.stream.expected = (self.next + count) & SEQUENCE_MASK

    @property
    def over(self) -> bool:
        """All that it sent was seen, to its FIN."""
        return self.end is not None and (self.lost or self.expected in {None, self.end})


class Flow:
    """A connection; after `done` only a tombstone by which its packets are passed over."""

    __slots__ = ("buffered", "connection", "dialogue", "done", "halves", "key", "originator")

    def __init__(self, key: bytes) -> None:
        self.key = key
        """As seen from direction 0."""
        self.done = False
        self.originator: int | None = None
        """The direction that sent the SYN."""
        self.connection: Connection | None = None
        self.dialogue: Dialogue | None = None
        """What was said before TLS; None where it began with TLS."""
        self.buffered = 0
        self.halves = (Half(self, 0), Half(self, 1))

    @property
    def last(self) -> float:
        """Time of the last packet of either direction."""
        return max(self.halves[0].last, self.halves[1].last)

    @property
    def buffered_now(self) -> int:
        """Bytes held."""
        a, b = self.halves
        size = a.stream.waiting if a.stream is not None else a.early
        size += b.stream.waiting if b.stream is not None else b.early
        if self.connection is not None:
            size += self.connection.buffered
        return size if self.dialogue is None else size + self.dialogue.buffered
