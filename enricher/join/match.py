"""From the endpoint records of one 5-tuple to the process that opened each session on it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from enricher.join.clocks import RANK
from enricher.join.hosts import Hosts
from enricher.join.keys import process_place
from enricher.join.process import Life, guid_start, same_image
from enricher.join.settings import JoinSettings
from enricher.model.endpoint import NetworkConnect
from enricher.model.observation import Observation
from enricher.model.session import Candidate, Disposition, Method, Process

_TIE_FLOOR = 1.0
"""Seconds: records this near a session are equally near."""


class ProcessId(NamedTuple):
    """What makes two records speak of one process; `start` tells apart processes without guid that shared a pid."""

    host: str
    guid: str | None
    pid: int | None
    start: float | None = None


class Opener(NamedTuple):
    """A process that one record names."""

    process: ProcessId
    life: Life
    """What else is known of it; without events when nothing is."""
    record: NetworkConnect
    flipped: bool
    """The record's local side is the observation's responder."""
    delta: float | None
    """Seconds from the record to the session after clock correction; None when no offset is known."""


class Decision(NamedTuple):
    """What the records say about one session; `openers` holds the chosen one alone when matched."""

    disposition: Disposition
    openers: tuple[Opener, ...] = ()
    host: str | None = None
    """None when it could be more than one."""
    note: str | None = None
    disbelieved: int = 0
    """Records that spoke for an address that is another host's."""


class Owners(Protocol):
    """Whose an address was; `addresses.Tenure` is one."""

    def owners(self, ts: float) -> list[str]:
        """Hosts that held it at a time, sorted."""
        ...

    def believed(self, host: str, ts: float) -> bool:
        """Whether the host's claim at a time is believed."""
        ...


class Knowledge(NamedTuple):
    """All that the rules may ask."""

    hosts: Hosts
    tenures: Mapping[str, Owners]
    lives: Mapping[tuple[str, int | str], Sequence[Life]]
    """Canonical host and `keys.process_place` → processes that were there."""
    settings: JoinSettings


def is_opener(record: NetworkConnect, o: Observation) -> bool:
    """Who says that he opened it did, wherever the sensor thinks it began; who accepted it never did."""
    if record.initiated is None:
        return (record.local_ip, record.local_port) == (o.orig_h, o.orig_p)
    return record.initiated


def decide(
    o: Observation, records: Sequence[NetworkConnect], known: Knowledge, *, turn: int = 0, of: int = 1
) -> Decision | None:
    """The process that opened the session, from all records of its 5-tuple; None: no believed record names one.

    Args:
        o: the session.
        records: what endpoints report on its 5-tuple.
        known: all else.
        turn: how many sessions on the 5-tuple came before this one.
        of: how many there are.
    """
    opening: list[NetworkConnect] = []
    disbelieved: list[NetworkConnect] = []
    for record in records:
        if is_opener(record, o):
            (opening if _believed(record, known) else disbelieved).append(record)
    openers = [p for r in opening for p in _processes(o, r, opening, known)]
    note = _disbelief(disbelieved, known)
    lies = len(disbelieved)
    if not openers:
        return Decision("no_network_event", note=note, disbelieved=lies) if note else None
    hosts = {p.process.host for p in openers}
    chosen = nearest(openers, known)
    rivals = _rivals(chosen, known) if chosen else []
    if chosen is None or rivals:
        why = (
            f"the address is also claimed by {', '.join(rivals)}"
            if rivals
            else "several processes report this connection"
        )
        host = hosts.pop() if len(hosts) == 1 and not rivals else None
        return Decision("ambiguous", tuple(sorted(openers, key=order)), host, why, lies)
    if len({p.process for p in openers}) > 1:
        note = "several processes report this connection; time decided"
    elif chosen.delta is None:
        chosen = _in_turn(chosen, openers, turn, of)
    elif abs(chosen.delta) > known.settings.owner_reach:
        note = "the record is far from the session in time, but no other names a process"
    return Decision("matched", (chosen,), chosen.process.host, note, lies)


def _in_turn(chosen: Opener, openers: Sequence[Opener], turn: int, of: int) -> Opener:
    """Where no clock is known and one process used the port as often as there are sessions: the record at its turn."""
    by_time = {
        p.record.ts: p for p in sorted(openers, key=order, reverse=True) if p.record.clock == chosen.record.clock
    }
    return by_time[sorted(by_time)[turn]] if len(by_time) == of else chosen


def order(opener: Opener) -> tuple[object, ...]:
    """A fixed order of openers, nearest first within a process."""
    p, r = opener.process, opener.record
    return (
        p.host,
        p.guid or "",
        -1 if p.pid is None else p.pid,
        p.start or 0.0,
        abs(opener.delta or 0.0),
        r.ts,
        r.clock,
        r.source or "",
    )


def candidates(
    openers: Sequence[Opener], method: Method, assembled: Callable[[Opener], Process] | None = None
) -> tuple[Candidate, ...]:
    """Each process once, by its nearest record; with all that is known of it where `assembled` is given."""
    first: dict[ProcessId, Candidate] = {}
    for opener in sorted(openers, key=order):
        first.setdefault(
            opener.process,
            Candidate(
                host=opener.process.host,
                guid=opener.process.guid,
                pid=opener.process.pid,
                image=opener.record.image or opener.life.image(),
                method=method,
                delta=None if opener.delta is None else round(opener.delta, 6),
                source=opener.record.source,
                process=assembled(opener) if assembled and opener.process not in first else None,
            ),
        )
    return tuple(first.values())


