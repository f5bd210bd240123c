"""How far each source is with each host: what of its stream has surely come."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from enricher.join.changes import Changes
from enricher.join.hosts import Hosts
from enricher.join.keys import short_name
from enricher.join.live_keys import LiveKeys
from enricher.join.routing import split, text
from enricher.join.settings import LiveSettings
from enricher.join.store import Store
from enricher.join.waiting import Mark

_mark: Final = msgspec.msgpack.Decoder(Mark)

Latest = Mapping[tuple[str, str, str], float]
"""Source, host name and clock → time of the latest connection record."""


class Marks:
    """Marks of the hosts that a round is about."""

    def __init__(self, store: Store, keys: LiveKeys, live: LiveSettings) -> None:
        self._store = store
        self._keys = keys
        self._live = live
        self._marks: dict[str, dict[bytes, Mark]] = {}
        """Short name → source, name, clock → mark."""

    def move(self, latest: Latest, now: float, changes: Changes) -> None:
        """Sources came farther; all other marks are read anew when they are asked for."""
        self._marks.clear()
        self.load((host for _, host, _ in latest), None)
        for short, marks in self._marks.items():
            old = [
                field for field, mark in marks.items() if now - mark.arrived > self._store.settings.retention_seconds
            ]
            changes.unmark(short, old)
            for field in old:
                del marks[field]
        for (source, host, clock), ts in latest.items():
            field, marks = text(source, host, clock), self._marks[short_name(host)]
            last = marks[field].event if field in marks else ts
            # Farther back than a stream is disordered: its clock was set, or what came before was wrong.
            marks[field] = Mark(max(ts, last) if last - ts <= self._live.disorder_seconds else ts, now)
            changes.mark(short_name(host), field, marks[field])

    def load(self, names: Iterable[str], hosts: Hosts | None) -> None:
        """See to it that the marks of these hosts are known, under all their names."""
        every = {other for name in names for other in (name, *(hosts.names(name) if hosts else ()))}
        shorts = sorted({short_name(name) for name in every} - self._marks.keys())
        answers = self._store.read([("HGETALL", self._keys.marks(short)) for short in shorts])
        for short, flat in zip(shorts, answers, strict=True):
            found = zip(flat[::2], map(_read, flat[1::2]), strict=True)
            self._marks[short] = {field: mark for field, mark in found if mark and len(next(split([field]))) == 3}

    def passed(self, host: str, hosts: Hosts, now: float) -> float | None:
        """Up to what network time a host's connection records have come; None: not known."""
        ends = []
        for short in {short_name(name) for name in hosts.names(host)}:
            for field, mark in self._marks.get(short, {}).items():
                _, name, clock = next(split([field]))
                if hosts.canonical(name) == host and abs(now - mark.arrived) <= self._live.wait_seconds:
                    at, sure = hosts.to_network(host, clock, mark.event)
                    if not sure:
                        return None
                    ends.append(at)
        return min(ends) - self._live.disorder_seconds if ends else None


def _read(blob: bytes) -> Mark | None:
    try:
        return _mark.decode(blob)
    except msgspec.DecodeError:  # others can write under our keys
        return None
