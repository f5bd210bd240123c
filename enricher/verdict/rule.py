"""What an evidence is before it is weighed: an id, a leg, and a function that finds it in a session."""

from collections.abc import Callable
from typing import NamedTuple

from enricher.model.session import Session
from enricher.model.verdict import Leg
from enricher.verdict.settings import VerdictSettings


class Finding(NamedTuple):
    """What was found: one sentence, and the record that proves it."""

    text: str
    ts: float | None = None
    """Time of that record by its own clock."""
    offset: float | None = None
    """Seconds to add to `ts` to get network time; None: not known."""
    source: str | None = None


class Rule(NamedTuple):
    """One evidence. `find` gives None both for "not so" and for "not known": silence weighs nothing."""

    id: str
    leg: Leg
    find: Callable[[Session, VerdictSettings], Finding | None]
