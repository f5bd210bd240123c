"""IP datagrams put together from their fragments (RFC 791 section 3.2, RFC 815, RFC 8200 section 4.5)."""

from typing import Final, NamedTuple

from enricher.sensor.contract import Counters, WireSettings

_MAX_LENGTH: Final = 0xFFFF
_MAX_HOLES: Final = 64
"""Gaps in one datagram; nobody's traffic has more."""
_OVERHEAD: Final = 500
_HOLE: Final = 128
"""Bytes of memory that a datagram, and each gap in it, take besides its content."""


class Fragment(NamedTuple):
    """A piece of what an IP packet carries."""

    start: int
    """Where in the whole it lies."""
    more: bool
    """Others follow it."""
    protocol: int
    content: bytes


class _Datagram:
    """One datagram on its way. The first copy of a byte wins, as in TCP streams."""

    __slots__ = ("began", "content", "count", "end", "holes", "protocol")

    def __init__(self, began: float) -> None:
        self.began = began
        self.content = bytearray()
        self.count = 0
        """Fragments in it."""
        self.end = _MAX_LENGTH
        self.holes = [(0, _MAX_LENGTH)]
        self.protocol = 0

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return len(self.content) + _HOLE * len(self.holes) + _OVERHEAD

    def add(self, piece: Fragment) -> bool:
        """Take a fragment; whether it agrees with those before it."""
        content, start, end = self.content, piece.start, min(piece.start + len(piece.content), self.end)
        if not piece.more:
            self.end = end
            del content[end:]
        content.extend(bytes(max(0, end - len(content))))
        holes = []
        for first, last in self.holes:
            fill, full = max(first, start), min(last, end)
            if fill < full:
                content[fill:full] = piece.content[fill - start : full - start]
            holes += [(first, min(last, start)), (max(first, end), min(last, self.end))]
        self.holes = [(first, last) for first, last in holes if first < last]
        self.count += 1
        if start == 0:
            self.protocol = piece.protocol  # the others may say otherwise (RFC 8200)
        return content[start:end] == piece.content


class Fragments:
    """Keeps unfinished datagrams; gives up the oldest beyond `max_fragments` bytes, any after `fragment_timeout`."""

    def __init__(self, settings: WireSettings, counters: Counters) -> None:
        self._settings = settings
        self._counters = counters
        self._datagrams: dict[bytes, _Datagram] = {}
        """In the order in which they began."""
        self._held = 0

    def add(self, key: bytes, piece: Fragment, ts: float) -> tuple[int, bytes] | None:
        """Take a fragment of the datagram `key`; give protocol and content once it is whole."""
        self._counters.fragments += 1
        if piece.start + len(piece.content) > _MAX_LENGTH:
            self._counters.fragments_dropped += 1
            return None
        self._expire(ts)
        datagram = self._datagrams.setdefault(key, _Datagram(ts))
        self._held -= datagram.size if datagram.count else 0
        if not datagram.add(piece):
            self._counters.fragments_conflicting += 1
        self._held += datagram.size
        if not datagram.holes:
            self._forget(key)
            return datagram.protocol, bytes(datagram.content)
        if len(datagram.holes) > _MAX_HOLES:
            self._drop(key)
        while self._held > self._settings.max_fragments:
            self._drop(next(iter(self._datagrams)))
        return None

    def close(self) -> None:
        """End of the capture: what is unfinished stays so."""
        for key in list(self._datagrams):
            self._drop(key)

    def _expire(self, ts: float) -> None:
        while self._datagrams:
            key, oldest = next(iter(self._datagrams.items()))
            if abs(ts - oldest.began) <= self._settings.fragment_timeout:
                return
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        self._counters.fragments_dropped += self._forget(key).count

    def _forget(self, key: bytes) -> _Datagram:
        datagram = self._datagrams.pop(key)
        self._held -= datagram.size
        return datagram
