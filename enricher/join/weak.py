"""Joins for a host that reports connections, but not this one: by bound port, or by the time of a library load. Pure.

Both leave the session `no_network_event`: they say who could have opened it, not who did.
"""

from collections.abc import Sequence
from typing import NamedTuple

from enricher.join.keys import process_place
from enricher.join.match import Knowledge, Opener, ProcessId, candidates, nearest, time_to
from enricher.join.process import Life, same_image
from enricher.model.endpoint import NetworkConnect
from enricher.model.observation import Observation
from enricher.model.session import Candidate, Method


class Load(NamedTuple):
    """A telling library was loaded."""

    ts: float
    name: str
    """The host as the event names it."""
    guid: str | None
    pid: int | None
    image: str | None
    source: str | None


class Guess(NamedTuple):
    """Who could have opened a session."""

    method: Method
    process: ProcessId | None
    """None when several could."""
    candidates: tuple[Candidate, ...]
    note: str
    record: NetworkConnect | None = None


def by_bind(o: Observation, host: str, records: Sequence[NetworkConnect], known: Knowledge) -> Guess | None:
    """Who bound the session's local port nearest in time; without a known clock offset, only if nobody else did."""
    openers = []
    for record in records:
        if known.hosts.canonical(record.host) != host or not _binds(record, o):
            continue
        delta = time_to(o, host, record, known)
        if delta is None or abs(delta) <= known.settings.bind_window:
            process = _identify(host, record.guid, record.pid, record.image, known)
            life = Life(process.guid, process.pid, None, None, ())
            openers.append(Opener(process, life, record, flipped=False, delta=delta))
    if not openers:
        return None
    chosen = nearest(openers, known)
    found = candidates(openers, "bind")
    if chosen is None:
        return Guess("bind", None, found, "several processes bound this port; no record of the connection itself")
    return Guess(
        "bind", chosen.process, (), "the process bound the port; no record of the connection itself", chosen.record
    )


def _binds(record: NetworkConnect, o: Observation) -> bool:
    return (
        record.local_port == o.orig_p
        and record.proto == o.proto
        and record.local_ip in (None, o.orig_h)
        and record.remote_ip in (None, o.resp_h)
        and record.remote_port in (None, o.resp_p)
        and record.initiated is not False
    )


def by_library(o: Observation, host: str, loads: Sequence[Load], known: Knowledge) -> Guess | None:
    """Who loaded a telling library within the window around the session, by the corrected clock of module events."""
    clock = known.hosts.module_clock(host)
    offset = clock.offset or 0.0
    nearest_load: dict[ProcessId, Load] = {}
    for load in sorted(loads, key=lambda e: (abs(o.ts - e.ts - offset), e.ts, e.source or "", e.image or "")):
        if known.hosts.canonical(load.name) != host or abs(o.ts - load.ts - offset) > known.settings.library_window:
            continue
        nearest_load.setdefault(_identify(host, load.guid, load.pid, load.image, known), load)
    if not nearest_load:
        return None
    found = tuple(
        Candidate(
            host=host,
            guid=process.guid,
            pid=process.pid,
            image=load.image,
            method="library_time",
            delta=round(o.ts - load.ts - offset, 6),
            source=load.source,
        )
        for process, load in sorted(nearest_load.items(), key=lambda item: (item[0].guid or "", item[0].pid or -1))
    )
    if len(found) > 1:
        return Guess("library_time", None, found, "several processes loaded TLS libraries at this time")
    return Guess(
        "library_time",
        next(iter(nearest_load)),
        (),
        "the only process that loaded a TLS library at this time; no record of the connection itself"
        + ("" if clock.offset is not None else "; the clock of module loads is taken as right"),
    )


def _identify(host: str, guid: str | None, pid: int | None, image: str | None, known: Knowledge) -> ProcessId:
    """The process by its guid; for a pid alone, the only process that had the pid with this program."""
    if guid is None:
        fitting = [
            life for life in known.lives.get((host, process_place(pid, guid)), ()) if same_image(image, life.image())
        ]
        if len(fitting) == 1:
            return ProcessId(host, fitting[0].guid, pid, None if fitting[0].guid else fitting[0].start)
    return ProcessId(host, guid, pid)
