"""What is odd about the handshake itself."""

import re
from typing import Final

from enricher.sensor.anomalies._case import Case, Rule, datagram

_INTEGRITY_ONLY: Final = frozenset({"TLS_SHA256_SHA256", "TLS_SHA384_SHA384"})
"""TLS 1.3 without encryption (RFC 9150); their names do not say NULL."""

_PORT: Final = re.compile(r"[0-9]{1,5}")


def _no_sni(case: Case) -> str | None:
    """The client named no server. Datagram TLS of media never does."""
    o = case.observation
    if o.client_hello_seen is not True or o.server_name or datagram(o):
        return None
    return f"no server name for {o.resp_h}"


def _legacy_version(case: Case) -> str | None:
    """A version that standards have withdrawn."""
    version = case.observation.version
    return version if version in case.thresholds.legacy_versions else None


def _version_fallback(case: Case) -> str | None:
    """The client came back with a lower version, or the server says that both could do better."""
    o = case.observation
    got = o.version or "no answer"
    if o.downgrade == "scsv":
        return f"client retries with a lower version (RFC 7507), got {got}"
    return f"server marks a forced downgrade (RFC 8446 4.1.3), got {got}" if o.downgrade == "sentinel" else None


def _weak_cipher(case: Case) -> str | None:
    """A cipher suite without encryption or authentication, or with a broken part."""
    cipher = case.observation.cipher
    if cipher is None:
        return None
    weak = cipher in _INTEGRITY_ONLY or not case.thresholds.weak_cipher_words.isdisjoint(cipher.upper().split("_"))
    return cipher if weak else None


def _handshake_failed(case: Case) -> str | None:
    """A TLS server answered, or somebody sent an alert, and the handshake is known to have failed.

    A port where nothing answers, or nothing that speaks TLS, is no failed handshake.
    """
    o = case.observation
    if o.established is not False:
        return None
    if o.last_alert:
        return f"alert {o.last_alert}"
    answered = o.version is not None or o.cipher is not None or any(c.islower() for c in o.ssl_history or "")
    return "server answered, handshake not completed" if answered else None


def _unusual_port(case: Case) -> str | None:
    """A server port where TLS is not at home.

    Without the ClientHello nobody knows who the server is. Datagram TLS of media uses any port. Behind a proxy the port
    that counts is the one that the client asked it for.
    """
    o = case.observation
    asked = (o.proxy_target or "").rpartition(":")[2]
    port = int(asked) if _PORT.fullmatch(asked) else o.resp_p
    if port in case.thresholds.usual_ports or o.client_hello_seen is False or datagram(o):
        return None
    return f"port {port}/{o.proto}"


def _malformed_handshake(case: Case) -> str | None:
    """A handshake message breaks the protocol."""
    return case.observation.handshake_error


RULES: Final[dict[str, Rule]] = {
    "no_sni": _no_sni,
    "legacy_version": _legacy_version,
    "version_fallback": _version_fallback,
    "weak_cipher": _weak_cipher,
    "handshake_failed": _handshake_failed,
    "unusual_port": _unusual_port,
    "malformed_handshake": _malformed_handshake,
}
