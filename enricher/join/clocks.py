"""How wrong each clock of each host is, learned from pairs that are certain. Pure: no clock of its own is read.

An endpoint clock is wrong by a constant from boot to boot, and one host's event types can run on different ones. So an
offset belongs to a host and a clock domain (`sysmon:3`), and around a time the nearest samples vote.

Confidence: none: no sample. low: one sample, or samples that disagree. medium: at least two agree, and so do most of
their neighbours. high: at least five agree, and nine of ten neighbours.
"""

from bisect import bisect_left
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

from enricher.model.session import Clock, Confidence

UNKNOWN: Final = Clock(offset=None, confidence="none")

RANK: Final[dict[Confidence, int]] = {"none": 0, "low": 1, "medium": 2, "high": 3}


class Sample(NamedTuple):
    """One session and the record that is certainly its own."""

    network: float
    """The session's time."""
    event: float
    """The record's time by its own clock."""
    tuple_id: str = ""
    """Which connection: samples of one connection count once where pairs are only probable."""

    @property
    def delta(self) -> float:
        """What to add to event time."""
        return self.network - self.event


class Offsets:
    """Offsets of one clock of one host."""

    def __init__(self, samples: Sequence[Sample], *, neighbours: int, agreement: float, certain: bool = True) -> None:
        """`certain` is False for the samples of `densest`: they never give more than low confidence."""
        self._neighbours = neighbours
        self._agreement = agreement
        self._certain = certain
        self._by_network = _Timeline(sorted(samples), [s.network for s in sorted(samples)])
        by_event = sorted(samples, key=lambda s: (s.event, s.network))
        self._by_event = _Timeline(by_event, [s.event for s in by_event])

    def around(self, network_ts: float) -> Clock:
        """The offset around a session's time."""
        return self._vote(self._by_network, network_ts)

    def at_event(self, event_ts: float) -> Clock:
        """The offset around a record's own time."""
        return self._vote(self._by_event, event_ts)

    def overall(self) -> Clock:
        """The offset of all samples together, for a report."""
        return self._judge(self._by_network.samples)

    def _vote(self, line: "_Timeline", ts: float) -> Clock:
        """The nearest samples vote; where they disagree, as at a reboot, those that agree with the nearest one win."""
        if not line.samples:
            return UNKNOWN
        at = bisect_left(line.times, ts)
        nearest = min((i for i in (at - 1, at) if 0 <= i < len(line.times)), key=lambda i: abs(line.times[i] - ts))
        if nearest not in line.votes:
            low = max(0, min(nearest - self._neighbours // 2, len(line.samples) - self._neighbours))
            window = line.samples[low : low + self._neighbours]
            delta = line.samples[nearest].delta
            like_it = [s for s in window if abs(s.delta - delta) <= self._agreement]
            line.votes[nearest] = self._judge(like_it if 1 < len(like_it) <= len(window) // 2 else window)
        return line.votes[nearest]

    def _judge(self, samples: Sequence[Sample]) -> Clock:
        if not samples:
            return UNKNOWN
        middle = median(s.delta for s in samples)
        agreeing = [s.delta for s in samples if abs(s.delta - middle) <= self._agreement]
        if not agreeing:  # an even number, half on each side of a change of offset
            agreeing = [samples[len(samples) // 2].delta]
        share = len(agreeing) / len(samples)
        confidence: Confidence = "low"
        if self._certain and len(agreeing) >= 5 and share >= 0.9:
            confidence = "high"
        elif self._certain and len(agreeing) >= 2 and share > 0.5:
            confidence = "medium"
        return Clock(offset=round(median(agreeing), 6), confidence=confidence, samples=len(agreeing))


class _Timeline:
    """Samples along one of their two times."""

    def __init__(self, samples: Sequence[Sample], times: Sequence[float]) -> None:
        self.samples = samples
        self.times = times
        self.votes: dict[int, Clock] = {}


def densest(samples: Sequence[Sample], agreement: float) -> list[Sample]:
    """Where no pair is certain: the most connections whose deltas agree. Empty when fewer than two do, or on a draw."""
    ordered = sorted(samples, key=lambda s: (s.delta, s))
    best: list[Sample] = []
    best_count = draw = 0
    start = 0
    for end in range(len(ordered)):
        while ordered[end].delta - ordered[start].delta > agreement:
            start += 1
        group = ordered[start : end + 1]
        count = len({s.tuple_id for s in group})
        if count > best_count:
            best, best_count, draw = group, count, 0
        elif count == best_count and group[0].delta - best[-1].delta > agreement:
            draw = 1
    return best if best_count >= 2 and not draw else []


_HOUR: Final = 3600.0
_FARTHEST_ZONE: Final = 14 * _HOUR


def module_offset(deltas: Sequence[float], agreement: float) -> Clock:
    """The offset of the clock of process and module events, from first TLS session minus first telling load.

    One delta per process. A library may have loaded long before the session that we see, so deltas that do not agree
    say nothing; agreeing ones do. A single one counts only where a clock could be that wrong: not at all, or by whole
    hours (local time stamped as UTC).

    Zero wins a draw, and what agrees with zero is kept as measured. Low: one process; medium: two to four; high: more.
    """
    ordered = sorted(deltas)
    groups = [[d for d in ordered if low <= d <= low + agreement] for low in ordered]
    best = min(groups, key=lambda g: (-len(g), abs(median(g)), g), default=[])
    if len(best) == 1:
        plausible = [d for d in ordered if abs(d) <= agreement] or [d for d in ordered if _whole_hours(d, agreement)]
        best = plausible[:1] if len(plausible) == 1 else []
    if not best:
        return UNKNOWN
    confidence: Confidence = "low" if len(best) < 2 else "medium" if len(best) < 5 else "high"
    return Clock(offset=round(median(best), 6), confidence=confidence, samples=len(best))


def _whole_hours(delta: float, agreement: float) -> bool:
    return abs(delta) <= _FARTHEST_ZONE + agreement and abs(delta - round(delta / _HOUR) * _HOUR) <= agreement
