"""The ids of everything that can be abnormal about a TLS session; the Zeek scripts use the same."""

from typing import Final, Literal

Family = Literal["certificate", "handshake"]

ANOMALIES: Final[dict[str, Family]] = {
    "self_signed": "certificate",
    "self_issued": "certificate",
    "untrusted_issuer": "certificate",
    "expired": "certificate",
    "not_yet_valid": "certificate",
    "short_validity": "certificate",
    "long_validity": "certificate",
    "sni_mismatch": "certificate",
    "weak_key": "certificate",
    "weak_signature": "certificate",
    "leaf_is_ca": "certificate",
    "malformed_certificate": "certificate",
    "default_subject": "certificate",
    "known_bad_certificate": "certificate",
    "no_sni": "handshake",
    "legacy_version": "handshake",
    "version_fallback": "handshake",
    "weak_cipher": "handshake",
    "handshake_failed": "handshake",
    "unusual_port": "handshake",
    "rare_fingerprint": "handshake",
    "known_bad_fingerprint": "handshake",
    "malformed_handshake": "handshake",
}
