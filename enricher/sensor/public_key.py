"""Facts of a SubjectPublicKeyInfo (RFC 5280 4.1.2.7), under Zeek's names and in its words."""

from typing import Any, Final

from enricher.sensor.asn1 import (
    BIT_STRING,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    Cursor,
    Element,
    Malformed,
    bits,
    integer,
    oid,
)
from enricher.sensor.oids import ALGORITHMS, CURVES

_LONGEST_EXPONENT: Final = 1024
"""Bytes; longer ones are not printed, as decimal text costs quadratic time."""
_FIXED: Final[dict[str, int]] = {
    "X25519": 253,
    "X448": 448,
    "ED25519": 256,
    "ED448": 456,
    "ML-DSA-44": 1312 * 8,
    "ML-DSA-65": 1952 * 8,
    "ML-DSA-87": 2592 * 8,
}
"""Bits of algorithms that have one size, as OpenSSL counts them."""


def describe(body: bytes, facts: dict[str, Any]) -> None:
    """Add what can be told of the key; a key of an unknown kind has an algorithm only.

    Raises:
        Malformed: it does not parse; what was read until then has been added.
    """
    spki = Cursor(body)
    algorithm = Cursor(spki.take(SEQUENCE).body)
    dotted = oid(algorithm.take(OBJECT_IDENTIFIER).body)
    name = ALGORITHMS.get(dotted, dotted)
    facts["cert_key_alg"] = name
    parameters = algorithm.next() if algorithm.left else None
    key = bits(spki.take(BIT_STRING).body)
    match name:
        case "rsaEncryption" | "md5WithRSAEncryption":
            # Remote Desktop names a signature algorithm here; the key is an RSA key all the same.
            facts["cert_key_type"] = "rsa"
            _rsa(key, facts)
            facts["cert_exponent"] = _exponent(key)
        case "rsassaPss":
            facts["cert_key_type"] = "RSA-PSS"
            _rsa(key, facts)
        case "id-ecPublicKey":
            facts["cert_key_type"] = "ecdsa"
            _curve(parameters, facts)
        case "dsaEncryption":
            facts["cert_key_type"] = "dsa"
            _dsa(parameters, facts)
        case _ if name in _FIXED:
            facts["cert_key_type"] = name
            facts["cert_key_length"] = _FIXED[name]


def _rsa(key: bytes, facts: dict[str, Any]) -> None:
    modulus = integer(Cursor(Cursor(key).take(SEQUENCE).body).take(INTEGER).body)
    if modulus <= 0:
        raise Malformed("RSA modulus is not positive")
    facts["cert_key_length"] = modulus.bit_length()


def _exponent(key: bytes) -> str:
    numbers = Cursor(Cursor(key).take(SEQUENCE).body)
    numbers.take(INTEGER)
    body = numbers.take(INTEGER).body
    if len(body) > _LONGEST_EXPONENT:
        raise Malformed(f"RSA exponent of {len(body)} bytes")
    return str(integer(body))


def _curve(parameters: Element | None, facts: dict[str, Any]) -> None:
    if parameters is not None and parameters.tag == SEQUENCE:
        facts["cert_key_length"] = _order(parameters.body).bit_length()
        # Whoever may choose the generator can sign for a key that is not his (CVE-2020-0601).
        raise Malformed("curve is described, not named, which RFC 5480 2.1.1 forbids")
    if parameters is None or parameters.tag != OBJECT_IDENTIFIER:
        raise Malformed("curve is not named")
    known = CURVES.get(oid(parameters.body))
    if known:
        facts["cert_curve"], facts["cert_key_length"] = known


def _order(body: bytes) -> int:
    """Order of the group of ECParameters (RFC 3279 2.3.5)."""
    parameters = Cursor(body)
    parameters.take(INTEGER)
    for tag in (SEQUENCE, SEQUENCE, OCTET_STRING):  # field, curve, generator
        parameters.take(tag)
    return integer(parameters.take(INTEGER).body)


def _dsa(parameters: Element | None, facts: dict[str, Any]) -> None:
    # Without parameters the key inherits its issuer's (RFC 3279 2.3.2): the length is unknown.
    if parameters is not None and parameters.tag == SEQUENCE:
        facts["cert_key_length"] = integer(Cursor(parameters.body).take(INTEGER).body).bit_length()
