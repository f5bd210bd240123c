"""What others know: the user's lists, and how common a client is among the hosts seen so far."""

from typing import Final

from enricher.sensor.anomalies._case import Case, Rule


def _known_bad_fingerprint(case: Case) -> str | None:
    """The client's JA3 or JA4 is listed."""
    for kind, value in (("ja3", case.observation.ja3), ("ja4", case.observation.ja4)):
        reason = case.lists.fingerprints.get(value.lower()) if value else None
        if reason is not None:
            return f"{kind} {value}: {reason}"
    return None


def _known_bad_certificate(case: Case) -> str | None:
    """A certificate of the server's or the client's chain is listed."""
    o = case.observation
    for value in (*(o.cert_chain_fps or ()), *(o.cert_chain_sha1s or ()), *(o.client_cert_chain_fps or ())):
        reason = case.lists.certificates.get(value.lower())
        if reason is not None:
            return f"certificate {value}: {reason}"
    return None


def _rare_fingerprint(case: Case) -> str | None:
    """Hardly any host has shown this JA4, among enough hosts."""
    seen = case.prevalence
    if case.observation.ja4 is None or seen is None or seen.total_hosts < case.thresholds.rarity_min_hosts:
        return None
    if seen.hosts > case.thresholds.rarity_max_hosts:
        return None
    return f"ja4 {case.observation.ja4} on {seen.hosts} of {seen.total_hosts} hosts"


RULES: Final[dict[str, Rule]] = {
    "known_bad_fingerprint": _known_bad_fingerprint,
    "known_bad_certificate": _known_bad_certificate,
    "rare_fingerprint": _rare_fingerprint,
}
