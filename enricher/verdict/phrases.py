"""Anomalies in words."""

from types import MappingProxyType
from typing import Final

ANOMALY_PHRASES: Final = MappingProxyType(
    {
        "self_signed": "a self-signed certificate",
        "self_issued": "a self-issued certificate",
        "untrusted_issuer": "a certificate of an untrusted issuer",
        "expired": "an expired certificate",
        "not_yet_valid": "a certificate that is not yet valid",
        "short_validity": "a certificate that lives unusually short",
        "long_validity": "a certificate that lives longer than allowed",
        "sni_mismatch": "a certificate for another name",
        "weak_key": "a weak key",
        "weak_signature": "a weakly signed certificate",
        "leaf_is_ca": "a CA certificate of its own",
        "malformed_certificate": "a malformed certificate",
        "default_subject": "a certificate with default names",
        "known_bad_certificate": "a certificate known to be bad",
        "no_sni": "no server name",
        "legacy_version": "an outdated TLS version",
        "version_fallback": "a fallback to a lower TLS version",
        "weak_cipher": "a weak cipher",
        "handshake_failed": "a failed handshake",
        "unusual_port": "an unusual port",
        "rare_fingerprint": "a rare client fingerprint",
        "known_bad_fingerprint": "a client fingerprint known to be bad",
        "malformed_handshake": "a malformed handshake",
    }
)
"""Anomaly id to a noun phrase that can follow "with"."""
