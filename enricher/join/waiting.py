"""Whether a session is told now or waits, and what was told of it. Pure: the time is given."""

from collections.abc import Iterable
from typing import Final

import msgspec

from enricher.join.routing import SEP
from enricher.join.settings import LiveSettings
from enricher.model.observation import Observation
from enricher.model.session import Session

FOUND: Final = ("matched", "ambiguous")
"""What is told at once; anything else may only mean that the endpoint's record is still on its way."""


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """What was told of one session."""

    arrived: float
    """When we first saw it, by our own clock."""
    revision: int = 0
    """How often its ledger row was written; 0: it waits."""
    unfound: bool = False
    """It was told without a process: a match from now on is late."""
    notice: str = ""
    """Id of the notice that it belongs to, whether or not one is written."""
    content: bytes = b""
    """Digest of session and verdict as told."""
    row: bytes = b""
    """Digest of the ledger row as written."""
    awaits: str | None = None
    """The host whose records it waits for."""


def first_seen(standing: Standing | None, now: float) -> Standing:
    """What was told, if anything was; of what came later than now, our clock was wrong then."""
    if standing is None:
        return Standing(now)
    return standing if standing.arrived <= now else msgspec.structs.replace(standing, arrived=now)


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far one source is with one clock of a host."""

    event: float
    """Time of the latest connection record, by that clock."""
    arrived: float
    """When it came, by ours."""


def identities(sessions: Iterable[Session]) -> list[str]:
    """What each session of a bucket is known by.

    Not by its protocol: of one from ssl.log, another log may yet tell that it is not TCP. Only where two sessions have
    all else in common, which takes two sensors that differ, it tells the second from the first.
    """
    found: dict[str, None] = {}
    for session in sessions:
        id_ = name(session.observation)
        found[f"{id_}{SEP}{session.observation.proto}" if id_ in found else id_] = None
    return list(found)


def name(o: Observation) -> str:
    """What the session of an observation is known by, whichever sensor tells of it."""
    return SEP.join((o.uid, o.orig_h, str(o.orig_p), o.resp_h, str(o.resp_p)))


def is_identity(text: str) -> bool:
    """Whether it is one that `identities` makes: others can write where they are kept."""
    parts = text.split(SEP)
    return len(parts) in (5, 6) and parts[2].isdecimal() and parts[4].isdecimal()


def ripe(session: Session, standing: Standing, *, now: float, passed: float | None, live: LiveSettings) -> bool:
    """Whether the session is told now.

    Args:
        session: what is known of it.
        standing: what was told of it.
        now: our clock.
        passed: up to what network time the host's connection records have come for certain; None: not known.
        live: how long it may wait.
    """
    return (
        standing.revision > 0
        or session.disposition in FOUND
        or now >= deadline(standing, live)
        or (passed is not None and passed >= session.observation.ts)
    )


def deadline(standing: Standing, live: LiveSettings) -> float:
    """Until when it waits at most."""
    return standing.arrived + live.wait_seconds


def settles(standing: Standing, live: LiveSettings) -> float:
    """When it is judged once more."""
    return standing.arrived + live.settle_seconds


def disposed(session: Session, standing: Standing) -> Session:
    """A match after it was told without one is late."""
    if standing.unfound and session.disposition == "matched":
        return msgspec.structs.replace(session, disposition="late")
    return session
