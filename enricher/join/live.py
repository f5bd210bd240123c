"""The join under time: what a round of new records touches, judged by the rules that a replay uses.

Records lie in the store as in a replay; all else can be worked out from them. A round stores new records, finds the
buckets that they touch and those whose time has come, and judges these buckets' sessions. What the service then tells
is its own affair; it comes back as `Changes`, which are written last. Nothing is kept here that a new process would
not find in the store, except how old our knowledge of hosts is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

import msgspec

from enricher.join.changes import Changes, Told
from enricher.join.hosts import Hosts
from enricher.join.keys import short_name
from enricher.join.knowledge import Knowledge
from enricher.join.learning import Learning
from enricher.join.live_keys import Bucket, LiveKeys
from enricher.join.reader import Reader, Tuple5
from enricher.join.resolver import Resolver
from enricher.join.routing import Command, score, split, text
from enricher.join.settings import JoinSettings, LiveSettings, validate, validate_live
from enricher.join.store import Store
from enricher.join.touch import Touch, bucket_at, bucket_of, topics
from enricher.join.waiting import Mark, Standing, is_identity
from enricher.model.observation import Prevalence
from enricher.model.record import Record
from enricher.model.session import Session

_PAGE: Final = 4096
"""Buckets listed at once."""

_standing: Final = msgspec.msgpack.Decoder(Standing)
_mark: Final = msgspec.msgpack.Decoder(Mark)
_told: Final = msgspec.msgpack.Decoder(Told)


class Look(NamedTuple):
    """What a bucket holds now, and what was told of it."""

    bucket: Bucket
    sessions: list[Session]
    standings: dict[str, Standing]
    """By `waiting.identities`."""


class LiveJoin:
    """One store, joined as records come."""

    def __init__(self, store: Store, settings: JoinSettings, live: LiveSettings) -> None:
        """Take a store that was opened with `exact` keys.

        Raises:
            ConfigError: a time is longer than records are kept.
        """
        validate(store.settings, settings)
        validate_live(store.settings, live)
        self.live = live
        self._store = store
        self._settings = settings
        self._keys = LiveKeys(store.namespace)
        self._knowledge = Knowledge(store, self._keys, settings, live)
        self._marks: dict[str, dict[bytes, Mark]] = {}
        self._hosts: Hosts | None = None

    def changes(self, now: float) -> Changes:
        """A fresh list of changes."""
        return Changes(self._keys, now)

    def take(self, batches: Iterable[tuple[str, Sequence[Record]]], now: float, changes: Changes) -> set[Bucket]:
        """Store records, by the name of their source; which buckets may change.

        Raises:
            StoreError: the server is away or refuses. Taking the same records again does no harm.
        """
        touch = Touch()
        latest: dict[tuple[str, str, str], float] = {}
        for source, records in batches:
            self._store.put(records)
            here = Touch()
            here.add(records)
            touch.buckets |= here.buckets
            touch.topics |= here.topics
            for (host, clock), ts in here.latest.items():
                latest[source, host, clock] = max(ts, latest.get((source, host, clock), ts))
        self._store.flush()
        listening = self._store.read([("ZRANGE", self._keys.topic(topic), 0, -1) for topic in sorted(touch.topics)])
        buckets = touch.buckets.union(*map(_buckets, listening))
        return buckets | self._woken(latest, now, changes)

    def due(self, now: float) -> set[Bucket]:
        """Buckets whose sessions have waited long enough, or are to be settled; some of them, if they are many."""
        limit = ("LIMIT", 0, _PAGE)
        spans: list[Command] = [
            ("ZRANGEBYSCORE", key, "-inf", score(now), *limit) for key in (self._keys.waiting, self._keys.unsettled)
        ]
        return set().union(*map(_buckets, self._store.read(spans)))

    def open(self) -> set[Bucket]:
        """All buckets with sessions that wait or are not settled."""
        found: set[Bucket] = set()
        for key in (self._keys.waiting, self._keys.unsettled):
            start = 0
            while page := next(iter(self._store.read([("ZRANGE", key, start, start + _PAGE - 1)]))):
                found.update(_buckets(page))
                start += len(page)
        return found

    def look(self, buckets: Iterable[Bucket], now: float, changes: Changes) -> list[Look]:
        """Judge the sessions of some buckets, by all that is known now.

        Raises:
            StoreError: the server is away or refuses.
        """
        page = sorted(buckets)
        reader = Reader(self._store, self._settings)
        hosts = self._hosts = self._knowledge.hosts(reader, now)
        tuples = reader.tuples(page)
        by_bucket: defaultdict[Bucket, list[Tuple5]] = defaultdict(list)
        for connection, there in tuples.items():
            by_bucket[bucket_at(connection)].append(there)
        for bucket, found in by_bucket.items():
            self._note(bucket, found, hosts, changes)
        names = {record.host for there in tuples.values() for record in there.records}
        names |= reader.claimants(o.orig_h for there in tuples.values() for o in there.sessions)
        self._knowledge.learn(names, reader, hosts, now)
        sessions: defaultdict[Bucket, list[Session]] = defaultdict(list)
        for session in Resolver(reader, hosts, self._settings).sessions(tuples):
            sessions[bucket_of(session.observation)].append(session)
        for bucket, found in by_bucket.items():
            listens = set[str]().union(*(topics(there, sessions[bucket]) for there in found))
            changes.listens(bucket, listens)
        self._load_marks(s.host for each in sessions.values() for s in each if s.host is not None)
        told = self._store.read([("HGETALL", self._keys.standings(bucket)) for bucket in page])
        looks = zip(page, map(_standings, told), strict=True)
        return [Look(bucket, sessions[bucket], there) for bucket, there in looks if there or sessions[bucket]]

    def passed(self, host: str | None, now: float) -> float | None:
        """Up to what network time a host's connection records have come; None: not known. Of hosts in the last look."""
        hosts = self._hosts
        if host is None or hosts is None:
            return None
        ends = []
        for short in {short_name(name) for name in hosts.names(host)}:
            for field, mark in self._marks.get(short, {}).items():
                _, name, clock = next(split([field]))
                if hosts.canonical(name) == host and now - mark.arrived <= self.live.wait_seconds:
                    at, sure = hosts.to_network(host, clock, mark.event)
                    if not sure:
                        return None
                    ends.append(at)
        return min(ends) - self.live.disorder_seconds if ends else None

    def told(self, notices: Sequence[str]) -> dict[str, Told]:
        """What was told last of each notice, if anything was."""
        answers = self._store.read([("GET", self._keys.told(notice)) for notice in notices])
        found = zip(notices, answers, strict=True)
        return {notice: told for notice, blob in found if (told := _read_told(blob)) is not None}

    def untold(self, now: float, most: int) -> list[str]:
        """Notices whose time has come, at most so many."""
        end = "+inf" if now == inf else score(now)
        command: Command = ("ZRANGEBYSCORE", self._keys.untold, "-inf", end, "LIMIT", 0, most)
        return [notice.decode() for notice in next(iter(self._store.read([command])))]

    def members(self, notices: Sequence[str]) -> dict[str, set[Bucket]]:
        """Buckets that have sessions of each notice, or had."""
        answers = self._store.read([("ZRANGE", self._keys.members(notice), 0, -1) for notice in notices])
        return {notice: set(_buckets(found)) for notice, found in zip(notices, answers, strict=True)}

    def prevalence(self, ja4s: Sequence[str]) -> dict[str, Prevalence]:
        """How common each JA4 is."""
        return self._store.prevalence(ja4s)

    def positions(self) -> dict[str, bytes]:
        """How far each input was read, by its source."""
        flat = next(iter(self._store.read([("HGETALL", self._keys.positions)])))
        return {name.decode("utf-8", "replace"): blob for name, blob in zip(flat[::2], flat[1::2], strict=True)}

    def counts(self) -> dict[str, int]:
        """How many buckets wait, are not settled, and how many notices are to be told."""
        keys = {"waiting": self._keys.waiting, "unsettled": self._keys.unsettled, "untold": self._keys.untold}
        return dict(zip(keys, self._store.read([("ZCARD", key) for key in keys.values()]), strict=True))

    def announce(self, changes: Changes) -> None:
        """Write what is about to be told.

        Raises:
            StoreError: the server is away or refuses; some may be written.
        """
        for _ in self._store.read(list(changes.commands(self._store.settings.retention_seconds))):
            pass

    def commit(self, changes: Changes) -> None:
        """Make changes durable, the positions last.

        Raises:
            StoreError: the server is away or refuses; some may be written, and the round is to be done again.
        """
        self.announce(changes)
        self._knowledge.kept()

    def forget(self) -> None:
        """Read what is known of hosts anew."""
        self._knowledge.forget()

    def _note(self, bucket: Bucket, found: Sequence[Tuple5], hosts: Hosts, changes: Changes) -> None:
        """What a bucket tells of clocks."""
        learning = Learning(hosts, self._settings)
        for there in found:
            learning.add(there.sessions, there.records)
        names = {record.host for there in found for record in there.records}
        field = text(*bucket).decode("utf-8", "surrogateescape")
        changes.lessons(field, self._knowledge.note(field, names, learning.lessons()))

    def _woken(self, latest: Mapping[tuple[str, str, str], float], now: float, changes: Changes) -> set[Bucket]:
        """Buckets that waited for what came now."""
        self._marks.clear()
        self._load_marks(host for _, host, _ in latest)
        for (source, host, clock), ts in latest.items():
            field, marks = text(source, host, clock), self._marks[short_name(host)]
            marks[field] = Mark(max(ts, marks[field].event) if field in marks else ts, now)
            changes.mark(short_name(host), field, marks[field])
        shorts = sorted({short_name(host) for _, host, _ in latest})
        first = self._store.read([("ZRANGE", self._keys.awaiting(short), 0, 0) for short in shorts])
        awaited = {short for short, found in zip(shorts, first, strict=True) if found}
        if not awaited:
            return set()
        reader = Reader(self._store, self._settings)
        hosts = self._hosts = self._knowledge.hosts(reader, now)
        names = {hosts.canonical(host) for _, host, _ in latest if short_name(host) in awaited}
        self._knowledge.learn(names, reader, hosts, now)
        ends = ((name, self.passed(name, now)) for name in sorted(names))
        spans: list[Command] = [
            ("ZRANGEBYSCORE", self._keys.awaiting(name), "-inf", score(end), "LIMIT", 0, _PAGE)
            for name, end in ends
            if end is not None
        ]
        return set().union(*map(_buckets, self._store.read(spans)))

    def _load_marks(self, names: Iterable[str]) -> None:
        hosts = self._hosts
        every = {other for name in names for other in (name, *(hosts.names(name) if hosts else ()))}
        shorts = sorted({short_name(name) for name in every} - self._marks.keys())
        answers = self._store.read([("HGETALL", self._keys.marks(short)) for short in shorts])
        for short, flat in zip(shorts, answers, strict=True):
            found = zip(flat[::2], map(_read_mark, flat[1::2]), strict=True)
            self._marks[short] = {field: mark for field, mark in found if mark and len(next(split([field]))) == 3}


def _buckets(members: Iterable[bytes]) -> Iterable[Bucket]:
    return ((parts[0], parts[1]) for parts in split(members) if len(parts) == 2)


def _standings(flat: Sequence[bytes]) -> dict[str, Standing]:
    found = {}
    for id_, blob in zip(flat[::2], flat[1::2], strict=True):
        try:
            name, standing = id_.decode("utf-8", "surrogatepass"), _standing.decode(blob)
        except (msgspec.DecodeError, UnicodeDecodeError):  # others can write under our keys
            continue
        if is_identity(name):
            found[name] = standing
    return found


def _read_mark(blob: bytes) -> Mark | None:
    try:
        return _mark.decode(blob)
    except msgspec.DecodeError:
        return None


def _read_told(blob: bytes | None) -> Told | None:
    try:
        return None if blob is None else _told.decode(blob)
    except msgspec.DecodeError:
        return None
