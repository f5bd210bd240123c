"""Where each record goes: a batch of records becomes few commands with many members. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from enricher.join.codec import encode
from enricher.join.keys import CLAIM_SLOT, INDEX_SHARDS, Keys, bucket, process_place, shard
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart, ProcessTamper
from enricher.model.library import tier
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
from enricher.model.record import Record

Word = str | bytes | int | float
Command = tuple[Word, ...]

SEP: Final = "\0"
"""Between the parts of a member; no log format can carry it inside a value that we index."""

LIST_FACTOR: Final = 64
"""Lists span hosts and addresses, the other keys one of them: they may be this many times longer."""

TELLING: Final = ("stack", "provider", "foreign")
"""Tiers of libraries whose load tells of TLS; `context` does not."""


def text(*parts: object) -> bytes:
    """Parts as one member."""
    return SEP.join(map(str, parts)).encode("utf-8", "surrogatepass")


def service(o: Observation) -> str:
    """What a session can resume: the server and the name asked for."""
    return f"{o.resp_h}{SEP}{o.resp_p}{SEP}{o.server_name or ''}{SEP}"


def handshake(o: Observation) -> str:
    """Service and time: sorts by time within a service (times before 1970 sort wrongly and are never wanted)."""
    return f"{service(o)}{score(o.ts):020d}"


def score(ts: float) -> int:
    """A time as the score of a sorted set: microseconds, because whole numbers cost half as much on the wire.

    Raises:
        OverflowError, ValueError: the time is infinite or no number.
    """
    return int(ts * 1e6)


class Batch:
    """Members by key, collected from any number of records."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._members: defaultdict[str, list[Word]] = defaultdict(list)
        self._lists: defaultdict[str, list[Word]] = defaultdict(list)
        self._claims: defaultdict[tuple[str, str, str, float], list[float]] = defaultdict(list)
        self._clients: defaultdict[str, set[str]] = defaultdict(set)
        self._reporters: set[tuple[str, type[Any], str, str | None]] = set()
        self._buckets: set[tuple[str, str]] = set()
        self._telling: dict[str, bool] = {}
        self._ways: dict[type[Any], Callable[[Any, bytes], None]] = {
            Observation: self._observation,
            NetworkConnect: self._connection,
            CertificateRecord: self._certificate,
            ConnectionRecord: self._facts,
            ModuleLoad: self._module,
            ProcessStart: self._process,
            ProcessEnd: self._process,
            ProcessTamper: self._process,
        }

    def add(self, record: Record) -> bool:
        """File one record. False: it cannot be kept (a time or number beyond all range)."""
        try:
            self._ways[type(record)](record, encode(record))
        except (OverflowError, ValueError):  # also text that UTF-8 cannot carry
            return False
        return True

    # A member must hold its own score: one that came with two scores would keep the one that came last.

    def _certificate(self, c: CertificateRecord, blob: bytes) -> None:
        self._lists[self._keys.certificates(c.fingerprint)] += (0, text(c.fingerprint, "") + blob)

    def _facts(self, c: ConnectionRecord, blob: bytes) -> None:
        self._lists[self._keys.facts(c.uid)] += (0, text(c.uid, "") + blob)

    def _observation(self, o: Observation, blob: bytes) -> None:
        at = bucket(o.orig_h, o.orig_p, o.resp_h, o.resp_p)
        self._members[self._keys.observations(*at)] += (score(o.ts), blob)
        self._buckets.add(at)
        if o.ja4:
            self._clients[o.ja4].add(o.orig_h)
        if o.cert_chain_fps and not o.resumed:
            member = f"{handshake(o)}{SEP}{o.uid}{SEP}{at[0]}{SEP}{at[1]}"
            self._lists[self._keys.resumable(o.orig_h)] += (0, member)

    def _connection(self, c: NetworkConnect, blob: bytes) -> None:
        if c.local_ip is None or c.remote_ip is None or c.remote_port is None:
            self._members[self._keys.binds(c.host, c.local_port)] += (score(c.ts), blob)
        else:
            key = self._keys.connections(*bucket(c.local_ip, c.local_port, c.remote_ip, c.remote_port))
            self._members[key] += (score(c.ts), blob)
            self._claims[c.local_ip, c.host, c.clock, c.ts // CLAIM_SLOT].append(c.ts)
        self._reporters.add((c.host, NetworkConnect, c.clock, c.guid))

    def _module(self, m: ModuleLoad, blob: bytes) -> None:
        self._process(m, blob)
        telling = self._telling.get(m.image_loaded)
        if telling is None:
            telling = self._telling[m.image_loaded] = tier(m.image_loaded) in TELLING
        if telling:
            pid = "" if m.pid is None else m.pid
            who = f"{m.ts}{SEP}{m.host}{SEP}{m.guid or ''}{SEP}{pid}{SEP}{m.image or ''}{SEP}{m.source or ''}"
            self._members[self._keys.loads(m.host)] += (score(m.ts), who)

    def _process(self, event: ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper, blob: bytes) -> None:
        key = self._keys.process(event.host, process_place(event.pid, event.guid))
        self._members[key] += (score(event.ts), blob)
        self._reporters.add((event.host, type(event), event.clock, event.guid))

    def commands(self, *, ttl: int, most: int) -> Iterator[Command]:
        """For each key: add, drop the oldest beyond `most` (lists hold more), keep for `ttl` seconds."""
        self._indexes()
        for members, bound in ((self._members, most), (self._lists, most * LIST_FACTOR)):
            for key, words in members.items():
                yield from _keep(("ZADD", key, *words), key, bound, ttl)
        last = self._claimed("last", max)
        for address, words in self._claimed("first", min).items():
            key = self._keys.claims(address)
            yield ("ZADD", key, "LT", *words)
            yield from _keep(("ZADD", key, "GT", *last[address]), key, most, ttl)
        seen = {self._keys.prevalence(ja4): clients for ja4, clients in self._clients.items()}
        if seen:
            seen[self._keys.seen] = set().union(*seen.values())
        for key, clients in seen.items():
            yield ("PFADD", key, *clients)
            yield ("EXPIRE", key, ttl)

    def _indexes(self) -> None:
        """What is told once a batch however many records say it."""
        self._reporters, reporters = set(), self._reporters
        for host, kind, clock, machine in {(h, k.__name__, c, (g or "")[:8]) for h, k, c, g in reporters}:
            self._lists[self._keys.names] += (0, text(host, kind, clock, machine))
        for host, guid in {(h, g) for h, _, _, g in reporters if g}:
            self._lists[self._keys.machine(guid[:8])] += (0, text(guid[:8], guid, host))
        for address, name in self._buckets:
            self._lists[self._keys.index(shard(address, INDEX_SHARDS))] += (0, text(address, name))

    def _claimed(self, end: str, of: Callable[[list[float]], float]) -> dict[str, list[Word]]:
        """For each address: the first or last time of every claim."""
        found: defaultdict[str, list[Word]] = defaultdict(list)
        for (address, host, clock, slot), times in self._claims.items():
            found[address] += (score(of(times)), text(end, int(slot), clock, host))
        return found


def _keep(add: Command, key: str, most: int, ttl: int) -> Iterator[Command]:
    yield add
    yield ("ZREMRANGEBYRANK", key, 0, -most - 1)
    yield ("EXPIRE", key, ttl)


def split(members: Iterable[bytes]) -> Iterator[list[str]]:
    """Members made by `text`, as parts; what is not text has none."""
    for member in members:
        try:
            yield member.decode("utf-8", "surrogatepass").split(SEP)
        except UnicodeDecodeError:
            yield []
