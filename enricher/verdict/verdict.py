"""Weighs the evidence on one session."""

from typing import Final, get_args

from enricher.model.session import Session
from enricher.model.text import visible
from enricher.model.verdict import Evidence, Leg, Verdict
from enricher.verdict.case import Case, case
from enricher.verdict.catalogue import RULES
from enricher.verdict.gaps import gaps
from enricher.verdict.gates import caps, lowest, severity_of
from enricher.verdict.legs import legs
from enricher.verdict.settings import MAX_POINTS, VerdictSettings, Weights
from enricher.verdict.suspects import agreed, common, suspects

KNOWN_BAD: Final = frozenset({"known_bad_certificate", "known_bad_fingerprint"})

_LEG_ORDER: Final[tuple[Leg, ...]] = get_args(Leg)


def judge(session: Session, settings: VerdictSettings) -> Verdict:
    """Find all evidence, add it up leg by leg, and hold the severity to what the legs carry."""
    weights = settings.weights
    suspected = tuple(case(each, settings) for each in suspects(session))
    evidence = _evidence(suspected, weights)
    states = agreed([legs(each, evidence, weights) for each in suspected])
    total = score(evidence, weights)
    reached = severity_of(total, weights.severity)
    ids = {found.id for found in evidence}
    held = caps(
        session,
        states,
        reached,
        decisive=any(weights.evidence[found].decisive for found in ids),
        known_bad=not KNOWN_BAD.isdisjoint(ids),
    )
    return Verdict(
        evidence=evidence,
        legs=states,
        score=total,
        severity=lowest(reached, *(cap.severity for cap in held)),
        unseen=tuple(sorted({*gaps(suspected, states), *(cap.reason for cap in held)})),
    )


def score(evidence: tuple[Evidence, ...], weights: Weights) -> int:
    """Points of all legs, each held to its cap, and of decisive evidence beside them; 0 to 100."""
    total = 0
    for leg in _LEG_ORDER:
        found = [e for e in evidence if e.leg == leg]
        decisive = sum(e.weight for e in found if weights.evidence[e.id].decisive)
        cap: int = getattr(weights.leg_cap, leg)
        total += min(cap, sum(e.weight for e in found) - decisive) + decisive
    return max(0, min(MAX_POINTS, total))


def _evidence(suspected: tuple[Case, ...], weights: Weights) -> tuple[Evidence, ...]:
    """What holds whoever opened the session; sorted by leg, then heaviest first."""
    found = []
    first, *others = suspected
    for rule in RULES.values():
        finding = rule.find(first)
        if finding is not None:  # which it seldom is
            finding = common([finding, *map(rule.find, others)])
        if finding is not None:
            found.append(
                Evidence(
                    id=rule.id,
                    leg=rule.leg,
                    weight=weights.evidence[rule.id].points,
                    text=visible(finding.text),
                    ts=finding.ts,
                    offset=finding.offset,
                    source=None if finding.source is None else visible(finding.source),
                )
            )
    return tuple(sorted(found, key=evidence_order))


def evidence_order(found: Evidence) -> tuple[int, int, str]:
    """Sort key: by leg, then heaviest first, then by id."""
    return _LEG_ORDER.index(found.leg), -found.weight, found.id
