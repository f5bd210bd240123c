"""Learns clock offsets from connections that leave no doubt. Pure."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from enricher.join.clocks import Sample
from enricher.join.hosts import Hosts
from enricher.join.keys import process_place
from enricher.join.match import is_opener
from enricher.join.process import Life
from enricher.join.settings import JoinSettings
from enricher.model.endpoint import ModuleLoad, NetworkConnect
from enricher.model.library import tier
from enricher.model.observation import Observation

_PROCESSES = 256
"""Processes per host whose library loads are compared with their first session."""


class FirstSession(NamedTuple):
    """A process that certainly opened a session, and its earliest one."""

    place: int | str
    guid: str | None
    ts: float


class Lesson(msgspec.Struct, frozen=True, array_like=True):
    """What some 5-tuples told of one host's clocks: kept, and taken in again later."""

    host: str
    certain: list[tuple[str, Sample]]
    """Clock, sample."""
    probable: list[tuple[str, Sample]]
    first: list[FirstSession]


class Learning:
    """Collects samples 5-tuple by 5-tuple; the outcome depends on what was collected, in the order of the buckets."""

    def __init__(self, hosts: Hosts, settings: JoinSettings) -> None:
        self._hosts = hosts
        self._most = settings.clock_samples
        self.certain: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
        self.probable: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
        self._first: defaultdict[str, dict[tuple[int | str, str | None], float]] = defaultdict(dict)

    def add(self, sessions: Sequence[Observation], records: Sequence[NetworkConnect]) -> None:
        """Take what one 5-tuple tells.

        One session and one process that says it opened it: each of its clocks gets a certain sample. More of either:
        every pair is probable.
        """
        times: defaultdict[tuple[str, str], set[float]] = defaultdict(set)
        processes = set()
        for record in records:
            if is_opener(record, sessions[0]):
                host = self._hosts.canonical(record.host)
                times[host, record.clock].add(record.ts)
                processes.add((host, process_place(record.pid, record.guid), record.guid))
        named = {(host, place) for host, place, _ in processes}
        guids = {guid for _, _, guid in processes if guid}
        if len(named) == 1 and len(guids) <= 1 and len(sessions) == 1:
            (host, place), o = named.pop(), sessions[0]
            self._note_first(host, place, guids.pop() if guids else None, o.ts)
            if all(len(ts) == 1 for ts in times.values()):
                for key, ts in times.items():
                    self._keep(self.certain[key], Sample(o.ts, next(iter(ts))))
                return
        if len(sessions) * len(records) > self._most:
            return
        tuple_id = min((o.uid for o in sessions), default="")
        for key, ts in times.items():
            for o in sessions:
                for event in sorted(ts):
                    self._keep(self.probable[key], Sample(o.ts, event, tuple_id))

    def lessons(self) -> list[Lesson]:
        """All that was learned, by host."""
        found: dict[str, Lesson] = {}
        of: Callable[[str], Lesson] = lambda host: found.setdefault(host, Lesson(host, [], [], []))  # noqa: E731
        for (host, clock), samples in self.certain.items():
            of(host).certain.extend((clock, sample) for sample in samples)
        for (host, clock), samples in self.probable.items():
            of(host).probable.extend((clock, sample) for sample in samples)
        for host, first in self._first.items():
            of(host).first.extend(FirstSession(place, guid, ts) for (place, guid), ts in first.items())
        return list(found.values())

    def recall(self, lesson: Lesson) -> None:
        """Take in what was learned before."""
        host = self._hosts.canonical(lesson.host)
        for clock, sample in lesson.certain:
            self._keep(self.certain[host, clock], sample)
        for clock, sample in lesson.probable:
            self._keep(self.probable[host, clock], sample)
        for first in lesson.first:
            self._note_first(host, first.place, first.guid, first.ts)

    def _keep(self, samples: list[Sample], sample: Sample) -> None:
        """Beyond the bound every second sample goes: offsets change rarely, and an even spread serves any time."""
        samples.append(sample)
        if len(samples) >= 2 * self._most:
            samples.sort()
            del samples[::2]

    def _note_first(self, host: str, place: int | str, guid: str | None, ts: float) -> None:
        first = self._first[host]
        key = (place, guid)
        if key in first or len(first) < 16 * _PROCESSES:
            first[key] = min(ts, first.get(key, ts))

    def first_sessions(self) -> dict[str, list[FirstSession]]:
        """For each host: processes and their first sessions, the earliest ones."""
        return {
            host: sorted((FirstSession(p, g, ts) for (p, g), ts in first.items()), key=lambda s: (s.ts, str(s)))[
                :_PROCESSES
            ]
            for host, first in sorted(self._first.items())
        }


def module_delta(first: FirstSession, there: Sequence[Life]) -> float | None:
    """Seconds from a process's first telling library load to its first session; None when it reported no such load."""
    for life in there:
        if life.guid == first.guid:
            loads = [
                e.ts for e in life.events if isinstance(e, ModuleLoad) and tier(e.image_loaded) not in (None, "context")
            ]
            return first.ts - min(loads) if loads else None
    return None
