"""What a Certificate message holds before TLS 1.3: a chain, or what took its place by agreement.

RFC 5246 section 7.4.2, RFC 7250 (raw public keys), RFC 7924 (cached information), RFC 8879 (compression).
"""

import zlib
from typing import Any, Final, NamedTuple

from enricher.sensor import public_key
from enricher.sensor.asn1 import SEQUENCE, Cursor, Malformed
from enricher.sensor.reader import MalformedError, Reader

CERTIFICATE, COMPRESSED_CERTIFICATE = 11, 25

_MAX_CERTIFICATES: Final = 64
_LARGEST: Final = 1 << 20
"""Bytes of a message once it is decompressed."""
_CACHED_INFO: Final = 25
_ZLIB: Final = 1


class CertificateMessage(NamedTuple):
    """A Certificate message as far as it could be read."""

    chain: tuple[bytes, ...] = ()
    """DER, leaf first; empty where a side has no certificate, or none that could be read."""
    key: bytes | None = None
    """A bare SubjectPublicKeyInfo in the chain's place."""
    error: str | None = None
    """What was wrong."""


def certificates(body: bytes, extensions: list[int]) -> CertificateMessage:
    """Read a Certificate message; `extensions` are those that the server agreed to."""
    if _CACHED_INFO in extensions and body and body[0] == len(body) - 1:
        return CertificateMessage()  # a hash of the chain, which the client has
    reader = Reader(body, 0, len(body))
    chain: list[bytes] = []
    error = None
    try:
        length = reader.number(3, "certificate list")
        if length != len(reader):
            error = f"Certificate, byte 0: list of {length} bytes in a message with room for {len(reader)}"
        elif length and body[3] == SEQUENCE:  # as the length of a certificate that were 3 MB at least
            return CertificateMessage(key=reader.rest())
        while reader and len(chain) < _MAX_CERTIFICATES:
            chain.append(reader.opaque(3, "certificate"))
    except MalformedError as malformed:
        error = error or f"Certificate, {malformed}"
    return CertificateMessage(tuple(filter(None, chain)), error=error)


def decompress(body: bytes) -> tuple[bytes | None, str | None]:
    """The Certificate message in a CompressedCertificate, None if that cannot be read; and what was wrong."""
    reader = Reader(body, 0, len(body))
    try:
        algorithm, length = reader.number(2, "algorithm"), reader.number(3, "uncompressed length")
        packed = reader.opaque(3, "compressed certificate message")
    except MalformedError as malformed:
        return None, f"CompressedCertificate, {malformed}"
    if algorithm != _ZLIB or length > _LARGEST:
        return None, None
    try:
        message = zlib.decompressobj().decompress(packed, length + 1)
    except zlib.error:
        return None, "CompressedCertificate, byte 8: does not decompress"
    if len(message) != length:
        return None, f"CompressedCertificate, byte 2: promises {length} bytes and holds {len(message)} or more"
    return message, None


def key_facts(key: bytes) -> dict[str, Any]:
    """Facts of a raw public key, under the names that a certificate's key has in `model.observation.Observation`."""
    facts: dict[str, Any] = {}
    try:
        public_key.describe(Cursor(key).take(SEQUENCE).body, facts)
    except Malformed as malformed:
        facts["certificate_error"] = f"raw public key: {malformed}"
    return facts
