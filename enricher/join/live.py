"""The join under time: what a round of new records touches, judged by the rules that a replay uses.

Records lie in the store as in a replay; all else can be worked out from them. A round stores new records, finds the
buckets that they touch and those whose time has come, and judges these buckets' sessions. What the service then tells
is its own affair; it comes back as `Changes`, which are written last. Nothing is kept here that a new process would
not find in the store, except how old our knowledge of hosts is.

Any number of workers share a store. Whoever judges a bucket or makes a notice holds it meanwhile; what one cannot have
now, one asks for again. Records are stored, and lists of who depends on what are written, before what they concern is
read: so of two workers that are at it at one time, one sees what the other brought.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from enricher.join.changes import Changes
from enricher.join.hosts import Hosts
from enricher.join.keys import short_name
from enricher.join.knowledge import Knowledge
from enricher.join.learning import Learning
from enricher.join.leases import Leases
from enricher.join.live_keys import Bucket, LiveKeys
from enricher.join.marks import Latest, Marks
from enricher.join.notices import Notices, due
from enricher.join.reader import Reader, Tuple5
from enricher.join.resolver import Resolver
from enricher.join.routing import SEP, Command, score, text
from enricher.join.settings import JoinSettings, LiveSettings, validate, validate_live
from enricher.join.standings import Standings
from enricher.join.store import Store
from enricher.join.touch import Touch, bucket_at, bucket_of, buckets_of, topics
from enricher.join.waiting import Standing, identities
from enricher.model.observation import Prevalence
from enricher.model.record import Record
from enricher.model.session import Session

_PAGE: Final = 4096
"""Buckets listed at once."""

_LISTENERS: Final = 64
"""More of them are judged together, from time to time: a browser's sessions are not all judged anew for each event."""


class Look(NamedTuple):
    """What a bucket holds now, and what was told of it."""

    bucket: Bucket
    sessions: list[Session]
    standings: dict[str, Standing]
    """By `waiting.identities`."""


