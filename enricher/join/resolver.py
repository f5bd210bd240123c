"""Drives the rules over some 5-tuples: who opened each of their sessions. The same for a replay and for a service."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from enricher.join.addresses import Tenure
from enricher.join.codec import plain
from enricher.join.duplicates import Connection
from enricher.join.hosts import Hosts
from enricher.join.keys import process_place
from enricher.join.match import Decision, Knowledge, Opener, ProcessId, candidates, decide, is_opener
from enricher.join.process import Life, assemble
from enricher.join.reader import Place, Reader, Tuple5
from enricher.join.resumption import inherit, wants_certificate
from enricher.join.settings import JoinSettings
from enricher.join.weak import Guess, by_bind, by_library
from enricher.model.observation import Observation
from enricher.model.session import Process, Session


class Resolver:
    """The rules, with what is known of the hosts."""

    def __init__(self, reader: Reader, hosts: Hosts, settings: JoinSettings) -> None:
        self._reader = reader
        self._hosts = hosts
        self._settings = settings
        self.counters: Counter[str] = Counter()
        """`records_disbelieved`: per session, records that spoke for an address that is another host's;
        `records_unheard`: on a 5-tuple with too many of them, the earliest."""
        self._processes: dict[tuple[object, ...], Process] = {}

    def sessions(self, tuples: Mapping[Connection, Tuple5]) -> list[Session]:
        """Sessions of some 5-tuples, sorted by time and uid.

        Raises:
            StoreError: the server is away or refuses.
        """
        known = self._knowledge(tuples)
        self.counters["records_unheard"] += sum(there.unheard for there in tuples.values())
        self._processes.clear()
        undecided: list[tuple[Observation, str, str | None]] = []
        sessions: list[Session] = []
        for o, there, turn in self._with_certificates(tuples):
            decision = decide(o, there.records, known, turn=turn, of=len(there.sessions))
            self.counters["records_disbelieved"] += decision.disbelieved if decision else 0
            if decision is not None and decision.openers:
                sessions.append(self._told(o, decision))
                continue
            note = decision.note if decision else None
            owners = known.tenures[o.orig_h].owners(o.ts)
            if len(owners) == 1:
                undecided.append((o, owners[0], note))
            else:
                sessions.append(self._unseen(o, owners, note))
        sessions.extend(self._guess(undecided, known))
        return sorted(sessions, key=lambda s: (s.observation.ts, s.observation.uid))

    def _with_certificates(self, tuples: Mapping[Connection, Tuple5]) -> Iterator[tuple[Observation, Tuple5, int]]:
        """Each session, the 5-tuple it is on, its turn there; resumed ones with the certificate they resumed."""
        resumed = [o for there in tuples.values() for o in there.sessions if wants_certificate(o)]
        handshakes = dict(zip(map(id, resumed), self._reader.handshakes(resumed), strict=True))
        for there in tuples.values():
            for turn, o in enumerate(there.sessions):
                yield plain(inherit(o, handshakes.get(id(o), ()))), there, turn

    def _knowledge(self, tuples: Mapping[Connection, Tuple5]) -> Knowledge:
        """Owners and processes that the rules will ask for."""
        addresses: set[str] = set()
        places: set[Place] = set()
        for there in tuples.values():
            addresses.update(o.orig_h for o in there.sessions)
            for record in there.records:
                if any(is_opener(record, o) for o in there.sessions):
                    addresses.add(record.local_ip or "")
                    places.add((self._hosts.canonical(record.host), process_place(record.pid, record.guid)))
        tenures: dict[str, Tenure] = self._reader.tenures(addresses, self._hosts)
        return Knowledge(self._hosts, tenures, self._reader.lives(places, self._hosts), self._settings)

    def _told(self, o: Observation, decision: Decision) -> Session:
        """A session whose 5-tuple an endpoint reported."""
        openers, host = decision.openers, decision.host
        matched = openers[0] if decision.disposition == "matched" else None
        clock = openers[0].record.clock
        return Session(
            observation=o,
            disposition=decision.disposition,
            host=host,
            method="tuple",
            flipped=openers[0].flipped,
            connect_source=matched.record.source if matched else None,
            connect_ts=matched.record.ts if matched else None,
            process=self._assembled(matched) if matched else None,
            candidates=candidates(openers, "tuple", None if matched else self._assembled),
            clock=self._hosts.network_clock(host, clock, o.ts) if host else None,
            module_clock=self._hosts.module_clock(host) if host else None,
            coverage=self._hosts.coverage(host or ""),
            note=decision.note,
        )

    def _assembled(self, opener: Opener) -> Process:
        """The process, put together once for all its sessions in a group."""
        life, record = opener.life, opener.record
        if not life.events:
            return assemble(life, record)
        key = (id(life), record.image, record.user, record.pid)  # the reader holds on to lives that have events
        if key not in self._processes:
            self._processes[key] = assemble(life, record)
        return self._processes[key]

    def _unseen(self, o: Observation, owners: Sequence[str], note: str | None) -> Session:
        """A session whose client can be no endpoint, or more than one."""
        if owners:
            why = f"{' and '.join(owners)} both claim the client's address, and neither reports this connection"
            return Session(observation=o, disposition="no_network_event", note=_join(note, why))
        why = "no endpoint reports connections from the client's address at this time"
        if mute := self._hosts.mute:
            why += f"; {mute} host(s) report no connections at all, so their addresses are unknown"
        return Session(observation=o, disposition="host_unseen", note=_join(note, why))

    def _guess(self, undecided: Sequence[tuple[Observation, str, str | None]], known: Knowledge) -> Iterator[Session]:
        """Sessions of known hosts that no record names: by who bound the port, or who loaded a library then."""
        binds = list(self._reader.binds([(host, o.orig_p) for o, host, _ in undecided], self._hosts))
        window = self._settings.library_window
        spans = []
        for o, host, _ in undecided:
            ts = o.ts - (self._hosts.module_clock(host).offset or 0.0)
            spans.append((host, ts - window, ts + window))
        loads = list(self._reader.loads(spans, self._hosts))
        places: set[Place] = set()
        for (_, host, _), bound, loaded in zip(undecided, binds, loads, strict=True):
            places.update((host, process_place(e.pid, e.guid)) for e in bound)
            places.update((host, process_place(e.pid, e.guid)) for e in loaded)
        known = known._replace(lives=self._reader.lives(places, self._hosts))
        for (o, host, note), bound, loaded in zip(undecided, binds, loads, strict=True):
            guess = by_bind(o, host, bound, known) or by_library(o, host, loaded, known)
            yield self._guessed(o, host, guess, note, known)

    def _guessed(self, o: Observation, host: str, guess: Guess | None, note: str | None, known: Knowledge) -> Session:
        """A session of a host that did not report it."""
        process = guess.process if guess else None
        record = guess.record if guess else None
        return Session(
            observation=o,
            disposition="no_network_event",
            host=host,
            method=guess.method if guess else None,
            connect_source=record.source if record else None,
            connect_ts=record.ts if record else None,
            process=assemble(_life(process, known), record) if process else None,
            candidates=guess.candidates if guess else (),
            clock=self._hosts.best_network_clock(host, o.ts),
            module_clock=self._hosts.module_clock(host),
            coverage=self._hosts.coverage(host),
            note=_join(note, guess.note if guess else "the host reports connections, but not this one"),
        )


def _life(process: ProcessId, known: Knowledge) -> Life:
    """What is known of a process that was named without its 5-tuple."""
    place = (process.host, process_place(process.pid, process.guid))
    for life in known.lives.get(place, ()):
        if life.guid == process.guid and (process.guid or process.start == life.start):
            return life
    return Life(process.guid, process.pid, None, None, ())


def _join(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)
