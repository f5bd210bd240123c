"""Where each record goes: a batch of records becomes few commands with many members. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from enricher.join.codec import encode
from enricher.join.keys import CLAIM_SLOT, INDEX_SHARDS, Keys, Pair, bucket_name, pair, process_place, shard
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart, ProcessTamper
from enricher.model.library import tier
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
from enricher.model.record import Record

Word = str | bytes | int | float
Command = tuple[Word, ...]
K = TypeVar("K")
_Members = defaultdict[K, list[Word]]
"""Score and member, score and member … of each."""

SEP: Final = "\0"
"""Between the parts of a member; `formats` leaves it in no value of a log."""

LIST_FACTOR: Final = 64
"""Lists span hosts and addresses, the other keys one of them: they may be this many times longer."""

_WRONG: Final = 7 * 86400
"""Claims to addresses and full handshakes are ordered by their own clock, which may be wrong by days: kept so much
longer."""

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
    """Members by key, collected from any number of records.

    Collected by what a key is made of: the key's name, and what else holds for all its members, is made once for all.
    A member must hold its own score: one that came with two scores would keep the one that came last.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._bits = keys.port_bits
        self._connections: _Members[Pair] = defaultdict(list)
        self._observations: _Members[Pair] = defaultdict(list)
        self._processes: _Members[tuple[str, type[Any], str, str | None, int | None]] = defaultdict(list)
        self._loads: _Members[str] = defaultdict(list)
        self._others: _Members[str] = defaultdict(list)
        self._lists: _Members[str] = defaultdict(list)
        self._full: _Members[str] = defaultdict(list)
        """Full handshakes. Of one service they go by their time, of several by the service first, then by time."""
        self._told: defaultdict[tuple[str, str, str | None, str | None], list[float]] = defaultdict(list)
        """Who reported connections: host, clock, guid, its local address; the times."""
        self._clients: defaultdict[str, set[str]] = defaultdict(set)
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

    def add(self, records: Iterable[Record]) -> int:
        """File records; how many cannot be kept (a time or number beyond all range)."""
        ways, unusable = self._ways, 0
        for record in records:
            try:
                ways[type(record)](record, encode(record))
            except (OverflowError, ValueError):  # also text that UTF-8 cannot carry
                unusable += 1
        return unusable

    def _certificate(self, c: CertificateRecord, blob: bytes) -> None:
        self._lists[self._keys.certificates(c.fingerprint)] += (0, text(c.fingerprint, "") + blob)

    def _facts(self, c: ConnectionRecord, blob: bytes) -> None:
        self._lists[self._keys.facts(c.uid)] += (0, text(c.uid, "") + blob)

    def _observation(self, o: Observation, blob: bytes) -> None:
        when = int(o.ts * 1e6)
        at = pair(o.orig_h, o.orig_p, o.resp_h, o.resp_p, self._bits)
        self._observations[at] += (when, blob)
        if o.ja4:
            self._clients[o.ja4].add(o.orig_h)
        if o.cert_chain_fps and not o.resumed:
            what = service(o)
            member = f"{what}{when:020d}{SEP}{o.uid}{SEP}{at[0]}{SEP}{bucket_name(at)}"
            self._full[self._keys.resumable(o.orig_h, what)] += (when if self._keys.exact else 0, member)

    def _connection(self, c: NetworkConnect, blob: bytes) -> None:
        when, local_ip, remote_ip, remote_port = int(c.ts * 1e6), c.local_ip, c.remote_ip, c.remote_port
        if local_ip is None or remote_ip is None or remote_port is None:
            self._others[self._keys.binds(c.host, c.local_port)] += (when, blob)
            local_ip = None
        else:
            self._connections[pair(local_ip, c.local_port, remote_ip, remote_port, self._bits)] += (when, blob)
        self._told[c.host, c.clock, c.guid, local_ip].append(c.ts)

    def _module(self, m: ModuleLoad, blob: bytes) -> None:
        self._process(m, blob)
        telling = self._telling.get(m.image_loaded)
        if telling is None:
            telling = self._telling[m.image_loaded] = tier(m.image_loaded) in TELLING
        if telling:
            when, pid = int(m.ts * 1e6), "" if m.pid is None else m.pid
            who = f"{when}{SEP}{m.host}{SEP}{m.guid or ''}{SEP}{pid}{SEP}{m.image or ''}{SEP}{m.source or ''}"
            self._loads[self._keys.loads(m.host, when)] += (when, who)

    def _process(self, event: ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper, blob: bytes) -> None:
        self._processes[event.host, type(event), event.clock, event.guid, event.pid] += (int(event.ts * 1e6), blob)

    def commands(self, *, ttl: int, most: int, arrived: float | None = None) -> Iterator[Command]:
        """For each key: add, drop the oldest beyond `most` (lists hold more), keep for `ttl` seconds.

        `arrived`: when the records came, by our clock; what came `ttl` seconds before that goes.
        """
        self._index_hosts()
        if not self._keys.exact:
            self._index_buckets()
        keys = self._keys
        for (key, words), dated in self._by_key():
            yield from _kept(key, words, most, ttl, arrived if dated else None)
        for key, words in self._lists.items():
            yield from _kept(key, words, most * LIST_FACTOR, ttl, arrived)
        for key, words in self._full.items():
            yield from (("ZADD", key, *words), *_bounds(key, most * LIST_FACTOR, ttl))
            if keys.exact:
                yield _outdated(key, words, ttl)
        for address, (first, last) in self._claims().items():
            key = keys.claims(address)
            yield from (("ZADD", key, "LT", *first), ("ZADD", key, "GT", *last), *_bounds(key, most, ttl))
            if keys.exact:
                yield _outdated(key, first, ttl)
        seen = {keys.prevalence(ja4): clients for ja4, clients in self._clients.items()}
        if seen:
            seen[keys.seen] = set().union(*seen.values())
        for key, clients in seen.items():
            yield from (("PFADD", key, *clients), ("EXPIRE", key, ttl))

    def _by_key(self) -> Iterator[tuple[tuple[str, list[Word]], bool]]:
        """Keys and members; whether they may go when they are old."""
        keys = self._keys
        for pairs, name in ((self._connections, keys.connections), (self._observations, keys.observations)):
            for at, words in pairs.items():
                yield (name(at[0], bucket_name(at)), words), True
        processes: _Members[str] = defaultdict(list)
        for (host, _, _, guid, pid), words in self._processes.items():
            processes[keys.process(host, process_place(pid, guid))] += words
        for each in (*processes.items(), *self._loads.items()):
            yield each, False
        for each in self._others.items():
            yield each, True

    def _index_hosts(self) -> None:
        """Which clocks, machines and guids each host name reported: told once however many records say it."""
        names, guids = set(), set()
        reporters = [(host, kind, clock, guid) for host, kind, clock, guid, _ in self._processes]
        reporters += [(host, NetworkConnect, clock, guid) for host, clock, guid, _ in self._told]
        for host, kind, clock, guid in reporters:
            names.add((host, kind.__name__, clock, guid[:8] if guid else ""))
            if guid:
                guids.add((guid, host))
        for name in names:
            self._lists[self._keys.names] += (0, text(*name))
        for guid, host in guids:
            machine = guid[:8]
            self._lists[self._keys.machine(machine)] += (0, f"{machine}{SEP}{guid}{SEP}{host}")

    def _index_buckets(self) -> None:
        for at in self._observations:
            self._lists[self._keys.index(shard(at[0], INDEX_SHARDS))] += (0, text(at[0], bucket_name(at)))

    def _claims(self) -> dict[str, tuple[list[Word], list[Word]]]:
        """For each address: the first and the last time of every claim."""
        slots: defaultdict[tuple[str, str, str, float], list[float]] = defaultdict(list)
        for (host, clock, _, address), times in self._told.items():
            if address is not None:
                for ts in times:
                    slots[address, host, clock, ts // CLAIM_SLOT].append(ts)
        found: defaultdict[str, tuple[list[Word], list[Word]]] = defaultdict(lambda: ([], []))
        for (address, host, clock, slot), times in slots.items():
            first, last = found[address]
            first += (score(min(times)), text("first", int(slot), clock, host))
            last += (score(max(times)), text("last", int(slot), clock, host))
        return found


def split(members: Iterable[bytes]) -> Iterator[list[str]]:
    """Members made by `text`, as parts; what is not text has none."""
    for member in members:
        try:
            yield member.decode("utf-8", "surrogatepass").split(SEP)
        except UnicodeDecodeError:
            yield []


def _kept(key: str, words: list[Word], most: int, ttl: int, arrived: float | None) -> Iterator[Command]:
    """Add members, drop those beyond the bounds. `arrived`: the score of all, in place of their own."""
    if arrived is not None:
        words[::2] = [score(arrived)] * (len(words) // 2)
    yield from (("ZADD", key, *words), *_bounds(key, most, ttl))
    if arrived is not None:
        yield "ZREMRANGEBYSCORE", key, "-inf", score(arrived - ttl)


def _bounds(key: str, most: int, ttl: int) -> tuple[Command, Command]:
    return ("ZREMRANGEBYRANK", key, 0, -most - 1), ("EXPIRE", key, ttl)


def _outdated(key: str, words: list[Word], ttl: int) -> Command:
    """Drop what is too old beside what came, by its own time."""
    oldest = min(word for word in words[::2] if isinstance(word, int))
    return "ZREMRANGEBYSCORE", key, "-inf", oldest - (ttl + _WRONG) * 1_000_000
