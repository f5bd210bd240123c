"""What the store knows of notices: which are to be told, what was told of each, where their sessions are."""

from collections.abc import Sequence
from math import inf
from typing import Final

import msgspec

from enricher.join.changes import Told
from enricher.join.live_keys import Bucket, LiveKeys
from enricher.join.routing import Command, Word, score
from enricher.join.settings import LiveSettings
from enricher.join.store import Store
from enricher.join.touch import buckets_of

_told: Final = msgspec.msgpack.Decoder(Told)


class Notices:
    """Batched reads, and the mark that a telling begins."""

    def __init__(self, store: Store, keys: LiveKeys, live: LiveSettings) -> None:
        self._store = store
        self._keys = keys
        self._live = live

    def begin(self, notices: Sequence[str], now: float) -> None:
        """Notices that are held are told now: whoever changes their sessions from here on leaves a trace."""
        for _ in self._store.read([("ZADD", self._keys.untold, score(now), notice) for notice in notices]):
            pass

    def begun(self, notices: Sequence[str]) -> set[str]:
        """Those of some notices that are to be told, or are being told by somebody."""
        answers = self._store.read([("ZSCORE", self._keys.untold, notice) for notice in notices])
        return {notice for notice, at in zip(notices, answers, strict=True) if at is not None}

    def told(self, notices: Sequence[str]) -> dict[str, Told]:
        """What was told last of each notice, if anything was."""
        answers = self._store.read([("GET", self._keys.told(notice)) for notice in notices])
        found = zip(notices, answers, strict=True)
        return {notice: told for notice, blob in found if (told := _read(blob)) is not None}

    def due(self, now: float, most: int) -> list[str]:
        """Notices whose time has come, at most so many."""
        spans = due(self._keys.untold, now, self._live.repeat_seconds, most)
        found = [name for names in self._store.read(spans) for name in names][:most]
        strange = [name for name in found if not name.isascii()]
        if strange:  # others can write under our keys; what no notice is called would never be told
            list(self._store.read([("ZREM", self._keys.untold, *strange)]))
        return [name.decode() for name in found if name.isascii()]

    def members(self, notices: Sequence[str]) -> dict[str, set[Bucket]]:
        """Buckets that have sessions of each notice, or had."""
        answers = self._store.read([("ZRANGE", self._keys.members(notice), 0, -1) for notice in notices])
        return {notice: set(buckets_of(found)) for notice, found in zip(notices, answers, strict=True)}


def due(key: str, now: float, longest: float, most: int, *more: Word) -> list[Command]:
    """What of a list has its time, at most so many, and again as many that no right clock can have put there.

    Args:
        key: the list.
        now: our clock; infinity: all.
        longest: seconds that anything is put off; twice that, and a clock was wrong that was set right since.
        most: how many.
        more: how the answer is to be.
    """
    limit = (*more, "LIMIT", 0, most)
    if now == inf:
        return [("ZRANGEBYSCORE", key, "-inf", "+inf", *limit)]
    return [
        ("ZRANGEBYSCORE", key, "-inf", score(now), *limit),
        ("ZRANGEBYSCORE", key, f"({score(now + 2 * longest)}", "+inf", *limit),
    ]


def _read(blob: bytes | None) -> Told | None:
    try:
        return None if blob is None else _told.decode(blob)
    except msgspec.DecodeError:  # others can write under our keys
        return None
