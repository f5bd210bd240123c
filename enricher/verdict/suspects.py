"""Sessions that several processes could have opened: only what holds for every one of them counts."""

from collections.abc import Sequence
from itertools import islice
from typing import Final, get_args

import msgspec

from enricher.model.session import Candidate, Process, Session
from enricher.model.verdict import Leg, Legs, LegState
from enricher.verdict.finding import Finding

_MAX_SUSPECTS: Final = 16
"""Of more than these we say nothing; a host that names so many processes for one connection tells nothing either."""
_MAX_TEXTS: Final = 3


def suspects(session: Session) -> tuple[Session, ...]:
    """The session once for each process that could have opened it; as it is, where that is one or none."""
    if session.process is not None or not 1 < len(session.candidates) <= _MAX_SUSPECTS:
        return (session,)
    return tuple(msgspec.structs.replace(session, process=_process(each)) for each in session.candidates)


def _process(candidate: Candidate) -> Process:
    return candidate.process or Process(guid=candidate.guid, pid=candidate.pid, image=candidate.image)


def common(findings: Sequence[Finding | None]) -> Finding | None:
    """The first suspect's finding, told for each; None when one has none."""
    found = [finding for finding in findings if finding is not None]
    if len(found) < len(findings):
        return None
    texts = dict.fromkeys(finding.text for finding in found)
    return found[0]._replace(text=" ".join(islice(texts, _MAX_TEXTS)))


def agreed(states: Sequence[Legs]) -> Legs:
    """The state of each leg where all suspects agree; where they do not, it cannot be told."""
    found: dict[Leg, LegState] = {}
    for leg in get_args(Leg):
        (first, *others) = {getattr(each, leg) for each in states}
        found[leg] = "unavailable" if others else first
    return Legs(**found)
