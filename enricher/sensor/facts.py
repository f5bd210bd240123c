"""A TLS connection's facts as an Observation."""

import hashlib
import ipaddress
from typing import Any, Final

from enricher.model.observation import Observation
from enricher.sensor import names
from enricher.sensor.certificate_message import key_facts
from enricher.sensor.contract import CertificateReader
from enricher.sensor.fingerprint import Fingerprints, ja3s
from enricher.sensor.flow_id import community_id, uid
from enricher.sensor.handshake import CLIENT_HELLO, FALLBACK_SCSV, SERVER_HELLO, TLS13, is_tls13, tls_version
from enricher.sensor.negotiation import Negotiation
from enricher.sensor.packet import TCP, UDP, addresses, reverse
from enricher.sensor.printable import printable
from enricher.sensor.sslv2 import SSLV2

_SENTINEL_12: Final = b"DOWNGRD\x01"
_SENTINEL_11: Final = b"DOWNGRD\x00"


class Observer:
    """Makes the Observations of one capture."""

    def __init__(self, name: str, certificates: CertificateReader) -> None:
        self._name = name
        self._certificates = certificates
        self._fingerprints = Fingerprints()

    def observe(
        self,
        key: bytes,
        originator: int | None,
        negotiation: Negotiation,
        established: bool | None,  # noqa: FBT001
    ) -> Observation:
        """The Observation of a connection in which at least one hello was read.

        `key` is as seen from side 0, `originator` the side that opened it where that was seen: else it was the client.
        """
        if originator is None:
            originator = negotiation.client
        assert originator is not None
        if originator:
            key = reverse(key)
        ts, frame = negotiation.hello_at.get(CLIENT_HELLO) or negotiation.hello_at[SERVER_HELLO]
        source, source_port, destination, destination_port = addresses(key)
        tcp = negotiation.transport == "tls"
        return Observation(
            ts=ts,
            uid=uid(key, ts),
            orig_h=_address(source),
            orig_p=source_port,
            resp_h=_address(destination),
            resp_p=destination_port,
            proto="tcp" if tcp else "udp",
            community_id=community_id(key, TCP if tcp else UDP),
            source=f"{self._name}:{frame}",
            established=established,
            last_alert=negotiation.last_alert,
            ssl_history=negotiation.history(originator),
            client_hello_seen=negotiation.client_hello is not None,
            downgrade=_downgrade(negotiation),
            proxy_target=_text(negotiation.proxy_target),
            handshake_error=negotiation.handshake_error,
            **_client(negotiation, self._fingerprints),
            **_server(negotiation),
            **_certificates(negotiation, self._certificates, ts),
        )


def _address(packed: bytes) -> str:
    return "{}.{}.{}.{}".format(*packed) if len(packed) == 4 else str(ipaddress.IPv6Address(packed))


def _text(data: bytes | None) -> str | None:
    return printable(data) if data else None


def _client(negotiation: Negotiation, fingerprints: Fingerprints) -> dict[str, Any]:
    hello = negotiation.client_hello
    if hello is None or hello.sslv2:
        return {}
    (ja3, ja3_raw), (ja4, ja4_raw) = fingerprints.client(hello, negotiation.transport)
    facts: dict[str, Any] = {"ja3": ja3, "ja3_raw": ja3_raw, "ja4": ja4, "ja4_raw": ja4_raw}
    facts["server_name"] = _text(hello.server_name)
    if hello.ech is not None:
        facts["ech_kdf_id"], facts["ech_aead_id"] = hello.ech
    return facts


def _server(negotiation: Negotiation) -> dict[str, Any]:
    hello = negotiation.server_hello or negotiation.retry
    if hello is None:
        return {}
    facts: dict[str, Any] = {
        "version": names.version_name(hello.version),
        "cipher": None if hello.cipher is None else names.cipher_name(hello.cipher),
        "curve": None if negotiation.group is None else names.group_name(negotiation.group),
        "next_protocol": _text(hello.alpn),
    }
    if negotiation.server_hello is not None:
        facts["resumed"] = _resumed(negotiation)
        if hello.version != SSLV2:
            facts["ja3s"], facts["ja3s_raw"] = ja3s(hello)
    return facts


def _resumed(negotiation: Negotiation) -> bool:
    """Keys of an earlier session are used: TLS 1.3 by a selected PSK, before by the session id or abbreviated."""
    hello, client = negotiation.server_hello, negotiation.client_hello
    assert hello is not None
    if hello.psk:
        return True
    if is_tls13(hello.version):
        return False
    offered = client.session_id if client else b""
    return negotiation.abbreviated or (bool(offered.strip(b"\0")) and offered == hello.session_id)


def _downgrade(negotiation: Negotiation) -> str | None:
    """A server that could do better says so in its random; it means something if the client could, too."""
    client, server = negotiation.client_hello, negotiation.server_hello
    if client is None:
        return None
    offered = [code for code in client.versions or () if code not in names.GREASE] or [client.version]
    got = tls_version(server.version) if server else TLS13
    if server is not None and got < min(max(map(tls_version, offered)), TLS13):
        mark = server.random[-8:]
        if mark == _SENTINEL_12 or (mark == _SENTINEL_11 and got < 0x0303):
            return "sentinel"
    return "scsv" if FALLBACK_SCSV in client.ciphers else None


def _certificates(negotiation: Negotiation, certificates: CertificateReader, ts: float) -> dict[str, Any]:
    assert negotiation.client is not None
    client, server = negotiation.sides[negotiation.client], negotiation.sides[1 - negotiation.client]
    facts: dict[str, Any] = {"cert_visible": _visible(negotiation)}
    if client.chain:
        facts["client_cert_chain_fps"] = tuple(hashlib.sha256(der).hexdigest() for der in client.chain)
    if server.chain:
        hello = negotiation.client_hello
        name = _text(hello.server_name) if hello else None
        facts |= certificates.facts(server.chain, name, ts)
    elif server.key:
        facts |= key_facts(server.key)
    if negotiation.certificate_error:
        facts["certificate_error"] = negotiation.certificate_error
    return facts


def _visible(negotiation: Negotiation) -> bool | None:
    """Whether the server's certificate could be seen; None as long as its flight was not seen to the end."""
    hello = negotiation.server_hello
    assert negotiation.client is not None
    server = negotiation.sides[1 - negotiation.client]
    if server.chain or negotiation.certificate_error:
        return True
    if hello is None:
        return None
    if is_tls13(hello.version) or _resumed(negotiation):
        return False
    return False if server.encrypted and server.full and not server.gap else None
