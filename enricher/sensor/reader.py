"""Reads the fields of TLS structures, every length checked."""


class MalformedError(Exception):
    """Internal to the parsers of this room, which turn it into a fact: what does not parse, and where."""


class Reader:
    """A place in a message and the end it must not pass. Offsets count from the start of the message's body."""

    __slots__ = ("_data", "end", "offset")

    def __init__(self, data: bytes, offset: int = 0, end: int | None = None) -> None:
        self._data = data
        self.offset = offset
        self.end = len(data) if end is None else end

    def __len__(self) -> int:
        return self.end - self.offset

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes.

        Raises:
            MalformedError: fewer are left.
        """
        start = self.offset
        if count > self.end - start:
            raise MalformedError(f"byte {start}: {what} needs {count} bytes, {self.end - start} are left")
        self.offset = start + count
        return self._data[start : self.offset]

    def number(self, size: int, what: str) -> int:
        """An unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size, what), "big")

    def vector(self, size: int, what: str) -> "Reader":
        """A variable-length vector whose length is written in `size` bytes (RFC 8446 section 3.4)."""
        length = self.number(size, what)
        start = self.offset
        self.take(length, what)
        return Reader(self._data, start, self.offset)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self), "")

    def numbers(self, what: str) -> tuple[int, ...]:
        """All that is left, as 16-bit integers."""
        if len(self) % 2:
            raise MalformedError(f"byte {self.offset}: {what} has an odd length of {len(self)}")
        data = self.rest()
        return tuple(data[i] << 8 | data[i + 1] for i in range(0, len(data), 2))
