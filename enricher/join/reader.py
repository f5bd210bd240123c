"""Reads the store in batches and gives records to the rules."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from enricher.join.addresses import Claim, Tenure
from enricher.join.codec import decode_all, decode_process_event
from enricher.join.duplicates import Connection, connection, connection_of, lay_over, without_duplicates
from enricher.join.hosts import Hosts
from enricher.join.keys import INDEX_SHARDS, short_name
from enricher.join.learning import Learning, module_delta
from enricher.join.process import Life, ProcessEvent, lives
from enricher.join.routing import Command, handshake, score, service, split
from enricher.join.settings import JoinSettings
from enricher.join.store import Store
from enricher.join.weak import Load
from enricher.model.endpoint import NetworkConnect
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation

_GROUP: Final = 64
"""Buckets read together."""

_HANDSHAKES: Final = 16
"""Latest full handshakes tried for a resumed session: one suffices, unless it is a duplicate of another."""

_RECORDS: Final = 256
"""Latest records heard on one 5-tuple: more only come from somebody who wants every pair compared."""

_LIVES: Final = 8192
"""Pids whose processes are remembered between groups."""

Bucket = tuple[str, str]
"""Address and bucket of `keys.bucket`."""
Place = tuple[str, int | str]
"""Canonical host and `keys.process_place`."""
F = TypeVar("F", CertificateRecord, ConnectionRecord)


class Tuple5(NamedTuple):
    """All records of one 5-tuple."""

    sessions: list[Observation]
    """Sorted by time and uid, without duplicates."""
    records: list[NetworkConnect]
    """The latest, at most `_RECORDS`."""
    unheard: int = 0
    """How many earlier ones were left out."""


class Reader:
    """Batched reads over one store."""

    def __init__(self, store: Store, settings: JoinSettings) -> None:
        self._store = store
        self._keys = store.keys
        self._settings = settings
        self._lives: OrderedDict[Place, list[Life]] = OrderedDict()

    def hosts(self) -> Hosts:
        """Names and coverage of all hosts. ProcessGuids are read only of machines that several names report."""
        seen = [
            (a, b, c, d) for a, b, c, d in (p for p in split(*self._store.members([self._keys.names])) if len(p) == 4)
        ]
        by_machine: defaultdict[str, set[str]] = defaultdict(set)
        for name, _, _, machine in seen:
            if machine:
                by_machine[machine].add(name)
        shared = sorted(machine for machine, names in by_machine.items() if len(names) > 1)
        guids = self._store.prefixed([(self._keys.machine(m), m) for m in shared])
        return Hosts(seen, map(_by_guid, guids), self._settings)

    def teach(self, hosts: Hosts, learning: Learning) -> None:
        """Tell hosts their clocks: what connections told, and what the libraries that their processes loaded tell."""
        deltas: dict[str, list[float]] = {}
        for host, firsts in learning.first_sessions().items():
            there = self.lives([(host, first.place) for first in firsts], hosts)
            found = [module_delta(first, there[host, first.place]) for first in firsts]
            deltas[host] = [delta for delta in found if delta is not None]
        hosts.learn(learning.certain, learning.probable, deltas)

    def groups(self) -> Iterator[list[Bucket]]:
        """All buckets that hold observations, a bounded number at a time, always in the same order."""
        for shard in range(INDEX_SHARDS):
            found = next(iter(self._store.members([self._keys.index(shard)])))
            buckets = sorted((parts[0], parts[1]) for parts in split(found) if len(parts) == 2)
            for start in range(0, len(buckets), _GROUP):
                yield buckets[start : start + _GROUP]

    def tuples(self, group: Sequence[Bucket]) -> dict[Connection, Tuple5]:
        """Every 5-tuple of the buckets that has a session, with the endpoint records on it."""
        found: defaultdict[Connection, tuple[list[Observation], list[NetworkConnect]]] = defaultdict(lambda: ([], []))
        for o in self.observations(group):
            found[connection_of(o)][0].append(o)
        for members in self._store.members([self._keys.connections(*bucket) for bucket in group]):
            latest = decode_all(sorted(members, reverse=True), NetworkConnect)  # those of one time in an order, too
            for record in sorted(latest, key=_ts, reverse=True):
                if record.local_ip is None or record.remote_ip is None or record.remote_port is None:
                    continue
                sides = (record.local_ip, record.local_port), (record.remote_ip, record.remote_port)
                at = found.get(connection(record.proto, *sides))
                if at is not None:
                    at[1].append(record)
        return {
            key: Tuple5(sessions, records[:_RECORDS], max(0, len(records) - _RECORDS))
            for key, (sessions, records) in found.items()
        }

    def observations(self, group: Sequence[Bucket]) -> list[Observation]:
        """Observations of the buckets, completed from logs that keep facts apart, each connection once."""
        members = self._store.members([self._keys.observations(*bucket) for bucket in group])
        raw = [o for found in members for o in decode_all(found, Observation)]
        return without_duplicates(self._complete(raw), self._settings.duplicate_window)

    def _complete(self, observations: Sequence[Observation]) -> Iterable[Observation]:
        """Lay certificate and connection facts over what the observations lack."""
        leaves = {o.cert_chain_fps[0] for o in observations if o.cert_chain_fps and o.cert_subject is None}
        uids = {o.uid for o in observations if o.community_id is None or o.sensor == "ssl.log"}
        certificates = self._facts({fp: self._keys.certificates(fp) for fp in leaves}, CertificateRecord)
        connections = self._facts({uid: self._keys.facts(uid) for uid in uids}, ConnectionRecord)
        if not certificates and not connections:
            return observations
        return [
            lay_over(o, [*certificates.get((o.cert_chain_fps or ("",))[0], ()), *connections.get(o.uid, ())])
            for o in observations
        ]

    def _facts(self, keys: dict[str, str], kind: type[F]) -> dict[str, list[F]]:
        wanted = sorted(keys)
        found = self._store.prefixed([(keys[name], name) for name in wanted])
        return {name: decode_all(blobs, kind) for name, blobs in zip(wanted, found, strict=True)}

    def handshakes(self, resumed: Sequence[Observation]) -> list[list[Observation]]:
        """For each resumed session: the full handshakes that it can have resumed."""
        latest: list[Command] = []
        for o in resumed:
            key, most = self._keys.resumable(o.orig_h, service(o)), ("LIMIT", 0, _HANDSHAKES)
            if self._keys.exact:
                latest.append(("ZRANGE", key, score(o.ts), "-inf", "BYSCORE", "REV", *most))
            else:
                latest.append(("ZREVRANGEBYLEX", key, f"[{handshake(o)}\x7f", f"[{service(o)}", *most))
        places = [
            {(parts[5], parts[6]) for parts in split(members) if len(parts) == 7}
            for members in self._store.read(latest)
        ]
        every = sorted(set().union(*places))
        by_place = {place: self.observations([place]) for place in every}
        return [[o for place in sorted(mine) for o in by_place[place]] for mine in places]

    def tenures(self, addresses: Iterable[str], hosts: Hosts) -> dict[str, Tenure]:
        """Whose each address was."""
        return {
            address: Tenure(_claims(ends, hosts), self._settings.owner_reach)
            for address, ends in self._ends(addresses).items()
        }

    def claimants(self, addresses: Iterable[str]) -> set[str]:
        """Names of the hosts that claim any of the addresses."""
        ends = self._ends(addresses).values()
        return {name for claims in ends for _, (_, _, name) in _ends_of(claims)}

    def _ends(self, addresses: Iterable[str]) -> dict[str, list[bytes]]:
        """Both ends of every claim to each address, and their times."""
        wanted = sorted(set(addresses))
        answers = self._store.read([("ZRANGE", self._keys.claims(a), 0, -1, "WITHSCORES") for a in wanted])
        return dict(zip(wanted, answers, strict=True))

    def lives(self, places: Iterable[Place], hosts: Hosts) -> dict[Place, list[Life]]:
        """The processes at each place."""
        wanted = sorted(set(places), key=str)
        missing = [place for place in wanted if place not in self._lives]
        names = [(place, name) for place in missing for name in _shorts(place[0], hosts)]
        events: defaultdict[Place, list[ProcessEvent]] = defaultdict(list)
        answers = self._store.members([self._keys.process(name, place[1]) for place, name in names])
        for (place, _), members in zip(names, answers, strict=True):
            for blob in members:
                event = decode_process_event(blob)
                if event is not None and hosts.canonical(event.host) == place[0]:
                    events[place].append(event)
        self._lives.update((place, lives(events[place])) for place in missing)
        found = {place: self._lives[place] for place in wanted}
        while len(self._lives) > _LIVES:
            self._lives.popitem(last=False)
        return found

    def binds(self, wanted: Sequence[tuple[str, int]], hosts: Hosts) -> Iterator[list[NetworkConnect]]:
        """For each host and port: the binds of the host near that port."""
        names = [(at, name, port) for at, (host, port) in enumerate(wanted) for name in _shorts(host, hosts)]
        answers = self._store.members([self._keys.binds(name, port) for _, name, port in names])
        found: list[list[NetworkConnect]] = [[] for _ in wanted]
        for (at, _, _), members in zip(names, answers, strict=True):
            found[at].extend(decode_all(members, NetworkConnect))
        return iter(found)

    def loads(self, wanted: Sequence[tuple[str, float, float]], hosts: Hosts) -> Iterator[list[Load]]:
        """For each host and span of its own time: the loads of telling libraries."""
        names = [(at, name) for at, (host, _, _) in enumerate(wanted) for name in _shorts(host, hosts)]
        spans: list[tuple[int, Command]] = []
        for at, name in names:
            start, end = map(score, wanted[at][1:])
            keys = {self._keys.loads(name, start), self._keys.loads(name, end)}
            spans += [(at, ("ZRANGEBYSCORE", key, start, end)) for key in sorted(keys)]
        found: list[list[Load]] = [[] for _ in wanted]
        for (at, _), members in zip(spans, self._store.read([command for _, command in spans]), strict=True):
            found[at].extend(_loads(members))
        return iter(found)


_ts: Final = attrgetter("ts")


def _loads(members: Sequence[bytes]) -> Iterator[Load]:
    for parts in split(members):
        if len(parts) == 6:
            ts, name, guid, pid, image, source = parts
            try:
                when, process_id = int(ts) / 1e6, int(pid) if pid else None
            except ValueError:  # others can write under our keys
                continue
            yield Load(when, name, guid or None, process_id, image or None, source or None)


def _shorts(host: str, hosts: Hosts) -> list[str]:
    """One name of the host for each key that its names lead to."""
    return list({short_name(name): name for name in hosts.names(host)}.values())


def _by_guid(members: Iterable[bytes]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for parts in split(members):
        if len(parts) == 2:
            found[parts[0]].add(parts[1])
    return found


def _claims(members: Sequence[bytes], hosts: Hosts) -> Iterator[Claim]:
    """The claims, in network time."""
    ends: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for ts, claim in _ends_of(members):
        ends[claim].append(ts)
    for (_, clock, name), found in ends.items():
        host = hosts.canonical(name)
        times = [hosts.to_network(host, clock, ts) for ts in found]
        yield Claim(min(times)[0], max(times)[0], host, all(sure for _, sure in times))


def _ends_of(members: Sequence[bytes]) -> Iterator[tuple[float, tuple[str, str, str]]]:
    """Both ends of each claim: the time, and slot, clock and name of the claim."""
    for parts, ts in zip(split(members[::2]), members[1::2], strict=True):
        if len(parts) == 4:
            yield float(ts) / 1e6, (parts[1], parts[2], parts[3])
