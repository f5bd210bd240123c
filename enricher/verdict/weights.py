"""Reads weights: the packaged ones, and a user's over them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from enricher.errors import ConfigError
from enricher.verdict.catalogue import RULES
from enricher.verdict.settings import LegCaps, Points, Thresholds, Weight, Weights
from enricher.verdict.tables import convert, tree

_USERS: Final = {"reason": "set in the configuration"}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    severity: Thresholds
    leg_cap: LegCaps
    session_leg: Points
    evidence: dict[str, dict[str, Any]] = {}


def parse_weights(packaged: bytes, user: bytes | Mapping[str, Any] | None = None) -> Weights:
    """Read the packaged weights and lay a user's TOML over them; the user names only what differs.

    Raises:
        ConfigError: not TOML; an id no evidence has; an evidence without weight; a value out of range; thresholds that
            do not rise; or a leg whose cap alone reaches `low`, because no leg alone deserves a notice.
    """
    base = tree(packaged, "packaged weights")
    file = convert(_laid_over(base, tree(user or {}, "weights")), _File, "weights")
    for name in sorted(file.evidence.keys() - RULES.keys()):
        raise ConfigError(f"weights: no evidence is called {name!r}", "see weights.toml for every id")
    for name in sorted(RULES.keys() - file.evidence.keys()):
        raise ConfigError(f"weights: evidence {name!r} has none", "give it points and a reason")
    return _checked(
        Weights(
            evidence={name: convert(entry, Weight, f"weight of {name!r}") for name, entry in file.evidence.items()},
            severity=file.severity,
            leg_cap=file.leg_cap,
            session_leg=file.session_leg,
        )
    )


def _laid_over(base: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """User's values over ours; an evidence whose points change has no longer our reason."""
    merged = {**base, **user}
    for key in ("severity", "leg_cap", "evidence"):
        ours, theirs = base.get(key, {}), user.get(key, {})
        if isinstance(theirs, Mapping):
            merged[key] = {**ours, **theirs}
    for name, change in merged["evidence"].items() if isinstance(merged["evidence"], Mapping) else ():
        ours = base["evidence"].get(name, {})
        if change is not ours and isinstance(change, Mapping):
            merged["evidence"][name] = {**ours, **_USERS, **change}
    return merged


def _checked(weights: Weights) -> Weights:
    severity, cap = weights.severity, weights.leg_cap
    if not severity.low < severity.medium < severity.high:
        raise ConfigError("weights: severities must rise from low over medium to high", "correct [severity]")
    if max(cap.process, cap.library, cap.session) >= severity.low:
        raise ConfigError("weights: the cap of one leg reaches severity low", "no leg alone deserves a notice")
    return weights