class LiveJoin:
    """One store, joined as records come."""

    def __init__(self, store: Store, settings: JoinSettings, live: LiveSettings, worker: str) -> None:
        """Take a store that was opened with `exact` keys; `worker`: a name that no other process has.

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
        self.notices = Notices(store, self._keys, live)
        self._leases = Leases(store, worker, live.lease_seconds)
        self._marks = Marks(store, self._keys, live)
        self._standings = Standings(store, self._keys)
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
            self._store.put(records, now)
            here = Touch()
            here.add(records)
            touch.buckets |= here.buckets
            touch.topics |= here.topics
            for (host, clock), ts in here.latest.items():
                latest[source, host, clock] = max(ts, latest.get((source, host, clock), ts))
        self._store.flush()
        return touch.buckets | self._listening(touch.topics, now, changes) | self._woken(latest, now, changes)

    def later(self, now: float, changes: Changes) -> set[Bucket]:
        """Buckets that listen to what came some time ago; `changes` notes that they are judged."""
        spans = due(self._keys.deferred, now, self.live.repeat_seconds, _PAGE, "WITHSCORES")
        flat = [word for found in self._store.read(spans) for word in found]
        topics = [topic.decode("utf-8", "surrogateescape") for topic in flat[::2]]
        for topic, at in zip(flat[::2], flat[1::2], strict=True):
            changes.heard(topic, int(float(at)))
        return set().union(*map(buckets_of, self._store.members([self._keys.topic(topic) for topic in topics])))

    def hold(self, buckets: Iterable[Bucket]) -> set[Bucket]:
        """Those of some buckets that nobody else is at: they are ours until `release`."""
        keys = {self._keys.lease(bucket): bucket for bucket in buckets}
        return {keys[key] for key in self._leases.take(keys)}

    def claim(self, notices: Iterable[str]) -> set[str]:
        """Those of some notices that nobody else is at: they are ours until `release`."""
        keys = {self._keys.lease(notice): notice for notice in notices}
        return {keys[key] for key in self._leases.take(keys)}

    def keep(self) -> None:
        """What is held stays so.

        Raises:
            StoreError: it does not; what was judged is to be judged anew.
        """
        self._leases.keep()

    def release(self) -> None:
        """Let others at what we held."""
        self._leases.release()

    def due(self, now: float) -> set[Bucket]:
        """Buckets whose sessions have waited long enough, or are to be settled; some of them, if they are many."""
        spans = due(self._keys.waiting, now, self.live.wait_seconds, _PAGE)
        spans += due(self._keys.unsettled, now, self.live.settle_seconds, _PAGE)
        return set().union(*map(buckets_of, self._store.read(spans)))

    def open(self) -> set[Bucket]:
        """All buckets with sessions that wait or are not settled."""
        found: set[Bucket] = set()
        for key in (self._keys.waiting, self._keys.unsettled):
            start = 0
            while page := next(iter(self._store.read([("ZRANGE", key, start, start + _PAGE - 1)]))):
                found.update(buckets_of(page))
                start += len(page)
        return found

    def look(self, buckets: Iterable[Bucket], now: float, changes: Changes | None) -> list[Look]:
        """Judge the sessions of some buckets, by all that is known now.

        Args:
            buckets: which.
            now: our clock.
            changes: takes what they tell of hosts; None: the buckets are not ours.

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
        if changes is not None:
            listens = {bucket: _topics(found, ()) for bucket, found in by_bucket.items()}
            self._listen(listens, now)
            for bucket, found in by_bucket.items():
                self._note(bucket, found, hosts, now, changes)
        names = {record.host for there in tuples.values() for record in there.records}
        names |= reader.claimants(o.orig_h for there in tuples.values() for o in there.sessions)
        self._knowledge.learn(names, reader, hosts, now)
        sessions: defaultdict[Bucket, list[Session]] = defaultdict(list)
        for session in Resolver(reader, hosts, self._settings).sessions(tuples):
            sessions[bucket_of(session.observation)].append(session)
        if changes is not None:
            more = {b: _topics(found, sessions[b]) - listens[b] for b, found in by_bucket.items()}
            self._listen(more, now)
        self._marks.load((s.host for each in sessions.values() for s in each if s.host is not None), hosts)
        told = self._standings.read({bucket: identities(sessions[bucket]) for bucket in page}, changes)
        return [Look(bucket, sessions[bucket], told[bucket]) for bucket in page if told[bucket] or sessions[bucket]]

    def passed(self, host: str | None, now: float) -> float | None:
        """Up to what network time a host's connection records have come; None: not known. Of hosts in the last look."""
        return None if host is None or self._hosts is None else self._marks.passed(host, self._hosts, now)

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
        *stages, positions = changes.stages(self._store.settings.retention_seconds)
        for stage in stages:
            self._write(stage)
        self._store.secure()
        self._write(positions)

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

    def _write(self, commands: Sequence[Command]) -> None:
        for _ in self._store.read(commands):
            pass

    def _listen(self, listens: Mapping[Bucket, Iterable[str]], now: float) -> None:
        """Write who depends on what. Before the processes are read, so that what comes meanwhile reaches us."""
        changes = self.changes(now)
        for bucket, mine in listens.items():
            changes.listens(bucket, mine)
        ttl = self._store.settings.retention_seconds
        for stage in changes.stages(ttl):
            self._write(stage)
        self._write([("EXPIRE", key, ttl) for key in sorted(self._relied_on(listens))])

    def _relied_on(self, listens: Mapping[Bucket, Iterable[str]]) -> set[str]:
        """What sessions were told by is kept as long as they are, lest they be told anew without it."""
        keys = self._store.keys
        processes = (topic[1:].split(SEP) for mine in listens.values() for topic in mine if topic.startswith("p"))
        return {keys.connections(*bucket) for bucket in listens} | {keys.process(*process) for process in processes}

    def _listening(self, topics: Iterable[str], now: float, changes: Changes) -> set[Bucket]:
        """Who depends on topics that something came about; where they are many, they are for later."""
        wanted = sorted(topics)
        answers = self._store.read([("ZRANGE", self._keys.topic(topic), -_LISTENERS, -1) for topic in wanted])
        found: set[Bucket] = set()
        every = self.live.repeat_seconds
        for topic, members in zip(wanted, answers, strict=True):
            found.update(buckets_of(members))
            if len(members) == _LISTENERS:
                changes.defer(topic, (now // every + 1) * every if every else now)
        return found

    def _note(self, bucket: Bucket, found: Sequence[Tuple5], hosts: Hosts, now: float, changes: Changes) -> None:
        """What a bucket tells of clocks."""
        learning = Learning(hosts, self._settings)
        for there in found:
            learning.add(there.sessions, there.records)
        names = {record.host for there in found for record in there.records}
        field = text(*bucket).decode("utf-8", "surrogateescape")
        changes.lessons(field, self._knowledge.note(field, names, learning.lessons(), now))

    def _woken(self, latest: Latest, now: float, changes: Changes) -> set[Bucket]:
        """Buckets that waited for what came now."""
        self._marks.move(latest, now, changes)
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
        return set().union(*map(buckets_of, self._store.read(spans)))


def _topics(found: Iterable[Tuple5], sessions: Sequence[Session]) -> set[str]:
    """What the sessions of a bucket depend on."""
    return set[str]().union(*(topics(there, sessions) for there in found))
