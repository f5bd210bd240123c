"""The states of the three legs. present: seen and so. absent: seen and not so. unavailable: could not be seen."""

from typing import Final

from enricher.model.verdict import Evidence, Legs, LegState
from enricher.verdict.case import Case
from enricher.verdict.settings import Weights

_PROCESS: Final[dict[str, LegState]] = {
    "full": "absent",
    "partly": "unavailable",
    "contradicted": "present",
    "tampered": "present",
    "none": "present",
}


def legs(case: Case, evidence: tuple[Evidence, ...], weights: Weights) -> Legs:
    """Judge every leg for itself."""
    return Legs(
        process=_process(case),
        library=_library(case),
        session=_session(case, evidence, weights),
    )


def _process(case: Case) -> LegState:
    """Present: a process that is not known to do TLS. A known one with facts unseen is neither."""
    process = case.session.process
    if process is None or not process.image:
        return "unavailable"
    return _PROCESS[case.known.state]


def _library(case: Case) -> LegState:
    """Present: a TLS or crypto library was loaded.

    Absent only for a process that was watched: its host reports loads, its creation was seen, and so was a load of
    its own (of its image, which tells the signer). Even then a static stack is possible, so absent is a fact for
    the analyst and no innocence: it weighs nothing and holds the severity as unavailable does.
    """
    process = case.session.process
    if process is None:
        return "unavailable"
    if case.libraries:
        return "present"
    loads_seen = process.signed is not None or bool(process.libraries)
    watched = case.session.coverage.module_load and process.start_source is not None and loads_seen
    return "absent" if watched else "unavailable"


def _session(case: Case, evidence: tuple[Evidence, ...], weights: Weights) -> LegState:
    """Present: anomalies of some weight. Absent: ClientHello and a validated chain were seen, and little is odd."""
    if sum(found.weight for found in evidence if found.leg == "session") >= weights.session_leg:
        return "present"
    seen = case.session.observation
    judged = seen.anomalies is not None and seen.validation_code is not None
    return "absent" if judged and seen.cert_visible and seen.client_hello_seen else "unavailable"
