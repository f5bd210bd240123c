"""Who vouches for the leaf certificate."""

from typing import Final

from enricher.sensor import validation
from enricher.sensor.anomalies._case import Case, Rule


def _self_signed(case: Case) -> str | None:
    """Signed by its own key, and not among the trusted."""
    o = case.observation
    return f"signed by its own key: {o.cert_subject}" if o.validation_code == validation.SELF_SIGNED else None


def _self_issued(case: Case) -> str | None:
    """Subject and issuer are equal, and nobody could check the signature (plain Zeek logs)."""
    o = case.observation
    if o.validation_code is None and o.cert_subject is not None and o.cert_subject == o.cert_issuer:
        return f"subject is issuer: {o.cert_subject}"
    return None


def _untrusted_issuer(case: Case) -> str | None:
    """The chain leads to nobody who is trusted."""
    code = case.observation.validation_code
    if code is None or not validation.chain_failed(code):
        return None
    return f"{validation.meaning(code)}: {case.observation.cert_issuer}"


RULES: Final[dict[str, Rule]] = {
    "self_signed": _self_signed,
    "self_issued": _self_issued,
    "untrusted_issuer": _untrusted_issuer,
}