def nearest(openers: Sequence[Opener], known: Knowledge) -> Opener | None:
    """The opener when they are one process, or when one is clearly nearer in time than all others; else None."""
    best: dict[ProcessId, Opener] = {}
    for opener in sorted(openers, key=order):
        best.setdefault(opener.process, opener)
    if len(best) == 1:
        return next(iter(best.values()))
    s = known.settings
    timed = [(abs(p.delta), at, p) for at, p in enumerate(best.values()) if p.delta is not None]
    if len(timed) < len(best):
        return None
    (near, _, winner), (second, _, _) = sorted(timed)[:2]
    clear = near <= s.tie_tolerance and second >= s.tie_ratio * max(near, _TIE_FLOOR)
    return winner if clear else None


def time_to(o: Observation, host: str, record: NetworkConnect, known: Knowledge) -> float | None:
    """Seconds from a record to the session by the record's corrected clock; None when it is not known well enough."""
    clock = known.hosts.network_clock(host, record.clock, o.ts)
    if clock.offset is None or RANK[clock.confidence] < RANK[known.settings.tie_confidence]:
        return None
    return o.ts - record.ts - clock.offset


def _believed(record: NetworkConnect, known: Knowledge) -> bool:
    """A host speaks for the addresses that it owns."""
    tenure = known.tenures.get(record.local_ip or "")
    host = known.hosts.canonical(record.host)
    at, _ = known.hosts.to_network(host, record.clock, record.ts)
    return tenure is None or tenure.believed(host, at)


def _rivals(opener: Opener, known: Knowledge) -> list[str]:
    """Other hosts that held the opener's address when the record was made."""
    tenure = known.tenures.get(opener.record.local_ip or "")
    host = opener.process.host
    at, _ = known.hosts.to_network(host, opener.record.clock, opener.record.ts)
    holding = tenure.owners(at) if tenure else []
    return [other for other in holding if other != host] if host in holding else []


def _disbelief(records: Sequence[NetworkConnect], known: Knowledge) -> str | None:
    if not records:
        return None
    hosts = sorted({known.hosts.canonical(r.host) for r in records})
    return f"{', '.join(hosts)} reports this connection from an address that is another host's; not believed"


def _processes(
    o: Observation, record: NetworkConnect, opening: Sequence[NetworkConnect], known: Knowledge
) -> list[Opener]:
    """The processes that a record can mean: one when it has a guid, all that fit when it has only a pid."""
    host = known.hosts.canonical(record.host)
    flipped = (record.local_ip, record.local_port) != (o.orig_h, o.orig_p)
    delta = time_to(o, host, record, known)
    had_pid = known.lives.get((host, process_place(record.pid, record.guid)), ())
    if record.guid:
        found = [life for life in had_pid if life.guid == record.guid] or [_bare(record)]
    else:
        found = _lives_of(record, host, opening, had_pid, known) or [_bare(record)]
    return [
        Opener(
            ProcessId(host, life.guid, record.pid if life.pid is None else life.pid, None if life.guid else life.start),
            life,
            record,
            flipped,
            delta,
        )
        for life in found
    ]


def _bare(record: NetworkConnect) -> Life:
    """Nothing but this record is known of the process."""
    return Life(record.guid, record.pid, guid_start(record.guid), None, ())


def _lives_of(
    record: NetworkConnect,
    host: str,
    opening: Sequence[NetworkConnect],
    had_pid: Sequence[Life],
    known: Knowledge,
) -> list[Life]:
    """Processes with the record's pid and program; the one that another record of the connection names, if one does;
    else those that lived at the time, as far as the clocks allow to say.
    """
    fitting = [life for life in had_pid if same_image(record.image, life.image())]
    named = {
        r.guid
        for r in opening
        if r.guid
        and r.pid == record.pid
        and known.hosts.canonical(r.host) == host
        and same_image(r.image, record.image)
    }
    if len(named) == 1:
        guid = named.pop()
        return [life for life in fitting if life.guid == guid] or [Life(guid, record.pid, guid_start(guid), None, ())]
    if len(fitting) < 2:
        return fitting
    at = _module_time(record, host, fitting, known)
    if at is None:
        return fitting
    slack = known.settings.clock_agreement
    started = [life for life in fitting if life.start is None or life.start <= at + slack]
    alive = [life for life in started if life.end is None or life.end >= at - slack]
    latest = max((life.start for life in alive if life.start is not None), default=None)
    return [life for life in alive if life.start == latest] if latest is not None else alive


def _module_time(record: NetworkConnect, host: str, fitting: Sequence[Life], known: Knowledge) -> float | None:
    """The record's time by the host's clock of process events; None when the two clocks cannot be compared."""
    product = record.clock.partition(":")[0]
    alike = all(e.clock.partition(":")[0] == product for life in fitting for e in life.events)
    if alike and product != "sysmon":  # Sysmon's network events run on a clock of their own
        return record.ts
    module = known.hosts.module_clock(host)
    at, sure = known.hosts.to_network(host, record.clock, record.ts)
    return at - module.offset if sure and module.offset is not None else None
