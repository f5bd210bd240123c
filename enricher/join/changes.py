"""What a round leaves in the store, in an order in which it may be cut off anywhere.

A round that was cut off is done again, from the same records, but at another time and among other records. It reaches
the same end as long as whatever makes it look is written after whatever it finds: first notices, then what was told of
sessions, then when to look again, last the positions of the inputs. What is about to be told is announced before: else
a row or a notice that got out could not be taken back, if the round that is done again comes to another conclusion.

Several workers may be at it. A bucket's changes are written by who holds its lease. What is to be told may be noted by
anybody at any time: it is struck off the list only where it stands as it stood when its telling began.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from enricher.join.live_keys import Bucket, LiveKeys
from enricher.join.routing import Command, Word, score, text
from enricher.join.waiting import Mark, Standing
from enricher.model.verdict import Notice

_encode: Final = msgspec.msgpack.Encoder().encode

_STRIKE: Final = """for i = 1, #ARGV, 2 do
  local at = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if at and tonumber(at) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end"""
"""Takes members off a list, each only where it has the score that is given."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A notice as it was told last."""

    at: float
    notice: Notice
    sent: bool = True
    """False: it was about to be told; whether a sink has it is not known, so it is to be told again."""


class Changes:
    """Commands in the making."""

    def __init__(self, keys: LiveKeys, now: float) -> None:
        self._keys = keys
        self._now = score(now)
        self._members: list[Command] = []
        self._due: dict[str, int] = {}
        self._notices: list[Command] = []
        self._done: set[str] = set()
        self._deferred: list[Command] = []
        self._heard: list[Word] = []
        self._listeners: list[Command] = []
        self._lessons: list[Command] = []
        self._marks: list[Command] = []
        self._standings: list[Command] = []
        self._awaited: list[Command] = []
        self._schedule: list[Command] = []
        self._positions: list[Command] = []

    def member(self, notice: str, bucket: Bucket) -> None:
        """A bucket has a session of a notice."""
        self._members.append(("ZADD", self._keys.members(notice), self._now, text(*bucket)))

    def due(self, notice: str, at: float) -> None:
        """A notice is to be told at a time. Only who holds it knows that this is later than now."""
        self._due[notice] = min(score(at), self._due.get(notice, score(at)))

    def announce(self, notice: Notice) -> None:
        """A notice is about to be told."""
        told = Told(self._now / 1e6, notice, sent=False)
        self._due[notice.id] = self._now
        self._notices.append(("SET", self._keys.told(notice.id), _encode(told)))

    def told(self, notice: str, told: Told | None) -> None:
        """What was told of a notice, if anything was."""
        if told is not None:
            self._notices.append(("SET", self._keys.told(notice), _encode(told)))

    def done(self, notice: str) -> None:
        """A notice was looked at, with all that concerns it: it is off the list, unless somebody put it there anew."""
        self._done.add(notice)

    def defer(self, topic: str, at: float) -> None:
        """The buckets that listen to a topic are to be judged at a time."""
        self._deferred.append(("ZADD", self._keys.deferred, score(at), topic))

    def heard(self, topic: bytes, at: int) -> None:
        """They are judged; `at` is the score that was set, to the microsecond."""
        self._heard += topic, at

    def listens(self, bucket: Bucket, topics: Iterable[str]) -> None:
        """A bucket's sessions depend on these."""
        self._listeners += [("ZADD", self._keys.topic(topic), self._now, text(*bucket)) for topic in sorted(topics)]

    def lessons(self, bucket: str, kept: Mapping[str, bytes]) -> None:
        """What a bucket told of hosts' clocks."""
        for short, blob in kept.items():
            key = self._keys.lessons(short)
            self._lessons.append(("HSET", key, bucket, blob) if blob else ("HDEL", key, bucket))

    def mark(self, short: str, field: bytes, mark: Mark) -> None:
        """How far a source is with a host."""
        self._marks.append(("HSET", self._keys.marks(short), field, _encode(mark)))

    def unmark(self, short: str, fields: Sequence[bytes]) -> None:
        """Sources that have told nothing of a host for as long as records are kept."""
        if fields:
            self._marks.append(("HDEL", self._keys.marks(short), *fields))

    def standings(self, bucket: Bucket, standings: Mapping[str, Standing | None]) -> None:
        """What was told of sessions; None: it is none any more."""
        key = self._keys.standings(bucket)
        kept: list[Any] = [word for id_, s in standings.items() if s is not None for word in (id_, _encode(s))]
        if kept:
            self._standings.append(("HSET", key, *kept))
        if gone := [id_ for id_, s in standings.items() if s is None]:
            self._standings.append(("HDEL", key, *gone))

    def waits(self, bucket: Bucket, until: float | None) -> None:
        """Until when a bucket's sessions wait at most; None: none does."""
        self._schedule.append(_at(self._keys.waiting, bucket, until))

    def awaits(self, bucket: Bucket, host: str, ts: float | None) -> None:
        """The earliest session of a bucket that waits for a host; None: none does any more."""
        self._awaited.append(_at(self._keys.awaiting(host), bucket, ts))

    def settles(self, bucket: Bucket, at: float | None) -> None:
        """When a bucket is judged once more; None: it is settled."""
        self._schedule.append(_at(self._keys.unsettled, bucket, at))

    def position(self, source: str, position: bytes) -> None:
        """How far an input was read."""
        self._positions.append(("HSET", self._keys.positions, source, position))

    def stages(self, ttl: int) -> Iterator[list[Command]]:
        """All, in order: each stage is to be carried out before the next is sent.

        Args:
            ttl: seconds to keep what is of one bucket, host, topic or notice.
        """
        yield list(self._joined(self._members, ttl))
        yield [*self._deferred, *self._due_at()]
        yield list(_lasting(self._notices, ttl))
        yield list(self._joined(self._listeners, ttl))
        yield list(_lasting((*self._lessons, *self._marks, *self._standings, *self._awaited), ttl))
        yield self._schedule
        yield list(self._struck())
        yield self._positions

    def _due_at(self) -> Iterator[Command]:
        """What is due now overwrites, so that who is at it sees that there is more; what is due later does not."""
        for notice, at in self._due.items():
            how = ("LT",) if at > self._now else ()
            yield "ZADD", self._keys.untold, *how, at, notice

    def _struck(self) -> Iterator[Command]:
        done = sorted(self._done - self._due.keys())
        for key, words in (
            (self._keys.untold, [word for notice in done for word in (notice, self._now)]),
            (self._keys.deferred, self._heard),
        ):
            if words:
                yield "EVAL", _STRIKE, 1, key, *words

    def _joined(self, commands: Iterable[Command], ttl: int) -> Iterator[Command]:
        """Add to lists of buckets; who did not join anew for as long as records are kept holds none any more."""
        for command in commands:
            yield command
            yield "ZREMRANGEBYSCORE", command[1], "-inf", self._now - ttl * 1_000_000
            yield "EXPIRE", command[1], ttl


def _lasting(commands: Iterable[Command], ttl: int) -> Iterator[Command]:
    for command in commands:
        yield command
        if command[0] not in ("HDEL", "ZREM"):
            yield "EXPIRE", command[1], ttl


def _at(key: str, bucket: Bucket, at: float | None) -> Command:
    return ("ZREM", key, text(*bucket)) if at is None else ("ZADD", key, score(at), text(*bucket))
