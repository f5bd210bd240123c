"""JA3, JA3S and JA4, each with the string it hashes.

Sources: salesforce/ja3 (README), FoxIO-LLC/ja4 (technical_details/JA4.md). Only the parts under BSD licences.
"""

import hashlib
import struct
from collections.abc import Collection
from typing import Final

from enricher.sensor.handshake import ClientHello, Fingerprint, ServerHello
from enricher.sensor.names import GREASE
from enricher.sensor.negotiation import Transport

_VERSIONS: Final = {
    0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
    0xFEFC: "d3", 0xFEFD: "d2", 0xFEFF: "d1",
}  # fmt: skip
_TRANSPORTS: Final = {"tls": "t", "dtls": "d", "quic": "q"}
_SERVER_NAME, _ALPN = 0, 16
_GREASE_NAMES: Final = frozenset(code.to_bytes(2, "big") for code in GREASE)
"""RFC 8701's ALPN identifiers that mean nothing."""


def of_client(hello: ClientHello, transport: Transport) -> tuple[Fingerprint, Fingerprint]:
    """JA3 and JA4, made once for all hellos that are like each other."""
    known = hello.fingerprints
    if transport not in known:
        known["ja3"], known[transport] = ja3(hello), ja4(hello, transport)
    return known["ja3"], known[transport]


def of_server(hello: ServerHello) -> Fingerprint:
    """JA3S, made once for all hellos that are like each other."""
    known = hello.fingerprints
    if "ja3s" not in known:
        known["ja3s"] = ja3s(hello)
    return known["ja3s"]


def ja3(hello: ClientHello) -> Fingerprint:
    """JA3 and its string: version, ciphers, extensions, groups, point formats, in decimal, without GREASE."""
    raw = ",".join(
        (
            str(hello.version),
            _decimal(hello.ciphers),
            _decimal(hello.extensions),
            _decimal(hello.groups or ()),
            "-".join(map(str, hello.point_formats or b"")),
        )
    )
    return _md5(raw), raw


def ja3s(hello: ServerHello) -> Fingerprint:
    """JA3S and its string: legacy version, cipher, extensions, in decimal."""
    raw = f"{hello.legacy_version},{hello.cipher},{_decimal(hello.extensions)}"
    return _md5(raw), raw


def ja4(hello: ClientHello, transport: Transport) -> Fingerprint:
    """JA4 and JA4_r, its sorted string."""
    ciphers = _without_grease(hello.ciphers)
    extensions = _without_grease(hello.extensions)
    prefix = (
        f"{_TRANSPORTS[transport]}{_version(hello)}{'d' if _SERVER_NAME in extensions else 'i'}"
        f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}{_alpn(hello)}"
    )
    cipher_list = _hex(sorted(ciphers))
    extension_list = _hex(sorted(code for code in extensions if code not in {_SERVER_NAME, _ALPN}))
    algorithms = _hex(_without_grease(hello.signature_algorithms or ()))
    tail = f"{extension_list}_{algorithms}" if algorithms else extension_list
    return f"{prefix}_{_sha256(cipher_list)}_{_sha256(tail)}", f"{prefix}_{cipher_list}_{tail}"


def _version(hello: ClientHello) -> str:
    """The highest number offered. DTLS counts downwards: of 1.2 and 1.3 this is 1.2, as all who compute JA4 have it."""
    return _VERSIONS.get(max(_without_grease(hello.versions or ()), default=hello.version), "00")


def _alpn(hello: ClientHello) -> str:
    """First and last character of the first protocol, of its hexadecimal form where either is not alphanumeric."""
    first = next((name for name in hello.alpn or () if name not in _GREASE_NAMES), b"")
    if not first:
        return "00"
    ends = first[:1] + first[-1:]
    if ends.isalnum():
        return ends.decode("ascii")
    digits = first.hex()
    return digits[0] + digits[-1]


def _without_grease(codes: Collection[int]) -> list[int]:
    return list(codes) if GREASE.isdisjoint(codes) else [code for code in codes if code not in GREASE]


def _decimal(codes: Collection[int]) -> str:
    return "-".join(map(str, _without_grease(codes)))


def _hex(codes: list[int]) -> str:
    return struct.pack(f">{len(codes)}H", *codes).hex(",", 2) if codes else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12] if text else "0" * 12
