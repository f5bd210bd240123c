"""Which host an address belonged to, and when. Pure.

Hosts claim an address by reporting connections from it. A claim is an interval: first to last claim of one host by one
clock within ten minutes, in corrected time. Addresses move (DHCP), two hosts may both claim one at a time (overlapping
networks, a liar), and a lone claim in the middle of another host's run of claims is not believed at all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_INSTANT: Final = 1.0
"""A claim that lasts no longer is one burst: a moment, not a tenure."""


_ROUNDING: Final = 0.001
"""Times nearer than this are the same time: the store keeps claims to the microsecond."""


class Claim(NamedTuple):
    """A host used the address from `first` to `last`, in network time."""

    first: float
    last: float
    host: str
    certain: bool
    """False: the host's clock offset is unknown, so these times exclude nothing."""


class Tenure:
    """Everything claimed about one address."""

    def __init__(self, claims: Iterable[Claim], reach: float) -> None:
        self._reach = reach
        self._by_host: dict[str, list[Claim]] = {}
        for claim in sorted(claims):
            _extend(self._by_host.setdefault(claim.host, []), claim)
        lone = {host: self._intrusions(host) for host in self._by_host if len(self._by_host) > 1}
        self._intruding = {host: moments for host, moments in lone.items() if moments}
        for host, moments in self._intruding.items():
            self._by_host[host] = sorted(set(self._by_host[host]).difference(moments))
        self._by_host = {host: kept for host, kept in self._by_host.items() if kept}

    @property
    def hosts(self) -> list[str]:
        """Hosts whose claims are believed, sorted."""
        return sorted(self._by_host)

    def owners(self, ts: float) -> list[str]:
        """The hosts that held the address at a time, sorted; more than one: they contend; none: nobody near."""
        distances = {host: self._distance(claims, ts) for host, claims in self._by_host.items()}
        if len(distances) == 1:
            host, distance = next(iter(distances.items()))
            known = any(claim.certain for claim in self._by_host[host])
            return [host] if distance <= self._reach or not known or self._inside(host, ts) else []
        holding = sorted(host for host, distance in distances.items() if distance == 0)
        if holding:
            return holding
        nearest = min(distances.values(), default=0.0)
        return sorted(
            host for host, d in distances.items() if d == nearest and (d <= self._reach or self._inside(host, ts))
        )

    def believed(self, host: str, ts: float) -> bool:
        """Whether the host's claim at this time is one that we believe."""
        lone = self._intruding.get(host)
        return not lone or self._distance(lone, ts) > self._distance(self._by_host.get(host, ()), ts)

    def _inside(self, host: str, ts: float) -> bool:
        claims = self._by_host[host]
        return claims[0].first <= ts <= claims[-1].last

    @staticmethod
    def _distance(claims: Sequence[Claim], ts: float) -> float:
        at = bisect_right(claims, ts, key=_first)
        before = claims[at - 1].last if at else float("-inf")
        after = claims[at].first if at < len(claims) else float("inf")
        distance = min(ts - before, after - ts)
        return distance if distance > _ROUNDING else 0.0

    def _intrusions(self, host: str) -> list[Claim]:
        """Moments, with none of the host's own claims near, and another host's before and after, both near."""
        mine = self._by_host[host]
        ends = [float("-inf"), *(claim.last for claim in mine[:-1])]
        starts = [*(claim.first for claim in mine[1:]), float("inf")]
        others = [claims for other, claims in self._by_host.items() if other != host]
        return [
            claim
            for claim, before, after in zip(mine, ends, starts, strict=True)
            if claim.last - claim.first <= _INSTANT
            and min(claim.first - before, after - claim.last) > self._reach
            and any(self._surrounds(claims, claim) for claims in others)
        ]

    def _surrounds(self, claims: Sequence[Claim], claim: Claim) -> bool:
        at = bisect_left(claims, claim.first, key=_first)
        if not at:
            return False
        if claims[at - 1].last > claim.last:  # inside one interval
            return True
        after = claims[at].first if at < len(claims) else float("inf")
        return claim.first - claims[at - 1].last <= self._reach and after - claim.last <= self._reach


def _first(claim: Claim) -> float:
    return claim.first


def _extend(claims: list[Claim], claim: Claim) -> None:
    """Append to one host's sorted claims; what overlaps becomes one, as when two products tell of one connection."""
    if claims and claim.first <= claims[-1].last:
        last = claims[-1]
        claims[-1] = Claim(last.first, max(last.last, claim.last), last.host, last.certain or claim.certain)
    else:
        claims.append(claim)
