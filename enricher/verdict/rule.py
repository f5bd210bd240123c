"""What an evidence is before it is weighed: an id, a leg, and a function that finds it in a case."""

from collections.abc import Callable
from typing import NamedTuple

from enricher.model.verdict import Leg
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding


class Rule(NamedTuple):
    """One evidence. `find` gives None both for "not so" and for "not known": silence weighs nothing."""

    id: str
    leg: Leg
    find: Callable[[Case], Finding | None]
