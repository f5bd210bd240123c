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

    __slots__ = ("done", "doubtful", "end", "flow", "index", "last", "lost", "stream", "syn", "waiting")

    def __init__(self, flow: "Flow", index: int) -> None:
        self.flow = flow
        self.index = index
        self.done = False
        """Its packets are passed over."""
        self.doubtful: tuple[int, Chunk] | None = None
        """What may be padding; what follows it, or takes its place, will tell."""
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
    def buffered(self) -> int:
        """Bytes held."""
        if self.stream is not None:
            return self.stream.waiting
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
        size = self.halves[0].buffered + self.halves[1].buffered
        if self.connection is not None:
            size += self.connection.buffered
        return size if self.dialogue is None else size + self.dialogue.buffered
