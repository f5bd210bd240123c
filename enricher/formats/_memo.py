"""A bounded memory of what a conversion gave: logs repeat few values."""

from collections.abc import Callable
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

CAPACITY: Final = 1 << 15
"""Values remembered; a full memory starts anew."""

LONGEST: Final = 512
"""Bytes or characters of a key that is remembered: who writes a log must not fill our memory with it."""


class Memo(dict[K, V]):
    """Converts a key when it is first asked for."""

    def __init__(self, convert: Callable[[K], V]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, key: K) -> V:
        value = self._convert(key)
        if not isinstance(key, (str, bytes)) or len(key) <= LONGEST:
            if len(self) >= CAPACITY:
                self.clear()
            self[key] = value
        return value
