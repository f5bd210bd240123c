"""Where each record goes: a batch of records becomes few commands with many members. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
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
    return f"{service(o)}{o.ts:020.6f}"


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
            blob = encode(record)
            self._ways[type(record)](record, blob)
        except (OverflowError, ValueError):  # also text that UTF-8 cannot carry
            return False
        return True

    def _add(self, key: str, score: float, member: bytes) -> None:
        """The member must hold its own score: a member that came with two would keep the one that came last."""
        if not isfinite(score):
            raise ValueError(score)
        self._members[key] += (score, member)

    def _list(self, key: str, member: bytes) -> None:
        self._lists[key] += (0, member)

    def _certificate(self, c: CertificateRecord, blob: bytes) -> None:
        self._list(self._keys.certificates(c.fingerprint), text(c.fingerprint, "") + blob)

    def _facts(self, c: ConnectionRecord, blob: bytes) -> None:
        self._list(self._keys.facts(c.uid), text(c.uid, "") + blob)

    def _observation(self, o: Observation, blob: bytes) -> None:
        address, name = bucket(o.orig_h, o.orig_p, o.resp_h, o.resp_p)
        self._add(self._keys.observations(address, name), o.ts, blob)
        self._buckets.add((address, name))
        if o.ja4:
            self._clients[self._keys.prevalence(o.ja4)].add(o.orig_h)
            self._clients[self._keys.seen].add(o.orig_h)
        if not o.resumed and o.cert_chain_fps:
            self._list(self._keys.resumable(o.orig_h), text(handshake(o), o.uid, address, name))

    def _connection(self, c: NetworkConnect, blob: bytes) -> None:
        if c.local_ip is None or c.remote_ip is None or c.remote_port is None:
            self._add(self._keys.binds(c.host, c.local_port), c.ts, blob)
        else:
            address, name = bucket(c.local_ip, c.local_port, c.remote_ip, c.remote_port)
            self._add(self._keys.connections(address, name), c.ts, blob)
            self._claims[c.local_ip, c.host, c.clock, c.ts // CLAIM_SLOT].append(c.ts)
        self._reporters.add((c.host, NetworkConnect, c.clock, c.guid))

    def _module(self, m: ModuleLoad, blob: bytes) -> None:
        self._process(m, blob)
        if tier(m.image_loaded) in TELLING:
            pid = "" if m.pid is None else m.pid
            member = text(m.ts, m.host, m.guid or "", pid, m.image or "", m.source or "")
            self._add(self._keys.loads(m.host), m.ts, member)

    def _process(self, event: ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper, blob: bytes) -> None:
        self._add(self._keys.process(event.host, process_place(event.pid, event.guid)), event.ts, blob)
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
        for key, clients in self._clients.items():
            yield ("PFADD", key, *clients)
            yield ("EXPIRE", key, ttl)

    def _indexes(self) -> None:
        """What is told once a batch however many records say it."""
        self._reporters, reporters = set(), self._reporters
        for host, kind, clock, machine in {(h, k.__name__, c, (g or "")[:8]) for h, k, c, g in reporters}:
            self._list(self._keys.names, text(host, kind, clock, machine))
        for host, guid in {(h, g) for h, _, _, g in reporters if g}:
            self._list(self._keys.machine(guid[:8]), text(guid[:8], guid, host))
        for address, name in self._buckets:
            self._list(self._keys.index(shard(address, INDEX_SHARDS)), text(address, name))

    def _claimed(self, end: str, of: Callable[[list[float]], float]) -> dict[str, list[Word]]:
        """For each address: the first or last time of every claim."""
        found: defaultdict[str, list[Word]] = defaultdict(list)
        for (address, host, clock, slot), times in self._claims.items():
            found[address] += (of(times), text(end, int(slot), clock, host))
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
