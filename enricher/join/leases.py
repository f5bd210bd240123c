"""Which worker is at what: nobody else judges a bucket, or makes a notice, as long as one is at it.

A lease ends by itself when its holder is gone. Its holder is a worker's name, so that a worker that died and came back
goes on at once; two workers must not have one name.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from enricher.errors import StoreError
from enricher.join.routing import Command
from enricher.join.store import Store

_RENEWED: Final = 1 / 3
"""Of a lease's time: renewed when so much has passed."""
_LOST: Final = 2 / 3
"""Taken for over when so much has passed: neither clocks nor networks are exact."""


class Leases:
    """What one worker holds."""

    def __init__(self, store: Store, holder: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._holder = holder.encode("utf-8", "surrogateescape")
        self._seconds = seconds
        self._clock = clock
        self._held: dict[str, float] = {}
        """Key → when it was taken or renewed last."""

    def take(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that are ours from now on, or were before.

        Raises:
            StoreError: the server is away or refuses.
        """
        wanted = set(keys)
        new = sorted(wanted - self._held.keys())
        now = self._clock()
        life = ("PX", self._life)
        answers = self._store.read([("SET", key, self._holder, "NX", *life) for key in new])
        taken = {key for key, answer in zip(new, answers, strict=True) if answer is not None}
        left = [key for key in new if key not in taken]
        holders = zip(left, self._store.read([("GET", key) for key in left]), strict=True)
        own = [key for key, holder in holders if holder == self._holder]  # of a round that was cut off
        renewed = self._store.read([("SET", key, self._holder, "XX", *life) for key in own])
        taken.update(key for key, answer in zip(own, renewed, strict=True) if answer is not None)
        self._held.update(dict.fromkeys(taken, now))
        return wanted & self._held.keys()

    def keep(self) -> None:
        """Renew what gets old. To be called before anything is told or written, and while that lasts.

        Raises:
            StoreError: a lease is over; somebody else may be at it. What was to be told must be judged anew.
        """
        now = self._clock()
        ages = {key: now - since for key, since in self._held.items()}
        if any(age > self._seconds * _LOST for age in ages.values()):
            self._held.clear()
            raise StoreError("a round took longer than live.lease_seconds", "if it happens often, raise it")
        old = [key for key, age in ages.items() if age > self._seconds * _RENEWED]
        commands: list[Command] = [("SET", key, self._holder, "XX", "PX", self._life) for key in old]
        if any(answer is None for answer in self._store.read(commands)):
            self._held.clear()
            raise StoreError("a lease is gone from the store", "see whether it evicts keys or failed over")
        self._held.update(dict.fromkeys(old, now))

    def release(self) -> None:
        """Nothing is held any more.

        Raises:
            StoreError: the server is away or refuses; what it did not hear of ends by itself.
        """
        held = sorted(self._held)
        self._held.clear()
        for _ in self._store.read([("DEL", key) for key in held]):
            pass

    @property
    def _life(self) -> int:
        return max(1, round(self._seconds * 1000))
