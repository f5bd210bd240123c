"""What a round tells: rows of the ledger, and notices made anew from all their sessions.

Rows are told of buckets that we hold. A notice has sessions in any number of buckets: those that another worker is at
are only read; the notice is then due once more, by when the other is done.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

import msgspec

from enricher.join.changes import Changes, Told
from enricher.join.live import LiveJoin, Look
from enricher.join.live_keys import Bucket
from enricher.join.waiting import FOUND, Standing, deadline, disposed, first_seen, identities, ripe, settles
from enricher.model.session import Session
from enricher.model.verdict import SEVERITIES, LedgerRow, Notice, Severity, Verdict
from enricher.service.engine import Engine
from enricher.service.live.ledger import Booked, booked, digest, duplicate
from enricher.verdict import ledger_row, notice_id, notices

_PAGE: Final = 512
"""Buckets judged together."""

GROUPS: Final = 256
"""Notices made together."""


class Entry(NamedTuple):
    """A session as it is judged in this round."""

    id: str
    session: Session
    verdict: Verdict
    old: Standing
    notice: str
    """Id of the notice that it belongs to, whether or not one is written."""
    content: bytes
    told: bool
    """Its time has come; else it waits."""

    @property
    def changed(self) -> bool:
        """Told for the first time, or otherwise than before."""
        return self.told and (self.content != self.old.content or not self.old.revision)


class Held(NamedTuple):
    """A bucket in this round."""

    entries: list[Entry]
    gone: dict[str, Standing]
    """What was told of sessions that are none any more."""
    ours: bool = True
    """False: another worker is at it, and tells of it."""


class Round:
    """One round over some buckets."""

    def __init__(
        self, engine: Engine, join: LiveJoin, changes: Changes, now: float, *, everything: bool = False
    ) -> None:
        """Begin.

        Args:
            engine: the rooms.
            join: the store, in which what is judged is held.
            changes: what is to be written when all is told.
            now: our clock.
            everything: nothing waits any longer, and each notice is told as it is now.
        """
        self._engine = engine
        self._join = join
        self._changes = changes
        self.announcement = join.changes(now)
        """What is to be written before anything is told."""
        self._membership = join.changes(now)
        """What is to be written before it is asked what was told."""
        self._now = now
        self._everything = everything
        self._least = SEVERITIES.index(engine.config.verdict.min_severity)
        self._held: dict[Bucket, Held] = {}
        self._told: dict[str, Told | None] = {}

    def judge(self, buckets: Iterable[Bucket], *, ours: bool = True) -> set[str]:
        """Judge the sessions of buckets that we hold, or not; ids of the notices that may have changed."""
        touched: set[str] = set()
        wanted = sorted(set(buckets) - self._held.keys())
        for start in range(0, len(wanted), _PAGE):
            page = wanted[start : start + _PAGE]
            looks = {look.bucket: look for look in self._join.look(page, self._now, self._changes if ours else None)}
            entries = self._entries(looks.values())
            for bucket in page:
                held = self._held[bucket] = _held(looks.get(bucket), entries.get(bucket, []), ours=ours)
                for entry in held.entries:
                    if entry.changed and ours:
                        touched |= {entry.notice, entry.old.notice}
                        self._membership.member(entry.notice, bucket)
                touched |= {standing.notice for standing in held.gone.values()}
        return touched - {""} if ours else set()

    def choose(self, touched: set[str], due: Sequence[str] = ()) -> list[str]:
        """Which notices are told now, and are ours therefore; the others' times are noted.

        A first notice and one that gets worse are told at once, others in their turn.
        """
        wanted = self._wanted(touched) | set(due)
        ours = self._join.claim(wanted)
        for notice in sorted((wanted & touched) - ours):  # who is at it may not know of what we know
            self._changes.due(notice, self._now)
        self._told = {notice: told for notice, told in self._told.items() if notice not in ours}
        self._recall(ours)
        worst = self._worst()
        chosen = ours.intersection(due)
        for notice in sorted((ours & touched) - chosen):
            last, severity = self._told[notice], worst.get(notice, -1)
            if last is None:
                at = self._now if severity >= self._least else inf
            elif severity > _rank(last.notice.severity):
                at = self._now
            else:
                at = min(last.at, self._now) + self._join.live.repeat_seconds
            if at <= self._now:
                chosen.add(notice)
            elif at < inf:
                self._changes.due(notice, at)
        for notice in sorted(chosen)[GROUPS:]:
            self._changes.due(notice, self._now)
        return sorted(chosen)[:GROUPS]

    def postpone(self, touched: set[str]) -> None:
        """Tell these notices in a later round."""
        for notice in sorted(self._wanted(touched)):
            self._changes.due(notice, self._now)

    def make(self, chosen: Sequence[str]) -> list[Notice]:
        """The chosen notices, from all their sessions, as far as they are new or changed."""
        self._join.notices.begin(chosen, self._now)
        members = self._join.notices.members(chosen)
        buckets = set().union(*members.values())
        ours = self._join.hold(buckets - self._held.keys())
        self.postpone(self.judge(ours) - set(chosen))
        self.judge(buckets, ours=False)
        groups: dict[str, list[tuple[Session, Verdict]]] = {notice: [] for notice in chosen}
        for held in self._held.values():
            for entry in held.entries:
                if entry.told and entry.notice in groups:
                    groups[entry.notice].append((entry.session, entry.verdict))
        made: list[Notice] = []
        for id_, group in groups.items():
            last = self._told[id_]
            found = next(iter(notices(group, self._engine.verdict_settings)), None)
            new = _revised(found, last, kept=any(self._held[bucket].entries for bucket in members[id_]))
            if new is not None:
                made.append(new)
                self.announcement.announce(new)
                self._told[id_] = Told(self._now, new)
            self._changes.told(id_, self._told[id_] if new else None)
            if all(self._held[bucket].ours for bucket in members[id_]):
                self._changes.done(id_)
            else:  # its rows there may not name the notice yet
                self._changes.due(id_, self._now)
        return made

    def rows(self) -> list[Booked]:
        """Rows that are new or changed; what was told of every session is noted."""
        ours = {bucket: held for bucket, held in self._held.items() if held.ours}
        self._recall({entry.notice for held in ours.values() for entry in held.entries if entry.told})
        written: list[Booked] = []
        for bucket, held in ours.items():
            standings: dict[str, Standing | None] = {}
            for entry in held.entries:
                standing, row = self._stand(entry)
                standings[entry.id] = standing
                if row is not None:
                    written.append(booked(row, standing.revision))
                    about = msgspec.structs.replace(standing, content=b"", row=b"")
                    self.announcement.standings(bucket, {entry.id: about})
                    if entry.old.notice not in ("", entry.notice):  # which forgets where it was
                        self.announcement.due(entry.old.notice, self._now)
            for id_, old in held.gone.items():
                standings[id_] = None
                if old.revision:
                    instead = held.entries[0].session if held.entries else None
                    written.append(booked(duplicate(id_, instead), old.revision + 1))
            self._changes.standings(bucket, standings)
            self._schedule(bucket, held, [s for s in standings.values() if s is not None])
        return written

    def _entries(self, looks: Iterable[Look]) -> dict[Bucket, list[Entry]]:
        looks = list(looks)
        ja4s = {s.observation.ja4 for look in looks for s in look.sessions if s.observation.ja4}
        common = self._join.prevalence(sorted(ja4s))
        found: dict[Bucket, list[Entry]] = {}
        for look in looks:
            found[look.bucket] = entries = []
            for session, id_ in zip(look.sessions, identities(look.sessions), strict=True):
                seen = session.observation
                old = first_seen(look.standings.get(id_), self._now)
                judged = self._engine.judge(seen, common.get(seen.ja4) if seen.ja4 else None)
                session = disposed(msgspec.structs.replace(session, observation=judged), old)  # noqa: PLW2901
                verdict = self._engine.verdict(session)
                passed = inf if self._everything else self._join.passed(session.host, self._now)
                told = ripe(session, old, now=self._now, passed=passed, live=self._join.live)
                content = digest((session, verdict))
                entries.append(Entry(id_, session, verdict, old, notice_id(session), content, told))
        return found

    def _wanted(self, touched: set[str]) -> set[str]:
        """Those of the touched notices that are told, were told, or are being told."""
        self._join.announce(self._membership)  # from now on, who tells one of these sees our sessions
        self._membership = self._join.changes(self._now)
        begun = self._join.notices.begun(sorted(touched))
        self._recall(touched)
        worst = self._worst()
        return {n for n in touched if n in begun or self._told[n] is not None or worst.get(n, -1) >= self._least}

    def _recall(self, ids: set[str]) -> None:
        missing = sorted(ids - self._told.keys())
        found = self._join.notices.told(missing)
        self._told.update((id_, found.get(id_)) for id_ in missing)

    def _worst(self) -> dict[str, int]:
        """The worst severity of the sessions at hand, by notice."""
        worst: dict[str, int] = {}
        for held in self._held.values():
            for entry in held.entries:
                if entry.told:
                    worst[entry.notice] = max(worst.get(entry.notice, -1), _rank(entry.verdict.severity))
        return worst

    def _stand(self, entry: Entry) -> tuple[Standing, LedgerRow | None]:
        """What is now told of a session, and its row if that is new."""
        old = entry.old
        if not entry.told:
            return Standing(old.arrived, awaits=entry.session.host), None
        last = self._told[entry.notice]
        row = ledger_row(entry.session, entry.verdict, entry.notice if last is not None and last.notice.count else None)
        written = digest(row)
        unfound = old.unfound or (entry.session.disposition not in FOUND and entry.session.disposition != "late")
        revision = old.revision + (written != old.row)
        new = Standing(old.arrived, revision, unfound, entry.notice, entry.content, written)
        return new, row if written != old.row else None

    def _schedule(self, bucket: Bucket, held: Held, standings: Sequence[Standing]) -> None:
        """When to look at a bucket again."""
        live, changes = self._join.live, self._changes
        waiting = [entry for entry in held.entries if not entry.told]
        changes.waits(bucket, min((deadline(entry.old, live) for entry in waiting), default=None))
        hosts = {entry.old.awaits for entry in held.entries} | {entry.session.host for entry in waiting}
        for host in sorted(host for host in hosts if host is not None):
            times = [entry.session.observation.ts for entry in waiting if entry.session.host == host]
            changes.awaits(bucket, host, min(times, default=None))
        at = max((settles(standing, live) for standing in standings), default=0.0)
        changes.settles(bucket, at if at > self._now else None)


def _held(look: Look | None, entries: list[Entry], *, ours: bool) -> Held:
    ids = {entry.id for entry in entries}
    gone = {id_: standing for id_, standing in look.standings.items() if id_ not in ids} if look else {}
    return Held(entries, gone, ours)


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)


def _revised(found: Notice | None, told: Told | None, *, kept: bool) -> Notice | None:
    """What is to be told; None: nothing new. `kept`: something is kept of where its sessions were."""
    if told is None:
        return found
    last = told.notice
    if found is None:
        new = withdrawn(last) if last.count and kept else last
    else:
        same = msgspec.structs.replace(found, revision=last.revision)
        new = last if same == last else msgspec.structs.replace(found, revision=last.revision + 1)
    return new if new is not last or not told.sent else None


def withdrawn(last: Notice) -> Notice:
    """A notice none of whose sessions is its own any more: they belong to another process, or are harmless."""
    return msgspec.structs.replace(
        last,
        revision=last.revision + 1,
        severity="informational",
        score=0,
        count=0,
        sessions=(),
        evidence=(),
        summary="Withdrawn: later evidence gives these sessions to another process, or speaks for it.",
    )
