"""What holds a severity down, whatever the score: no conjunction, no alarm; what could not be seen is said."""

from typing import Final, NamedTuple, get_args

from enricher.model.session import Session
from enricher.model.verdict import SEVERITIES, Leg, Legs, Severity
from enricher.verdict.settings import Thresholds


class Cap(NamedTuple):
    """The most that a severity may be, and why, as one sentence."""

    severity: Severity
    reason: str


_LEG_CAPS: Final[dict[tuple[Leg, str], Cap]] = {
    ("process", "absent"): Cap("medium", "The process is known to do TLS"),
    ("process", "unavailable"): Cap("medium", "Whether the process is one that does TLS could not be seen"),
    ("library", "absent"): Cap("medium", "The process was watched from its start and loaded no library of the list"),
    ("library", "unavailable"): Cap("medium", "The libraries of the process could not be seen"),
    ("session", "absent"): Cap("informational", "Handshake and certificate were seen and are not abnormal"),
}


def severity_of(score: int, thresholds: Thresholds) -> Severity:
    """The severity that a score alone would have."""
    reached = sum(score >= limit for limit in (thresholds.low, thresholds.medium, thresholds.high))
    return SEVERITIES[reached]


def lowest(first: Severity, *others: Severity) -> Severity:
    """The least of some severities."""
    return min((first, *others), key=SEVERITIES.index)


def caps(session: Session, legs: Legs, reached: Severity, *, decisive: bool, known_bad: bool) -> list[Cap]:
    """Every cap that applies.

    High needs all three legs, or two of them and decisive evidence (an injection or a known-bad hit), and a process
    that was named without doubt. Without decisive evidence, a session that is seen to be normal deserves no notice, and
    one of which nothing abnormal could be seen (TLS 1.3 hides every certificate) one severity less than the score
    `reached`; with it, one that is seen to be normal is still not high.
    """
    found = [*_doubtful_join(session, known_bad=known_bad)]
    present = sum(_state(legs, leg) == "present" for leg in get_args(Leg))
    if not decisive:
        keys = [(leg, _state(legs, leg)) for leg in get_args(Leg)]
        found += [_LEG_CAPS[key] for key in keys if key in _LEG_CAPS]
        if legs.session == "unavailable":
            found.append(Cap(_one_below(reached), "Whether handshake and certificate are abnormal could not be seen"))
    elif present < 2:
        found.append(Cap("medium", "Only one leg is present beside the decisive evidence"))
    elif legs.session == "absent":
        found.append(Cap("medium", _LEG_CAPS["session", "absent"].reason))
    return [Cap(cap.severity, f"{cap.reason}: severity at most {cap.severity}.") for cap in found]


def _one_below(severity: Severity) -> Severity:
    return SEVERITIES[max(0, SEVERITIES.index(severity) - 1)]


def _state(legs: Legs, leg: Leg) -> str:
    return str(getattr(legs, leg))


def _doubtful_join(session: Session, *, known_bad: bool) -> list[Cap]:
    found = []
    if session.process is None and len(session.candidates) > 1:
        found.append(Cap("medium", "More than one process could have opened the session"))
    elif session.process is None:
        found.append(Cap("medium" if known_bad else "low", "No process could be named"))
    if session.method == "bind":
        found.append(Cap("medium", "The process was found by the client's port alone"))
    if session.method == "library_time":
        found.append(Cap("medium", "The process was found by the time of a library load alone"))
    return found
