"""How strong the leaf certificate's key and signature are, and whether it is whole."""

from typing import Final

from enricher.sensor.anomalies._case import Case, Rule, date, lifetime

_FACTORING: Final = frozenset({"rsa", "RSA-PSS", "dsa"})


def _weak_key(case: Case) -> str | None:
    """The key is too short."""
    o = case.observation
    if o.cert_key_length is None or o.cert_key_type is None:
        return None
    if o.cert_key_type in _FACTORING:
        least = case.thresholds.weak_rsa_bits
    elif o.cert_key_type == "ecdsa":
        least = case.thresholds.weak_ec_bits
    else:
        return None
    return f"{o.cert_key_type} key of {o.cert_key_length} bits" if o.cert_key_length < least else None


def _weak_signature(case: Case) -> str | None:
    """The signature's hash is broken.

    That counts for a self-signed leaf too: nobody but the signer chose it.
    """
    algorithm = case.observation.cert_sig_alg
    return algorithm if algorithm in case.thresholds.weak_signature_algorithms else None


def _leaf_is_ca(case: Case) -> str | None:
    """A server presents a certificate authority's certificate as its own."""
    o = case.observation
    return f"basic constraints say CA: {o.cert_subject}" if o.basic_constraints_ca else None


def _malformed_certificate(case: Case) -> str | None:
    """A certificate of the chain breaks X.509.

    So does a validity that ends before it begins; it has no length, and is neither short nor long.
    """
    o = case.observation
    if o.certificate_error is not None:
        return o.certificate_error
    seconds = lifetime(o)
    if seconds is None or seconds >= 0 or o.cert_not_valid_before is None or o.cert_not_valid_after is None:
        return None
    return f"valid until {date(o.cert_not_valid_after)}, before it is valid from {date(o.cert_not_valid_before)}"


RULES: Final[dict[str, Rule]] = {
    "weak_key": _weak_key,
    "weak_signature": _weak_signature,
    "leaf_is_ca": _leaf_is_ca,
    "malformed_certificate": _malformed_certificate,
}
