"""What every anomaly's function gets, and words that several of them use."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from enricher.model.observation import Observation, Prevalence
from enricher.sensor.lists import Lists
from enricher.sensor.thresholds import Thresholds

DAY: Final = 86400.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Case(NamedTuple):
    """One observation and what it is judged by."""

    observation: Observation
    thresholds: Thresholds
    lists: Lists
    prevalence: Prevalence | None


Rule = Callable[[Case], str | None]
"""The fact that makes an observation abnormal; None: it is not, or nobody can know."""


def lifetime(observation: Observation) -> float | None:
    """Seconds from the leaf's first valid moment to its last; negative when they are the wrong way round."""
    start, end = observation.cert_not_valid_before, observation.cert_not_valid_after
    if start is None or end is None or not (math.isfinite(start) and math.isfinite(end)):
        return None
    return end - start


def date(ts: float) -> str:
    """A UTC date, or the number where no calendar reaches."""
    try:
        return (_EPOCH + timedelta(seconds=ts)).date().isoformat()
    except (OverflowError, ValueError):
        return f"{ts:g}"


def days(seconds: float) -> str:
    """A duration in whole days, or hours below two days."""
    if abs(seconds) < 2 * DAY:
        return f"{seconds / 3600:.0f} hours"
    return f"{seconds / DAY:.0f} days"


def datagram(observation: Observation) -> bool:
    """Whether this is DTLS, which media and games speak without server names and on any port.

    Before the server answers, the client's fingerprint says it.
    """
    return (observation.version or "").startswith("DTLS") or (observation.ja4 or "").startswith("d")
