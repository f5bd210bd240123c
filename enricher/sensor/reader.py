"""Reads the fields of TLS structures, every length checked."""

import struct
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
        start = self._pass(size, what)
        return int.from_bytes(self._data[start : self.offset], "big")

    def vector(self, size: int, what: str) -> "Reader":
        """A variable-length vector whose length is written in `size` bytes (RFC 8446 section 3.4)."""
        start = self._pass(self.number(size, what), what)
        return Reader(self._data, start, self.offset)

    def entry(self, what: str) -> tuple[int, "Reader"]:
        """A 16-bit type and a vector with 16-bit length, as extensions are."""
        kind, length = _entry(self._data, self._pass(4, what))
        start = self._pass(length, f"{what} {kind}" if length > self.end - self.offset else what)
        return kind, Reader(self._data, start, self.offset)

    def rest(self) -> bytes:
        """All that is left."""
        start, self.offset = self.offset, self.end
        return self._data[start : self.end]

    def numbers(self, what: str) -> tuple[int, ...]:
        """All that is left, as 16-bit integers."""
        data = self.rest()
        if len(data) % 2:
            raise MalformedError(f"byte {self.end - len(data)}: {what} has an odd length of {len(data)}")
        return struct.unpack(f">{len(data) // 2}H", data)

    def _pass(self, count: int, what: str) -> int:
        """Step over `count` bytes; where they started."""
        start = self.offset
        if count > self.end - start:
            raise MalformedError(f"byte {start}: {what} needs {count} bytes, {self.end - start} are left")
        self.offset = start + count
        return start
