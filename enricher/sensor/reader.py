"""Reads the fields of TLS structures, every length checked."""

import struct
from collections.abc import Container, Iterator
from typing import Final

_entry: Final = struct.Struct(">HH").unpack_from


class MalformedError(Exception):
    """Internal to the parsers of this room, which turn it into a fact: what does not parse, and where."""


class Reader:
    """A place in a message and the end it must not pass. Offsets count from the start of the message's body.

    Every method raises MalformedError where fewer bytes are left than it needs.
    """

    __slots__ = ("_data", "end", "offset")

    def __init__(self, data: bytes, offset: int, end: int) -> None:
        self._data = data
        self.offset = offset
        self.end = end

    def __len__(self) -> int:
        return self.end - self.offset

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        start = self._pass(count, what)
        return self._data[start : self.offset]

    def number(self, size: int, what: str) -> int:
        """An unsigned integer of `size` bytes."""
        start = self.offset
        end = start + size
        if end > self.end:
            self._pass(size, what)
        self.offset = end
        return int.from_bytes(self._data[start:end], "big")

    def vector(self, size: int, what: str) -> "Reader":
        """A variable-length vector whose length is written in `size` bytes (RFC 8446 section 3.4)."""
        start, self.offset = self._span(size, what)
        return Reader(self._data, start, self.offset)

    def opaque(self, size: int, what: str) -> bytes:
        """The bytes of such a vector."""
        start, self.offset = self._span(size, what)
        return self._data[start : self.offset]

    def codes(self, size: int, what: str) -> tuple[int, ...]:
        """The 16-bit integers of such a vector."""
        start, self.offset = self._span(size, what)
        count, odd = divmod(self.offset - start, 2)
        if odd:
            raise MalformedError(f"byte {start}: {what} has an odd length of {self.offset - start}")
        return struct.unpack_from(f">{count}H", self._data, start)

    def entries(self, what: str, wanted: Container[int]) -> Iterator[tuple[int, "Reader | None"]]:
        """16-bit types, each with a vector of 16-bit length, as extensions are; the vectors only of those `wanted`."""
        data, end = self._data, self.end
        while (start := self.offset + 4) <= end:
            kind, length = _entry(data, start - 4)
            if start + length > end:
                break
            self.offset = start + length
            yield kind, Reader(data, start, self.offset) if kind in wanted else None
        if self:
            kind, length = _entry(data, self._pass(4, what))
            self._pass(length, f"{what} {kind}")

    def rest(self) -> bytes:
        """All that is left."""
        start, self.offset = self.offset, self.end
        return self._data[start : self.end]

    def _span(self, size: int, what: str) -> tuple[int, int]:
        """Where a vector starts and ends, whose length is written here in `size` bytes."""
        start = self.offset + size
        end = start + int.from_bytes(self._data[self.offset : start], "big")
        if start > self.end or end > self.end:
            self._pass(self.number(size, what), what)
        return start, end

    def _pass(self, count: int, what: str) -> int:
        """Step over `count` bytes; where they started."""
        start = self.offset
        if count > self.end - start:
            raise MalformedError(f"byte {start}: {what} needs {count} bytes, {self.end - start} are left")
        self.offset = start + count
        return start
