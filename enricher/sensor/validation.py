"""OpenSSL's verdicts on certificate chains: its numeric codes (X509_V_ERR_*) and our fixed words for them.

Compare codes, never texts: OpenSSL changed the texts between versions (`self signed` became `self-signed`).
"""

from typing import Final

OK: Final = 0
SELF_SIGNED: Final = 18
NO_LOCAL_ISSUER: Final = 20

EXPIRED: Final = "certificate has expired"
NOT_YET_VALID: Final = "certificate is not yet valid"

MEANINGS: Final[dict[int, str]] = {
    OK: "ok",
    2: "unable to get issuer certificate",
    4: "unable to decrypt certificate's signature",
    6: "unable to decode issuer public key",
    7: "certificate signature failure",
    9: NOT_YET_VALID,
    10: EXPIRED,
    13: "format error in certificate's notBefore field",
    14: "format error in certificate's notAfter field",
    SELF_SIGNED: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    NO_LOCAL_ISSUER: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    23: "certificate revoked",
    24: "issuer certificate doesn't have a public key",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    27: "certificate not trusted",
    28: "certificate rejected",
    32: "key usage does not include certificate signing",
    34: "unhandled critical extension",
    37: "invalid non-CA certificate",
    40: "proxy certificates not allowed",
    41: "invalid or inconsistent certificate extension",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    51: "unsupported name constraint type",
    52: "unsupported or invalid name constraint syntax",
    53: "unsupported or invalid name syntax",
    76: "unsupported signature algorithm",
    77: "subject signature algorithm and issuer public key algorithm mismatch",
    78: "certificate signature algorithm mismatch",
    79: "invalid CA certificate",
    80: "path length invalid for non-CA certificate",
}

_NO_CHAIN_FAILURES: Final[frozenset[int]] = frozenset({OK, SELF_SIGNED, 9, 10, 1, 17, 69, 70})
"""Trusted; self-signed, which is apart; dates; OpenSSL's own troubles (unspecified, memory, call, store)."""


_CERTAIN: Final[dict[str, int]] = {MEANINGS[code]: code for code in (OK, 2, SELF_SIGNED, 19, NO_LOCAL_ISSUER, 21)}


def code(status: str) -> int | None:
    """The code behind a text of OpenSSL, old or new, for logs that keep the text only (Zeek's ssl.log).

    None: the text blames a date, which hides what the code without dates would be, or it is not known.
    """
    return _CERTAIN.get(status.replace("self signed", "self-signed"))


def chain_failed(code: int) -> bool:
    """Whether no way leads to a trusted issuer that vouches for the certificate.

    That is every code but those above: a chain is put together by names and its signatures are checked last, so
    whatever stops OpenSSL before (an extension, a constraint) leaves a forged issuer's name unproven.
    """
    return code not in _NO_CHAIN_FAILURES


def meaning(code: int) -> str:
    """Our words for a code."""
    return MEANINGS.get(code, f"certificate verification error {code}")
