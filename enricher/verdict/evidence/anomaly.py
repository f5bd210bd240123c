"""Session leg: one evidence for each anomaly, under the anomaly's own id, and what some of them mean together."""

from typing import Final

from enricher.errors import RegistryError
from enricher.model.anomaly import ANOMALIES
from enricher.model.session import Session
from enricher.model.text import visible
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding
from enricher.verdict.phrases import ANOMALY_PHRASES
from enricher.verdict.rule import Rule

_SELF_MADE: Final = frozenset({"self_signed", "self_issued"})


def _found(session: Session, text: str) -> Finding:
    return Finding(text, session.observation.ts, 0.0, session.observation.source)


def _fact(session: Session, anomaly: str) -> str:
    """The fact that triggered an anomaly, if the sensor gave one for each."""
    ids, facts = session.observation.anomalies or (), session.observation.anomaly_facts or ()
    return dict(zip(ids, facts, strict=True)).get(anomaly, "") if len(ids) == len(facts) else ""


def _rule(anomaly: str) -> Rule:
    if anomaly not in ANOMALY_PHRASES:
        raise RegistryError(f"anomaly {anomaly!r} has no words", "add a phrase for it")
    sentence = f"The session has {ANOMALY_PHRASES[anomaly]}"

    def find(case: Case) -> Finding | None:
        if anomaly not in (case.session.observation.anomalies or ()):
            return None
        fact = _fact(case.session, anomaly)
        return _found(case.session, f"{sentence}: {visible(fact, 200)}." if fact else f"{sentence}.")

    return Rule(anomaly, "session", find)


def _together(identifier: str, anomaly: str, text: str) -> Rule:
    def find(case: Case) -> Finding | None:
        anomalies = set(case.session.observation.anomalies or ())
        return _found(case.session, text) if anomaly in anomalies and anomalies & _SELF_MADE else None

    return Rule(identifier, "session", find)


RULES: Final = (
    *map(_rule, ANOMALIES),
    _together("self_made_on_unusual_port", "unusual_port", "A certificate made by its owner serves an unusual port."),
    _together(
        "self_made_without_name", "no_sni", "A certificate made by its owner was accepted without asking a name."
    ),
)
