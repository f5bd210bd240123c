"""What a target is, and how it cuts its bytes."""

import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


class Target(NamedTuple):
    """One entry point under test."""

    id: str
    check: Callable[[bytes], None]
    """Feeds any bytes; raises where a promise is broken."""
    seeds: Callable[[], Iterable[bytes]]
    """Valid inputs to start from."""
    max_len: int = 4096


def pieces(data: bytes) -> Iterator[bytes]:
    """The data in pieces whose sizes it determines itself, so that a finding can be repeated."""
    cut = random.Random(zlib.crc32(data))
    start = 0
    while start < len(data):
        end = start + cut.choice((1, 2, 7, 40, 300, 2000))
        yield data[start:end]
        start = end


class Script:
    """Takes values from the front of the fuzzer's bytes; what is missing is zero."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def blob(self, size: int = 2) -> bytes:
        """Bytes whose length stands before them."""
        return self.take(self.number(size))
