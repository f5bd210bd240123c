"""Where each record goes: a batch of records becomes few commands with many members. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Final

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


class Batch:
    """Members by key, collected from any number of records."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._members: defaultdict[str, list[Word]] = defaultdict(list)
        self._lists: defaultdict[str, list[Word]] = defaultdict(list)
        self._first: defaultdict[str, dict[tuple[int, str, str], float]] = defaultdict(dict)
        self._last: defaultdict[str, dict[tuple[int, str, str], float]] = defaultdict(dict)
        self._clients: defaultdict[str, set[str]] = defaultdict(set)
        self._seen: set[tuple[str, str, str, str]] = set()
        self._guids: set[tuple[str, str]] = set()
        self._buckets: set[tuple[str, str]] = set()

    def add(self, record: Record) -> bool:
        """File one record. False: it cannot be kept (a time or number beyond all range)."""
        try:
            blob = encode(record)
        except (OverflowError, UnicodeEncodeError):
            return False
        if isinstance(record, CertificateRecord):
            self._list(self._keys.certificates(record.fingerprint), text(record.fingerprint, "") + blob)
            return True
        if not isfinite(record.ts):
            return False
        if isinstance(record, Observation):
            self._observation(record, blob)
        elif isinstance(record, ConnectionRecord):
            self._list(self._keys.facts(record.uid), text(record.uid, "") + blob)
        else:
            guid = record.guid
            self._seen.add((record.host, type(record).__name__, record.clock, guid[:8] if guid else ""))
            if guid:
                self._guids.add((guid, record.host))
            if isinstance(record, NetworkConnect):
                self._connection(record, blob)
            else:
                self._process(record, blob)
        return True

    def _add(self, key: str, score: float, member: bytes) -> None:
        """The member must hold its own score: a member that came with two would keep the one that came last."""
        members = self._members[key]
        members.append(score)
        members.append(member)

    def _list(self, key: str, member: bytes) -> None:
        members = self._lists[key]
        members.append(0)
        members.append(member)

    def _observation(self, o: Observation, blob: bytes) -> None:
        address, name = bucket(o.orig_h, o.orig_p, o.resp_h, o.resp_p)
        self._add(self._keys.observations(address, name), o.ts, blob)
        self._buckets.add((address, name))
        if o.ja4:
            self._clients[self._keys.prevalence(o.ja4)].add(o.orig_h)
            self._clients[self._keys.seen].add(o.orig_h)
        if not o.resumed and o.cert_chain_fps:
            key = self._keys.resumable(o.orig_h, o.resp_h, o.resp_p, o.server_name)
            self._add(key, o.ts, text(o.ts, o.uid, address, name))

    def _connection(self, c: NetworkConnect, blob: bytes) -> None:
        if c.local_ip is None or c.remote_ip is None or c.remote_port is None:
            self._add(self._keys.binds(c.host, c.local_port), c.ts, blob)
            return
        address, name = bucket(c.local_ip, c.local_port, c.remote_ip, c.remote_port)
        self._add(self._keys.connections(address, name), c.ts, blob)
        claim = (int(c.ts // CLAIM_SLOT), c.clock, c.host)
        first, last = self._first[c.local_ip], self._last[c.local_ip]
        first[claim] = min(c.ts, first.get(claim, c.ts))
        last[claim] = max(c.ts, last.get(claim, c.ts))

    def _process(self, event: ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper, blob: bytes) -> None:
        self._add(self._keys.process(event.host, process_place(event.pid, event.guid)), event.ts, blob)
        if isinstance(event, ModuleLoad) and tier(event.image_loaded) in TELLING:
            load = (event.ts, event.host, event.guid, event.pid, event.image, event.source)
            member = text(*("" if part is None else part for part in load))
            self._add(self._keys.loads(event.host), event.ts, member)

    def commands(self, *, ttl: int, most: int) -> Iterator[Command]:
        """For each key: add, drop the oldest beyond `most` (lists hold more), keep for `ttl` seconds."""
        self._indexes()
        for members, bound in ((self._members, most), (self._lists, most * LIST_FACTOR)):
            for key, words in members.items():
                yield ("ZADD", key, *words)
                yield ("ZREMRANGEBYRANK", key, 0, -bound - 1)
                yield ("EXPIRE", key, ttl)
        for end, flag, claims in (("first", "LT", self._first), ("last", "GT", self._last)):
            for address, found in claims.items():
                key = self._keys.claims(address, end)
                yield ("ZADD", key, flag, *(word for claim, ts in found.items() for word in (ts, text(*claim))))
                yield ("ZREMRANGEBYRANK", key, 0, -most - 1)
                yield ("EXPIRE", key, ttl)
        for key, clients in self._clients.items():
            yield ("PFADD", key, *clients)
            yield ("EXPIRE", key, ttl)

    def _indexes(self) -> None:
        """What is told once a batch however many records say it."""
        for seen in self._seen:
            self._list(self._keys.names, text(*seen))
        for guid, host in self._guids:
            self._list(self._keys.machine(guid[:8]), text(guid, host))
        for address, name in self._buckets:
            self._list(self._keys.index(shard(address, INDEX_SHARDS)), text(address, name))


def split(members: Iterable[bytes]) -> Iterator[list[str]]:
    """Members made by `text`, as parts; what is not text is skipped."""
    for member in members:
        try:
            yield member.decode("utf-8", "surrogatepass").split(SEP)
        except UnicodeDecodeError:
            continue
