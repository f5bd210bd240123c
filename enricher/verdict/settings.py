"""What a verdict depends on besides the session: plain values, parsed elsewhere."""

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from enricher.model.verdict import Severity

MAX_POINTS = 100
"""A weight lies between minus and plus this; a score between 0 and this."""


class Weight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one evidence counts, and why."""

    points: Annotated[int, msgspec.Meta(ge=-MAX_POINTS, le=MAX_POINTS)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    decisive: bool = False
    """Counts beside the leg's cap, and with two legs present opens the gate to high."""


Points = Annotated[int, msgspec.Meta(ge=1, le=MAX_POINTS)]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scores from which a severity begins; below low is informational."""

    low: Points
    medium: Points
    high: Points


class LegCaps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most points that one leg's evidence may add, so that much of one kind does not stand for another."""

    process: Points
    library: Points
    session: Points


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The weight of every evidence, and how points become a severity."""

    evidence: Mapping[str, Weight]
    severity: Thresholds
    leg_cap: LegCaps
    session_leg: Points
    """Points of anomalies from which a session counts as abnormal."""


class KnownProgram(msgspec.Struct, frozen=True, kw_only=True):
    """A program known to do TLS; it is recognised by all of its facts together, never by its name."""

    name: str
    paths: tuple[re.Pattern[str], ...]
    signers: tuple[str, ...]
    """Lower case; any one of them."""
    original_file_name: str
    services: tuple[str, ...]
    """Lower case; empty where the program hosts no services."""
    reason: str


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program that starts threads in others as its job."""

    paths: tuple[re.Pattern[str], ...]
    reason: str


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """Programs that are known."""

    by_name: Mapping[str, tuple[KnownProgram, ...]]
    """Lower-case file name to the entries for it."""
    tools: tuple[Tool, ...] = ()


class VerdictOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user sets; seconds where a time is meant."""

    library_window: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """A library load this near to the session's start, before or after, belongs to it."""
    late_load: Annotated[float, msgspec.Meta(ge=60)] = 3600.0
    """A TLS stack that comes this long after its process started is late."""
    min_severity: Severity = "low"
    """Below this no notice is written; the ledger still counts."""
    max_sessions: Annotated[int, msgspec.Meta(ge=1, le=10000)] = 50
    """A notice lists so many sessions, the earliest; it counts all."""
    redact_command_line: bool = True
    """Replace what looks like a secret in command lines; the rest of the line stays."""


class VerdictSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `judge` and `notices` need to know."""

    weights: Weights
    programs: Programs
    options: VerdictOptions = VerdictOptions()
