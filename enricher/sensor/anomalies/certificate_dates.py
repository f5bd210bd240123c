"""When the leaf certificate is valid, and for how long."""

from typing import Final, NamedTuple

from enricher.sensor import validation
from enricher.sensor.anomalies._case import DAY, Case, Rule, date, days, lifetime


class _Limit(NamedTuple):
    since: float
    """Issued from this moment on, seconds since 1970 UTC."""
    most: int
    """Days."""
    source: str


_LIMITS: Final = (
    _Limit(1868227200.0, 47, "SC-081v3 from 2029-03-15"),
    _Limit(1805068800.0, 100, "SC-081v3 from 2027-03-15"),
    _Limit(1773532800.0, 200, "SC-081v3 from 2026-03-15"),
    _Limit(1598918400.0, 398, "SC31 from 2020-09-01"),
    _Limit(1519862400.0, 825, "ballot 193 from 2018-03-01"),
    _Limit(1427846400.0, 1188, "Baseline Requirements, 39 months from 2015-04-01"),
    _Limit(1341100800.0, 1827, "Baseline Requirements, 60 months from 2012-07-01"),
)
"""Longest validity of publicly trusted certificates by the CA/Browser Forum, latest first."""


def _expired(case: Case) -> str | None:
    """The last valid moment was before the handshake."""
    end, now = case.observation.cert_not_valid_after, case.observation.ts
    return f"expired {date(end)}, {days(now - end)} before" if end is not None and now > end else None


def _not_yet_valid(case: Case) -> str | None:
    """The first valid moment was after the handshake."""
    start, now = case.observation.cert_not_valid_before, case.observation.ts
    return f"valid from {date(start)}, {days(start - now)} later" if start is not None and now < start else None


def _short_validity(case: Case) -> str | None:
    """A short life that no public authority explains.

    Where the chain could not be checked, a self-issued certificate is certainly not public; any other may be.
    """
    o = case.observation
    seconds = lifetime(o)
    if seconds is None or not 0 <= seconds < case.thresholds.short_validity_days * DAY:
        return None
    if o.validation_code is None:
        untrusted = o.cert_subject is not None and o.cert_subject == o.cert_issuer
    else:
        untrusted = o.validation_code != validation.OK
    return f"valid {days(seconds)}, untrusted" if untrusted else None


def _long_validity(case: Case) -> str | None:
    """A longer life than the rules at its issue allowed, or than anybody needs."""
    o = case.observation
    seconds = lifetime(o)
    if seconds is None or o.cert_not_valid_before is None:
        return None
    if o.validation_code == validation.OK and case.thresholds.public_validity_limits is not False:
        for limit in _LIMITS:
            if o.cert_not_valid_before >= limit.since:
                # The last second counts as well (RFC 5280 4.1.2.5); it is forgiven.
                too_long = seconds > limit.most * DAY
                return f"valid {days(seconds)}, trusted, allowed {limit.most} ({limit.source})" if too_long else None
        return None
    most = case.thresholds.long_validity_days
    return f"valid {days(seconds)}, more than {most}" if seconds > most * DAY else None


RULES: Final[dict[str, Rule]] = {
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    "short_validity": _short_validity,
    "long_validity": _long_validity,
}
