"""Writes anomalies.md from weights, code and anomalies.toml: python docs/anomalies_reference.py."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from enricher.model.anomaly import ANOMALIES
from enricher.sensor.anomalies import RULES as ANOMALY_RULES
from enricher.verdict import parse_weights
from enricher.verdict.catalogue import RULES
from enricher.verdict.settings import Weight, Weights

HERE: Final = Path(__file__).resolve().parent
TARGET: Final = HERE / "anomalies.md"
WRITTEN: Final = HERE / "anomalies.toml"
WEIGHTS: Final = HERE.parent / "enricher" / "verdict" / "weights.toml"
_HEAD: Final = """# Anomalies and evidence

Every reason that a notice can give: what it means, what it weighs and why, who causes it innocently, and what to set
then. Written by `docs/anomalies_reference.py` from [weights.toml](../enricher/verdict/weights.toml) and the code;
what is innocent and what to set is written by hand, in [anomalies.toml](anomalies.toml).

An anomaly is an evidence on the session leg, under the same id. Points are added up, for each leg to its cap at most:
process {process}, library {library}, session {session}. Decisive evidence counts beside the cap. Severity is low from
{low} points, medium from {medium}, high from {high}, and [held down by what is not there](output.md#noticesjsonl).
The session leg is present from {session_leg} points of anomalies.

To change a weight, say `[verdict.weights.evidence.ID]` with `points`, as in
[configuration.md](configuration.md#what-a-verdict-weighs). Before that, ask whether what you see can be explained: an
authority in `sensor.ca_bundle`, a program in `[[verdict.programs.program]]` and a port in
`sensor.thresholds.usual_ports` remove the innocent cases and keep the others.
"""
_LEGS: Final = {
    "process": "Process: is this a program that normally does TLS?",
    "library": "Library: did it load a TLS or crypto library, and when?",
    "certificate": "Session: the certificate",
    "handshake": "Session: the handshake",
    "session": "Session: what several anomalies mean together",
}


def document() -> str:
    """The whole file.

    Raises:
        KeyError: an evidence has no entry in anomalies.toml, or an entry no evidence.
    """
    weights = parse_weights(WEIGHTS.read_bytes())
    written = tomllib.loads(WRITTEN.read_text("utf-8"))
    if unmatched := written.keys() ^ RULES.keys():
        raise KeyError(", ".join(sorted(unmatched)))
    return _head(weights) + "".join(
        f"\n## {heading}\n" + "".join(_entry(i, weights.evidence[i], written[i]) for i in RULES if _group(i) == group)
        for group, heading in _LEGS.items()
    )


def _head(weights: Weights) -> str:
    cap, severity = weights.leg_cap, weights.severity
    return _HEAD.format(
        process=cap.process,
        library=cap.library,
        session=cap.session,
        low=severity.low,
        medium=severity.medium,
        high=severity.high,
        session_leg=weights.session_leg,
    )


def _group(identifier: str) -> str:
    return ANOMALIES.get(identifier, RULES[identifier].leg)


def _entry(identifier: str, weight: Weight, written: Mapping[str, str]) -> str:
    decisive = ", decisive" if weight.decisive else ""
    when = (ANOMALY_RULES[identifier].__doc__ or "") if identifier in ANOMALIES else ""
    meaning = f"{' '.join(when.split())}\n\n" if when else ""
    return (
        f"\n### `{identifier}`\n\n{meaning}"
        f"- Points: {weight.points}{decisive}. {weight.reason}\n"
        f"- Innocent causes: {written['innocent']}\n"
        f"- Tuning: {written['tuning']}\n"
    )


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
