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
    9: EXPIRED,
    10: NOT_YET_VALID,
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
    94: "subject key identifier and authority key identifier mismatch",
}

CHAIN_FAILURES: Final[frozenset[int]] = frozenset(
    {2, 4, 6, 7, 19, 20, 21, 22, 24, 25, 27, 28, 32, 37, 40, 47, 48, 76, 77, 78, 79, 80}
)
"""No way leads from the certificate to a trusted issuer that may have issued it. Self-signed (18) is apart; codes
that blame a date (9, 10), a revocation (23) or what OpenSSL does not understand (34, 51 to 53) are no such failure."""


_CERTAIN: Final[dict[str, int]] = {MEANINGS[code]: code for code in (OK, 2, SELF_SIGNED, 19, NO_LOCAL_ISSUER, 21)}


def code(status: str) -> int | None:
    """The code behind a text of OpenSSL, old or new, for logs that keep the text only (Zeek's ssl.log).

    None: the text blames a date, which hides what the code without dates would be, or it is not known.
    """
    return _CERTAIN.get(status.replace("self signed", "self-signed"))


def meaning(code: int) -> str:
    """Our words for a code."""
    return MEANINGS.get(code, f"certificate verification error {code}")
