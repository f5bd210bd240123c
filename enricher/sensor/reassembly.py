"""One direction of a TCP connection, its bytes put back in order.

The first copy of a byte wins, as in Zeek. That a later copy says something else is noticed as long as the first one
waits; what was given already is not kept for that.
"""

from bisect import bisect_left
from typing import Final

Chunk = tuple[bytes, float, int]
"""Bytes, with time and frame number of the packet that brought them."""

SEQUENCE_MASK: Final = 0xFFFF_FFFF
_HALF: Final = 0x8000_0000
_OVERHEAD: Final = 200
"""Bytes of memory that a waiting segment takes besides its payload."""


def _different(a: bytes, b: bytes) -> int:
    """How many bytes of two equally long strings are not the same."""
    both = int.from_bytes(a, "big") ^ int.from_bytes(b, "big")
    return len(a) - both.to_bytes(len(a), "big").count(0)


class Stream:
    """Takes segments in any order, gives chunks in sequence."""

    __slots__ = ("_held", "_position", "conflicting", "expected", "waiting")

    def __init__(self, expected: int) -> None:
        self.expected = expected & SEQUENCE_MASK
        """Sequence number of the next byte to give."""
        self.waiting = 0
        """Memory of the segments that wait for a missing one, in bytes."""
        self.conflicting = 0
        """Bytes that came again and were not the same."""
        self._position = 0
        """Of that byte among those that wait."""
        self._held: list[tuple[int, bytes, float, int]] = []

    def accept(self, seq: int, chunk: Chunk) -> list[Chunk]:
        """Take a segment; give what is now in order."""
        payload, ts, frame = chunk
        ahead = (seq - self.expected) & SEQUENCE_MASK
        if ahead == 0 and not self._held:
            self.expected = (seq + len(payload)) & SEQUENCE_MASK
            return [chunk]
        if ahead >= _HALF:  # begins before `expected`: its front was already given
            payload = payload[SEQUENCE_MASK + 1 - ahead :]
            ahead = 0
        if payload:
            self._hold(self._position + ahead, payload, ts, frame)
        return self._release()

    def skip(self) -> tuple[int, list[Chunk]]:
        """Give up the missing bytes before what waits: how many they are, and what is then in order."""
        if not self._held:
            return 0, []
        missing = self._held[0][0] - self._position
        self._advance(missing)
        return missing, self._release()

    def _advance(self, count: int) -> None:
        self.expected = (self.expected + count) & SEQUENCE_MASK
        self._position += count

    def _hold(self, start: int, payload: bytes, ts: float, frame: int) -> None:
        """Put what is new of a segment in its place among those that wait, of which there may be thousands."""
        held = self._held
        at = bisect_left(held, (start,))
        if at and held[at - 1][0] + len(held[at - 1][1]) > start:
            at -= 1
        while payload:
            begin, kept = held[at][:2] if at < len(held) else (start + len(payload), b"")
            if begin > start:
                piece = payload[: begin - start]
                held.insert(at, (start, piece, ts, frame))
                self.waiting += len(piece) + _OVERHEAD
                payload = payload[len(piece) :]
                start += len(piece)
                at += 1
            again = payload[: begin + len(kept) - start]
            first = kept[start - begin :][: len(again)]
            if again != first:
                self.conflicting += _different(again, first)
            payload = payload[len(again) :]
            start += len(again)
            at += 1

    def _release(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        held = self._held
        while len(chunks) < len(held) and held[len(chunks)][0] == self._position:
            _, payload, ts, frame = held[len(chunks)]
            chunks.append((payload, ts, frame))
            self.waiting -= len(payload) + _OVERHEAD
            self._advance(len(payload))
        del held[: len(chunks)]
        return chunks
