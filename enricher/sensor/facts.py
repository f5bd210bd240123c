"""A TLS connection's facts as an Observation."""

import hashlib
import ipaddress
from typing import Any, Final

from enricher.model.observation import Observation
from enricher.sensor import names
from enricher.sensor.certificate_message import key_facts
from enricher.sensor.contract import CertificateReader
from enricher.sensor.fingerprint import of_client, of_server
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
        facts: dict[str, Any] = {
            "ts": ts,
            "uid": uid(key, ts),
            "orig_h": _address(source),
            "orig_p": source_port,
            "resp_h": _address(destination),
            "resp_p": destination_port,
            "proto": "tcp" if tcp else "udp",
            "community_id": community_id(key, TCP if tcp else UDP),
            "source": f"{self._name}:{frame}",
            "established": established,
            "last_alert": negotiation.last_alert,
            "ssl_history": negotiation.history(originator),
            "client_hello_seen": negotiation.client_hello is not None,
            "downgrade": _downgrade(negotiation),
            "proxy_target": _text(negotiation.proxy_target),
            "handshake_error": negotiation.handshake_error,
        }
        _client(negotiation, facts)
        _server(negotiation, facts)
        _certificates(negotiation, self._certificates, facts)
        return Observation(**facts)


def _address(packed: bytes) -> str:
    return "{}.{}.{}.{}".format(*packed) if len(packed) == 4 else str(ipaddress.IPv6Address(packed))


def _text(data: bytes | None) -> str | None:
    return printable(data) if data else None


def _client(negotiation: Negotiation, facts: dict[str, Any]) -> None:
    hello = negotiation.client_hello
    if hello is None:
        return
    facts["server_name"] = _text(hello.server_name)
    if hello.sslv2:  # no extensions, and ciphers that are none of TLS: such fingerprints are nobody's
        return
    (facts["ja3"], facts["ja3_raw"]), (facts["ja4"], facts["ja4_raw"]) = of_client(hello, negotiation.transport)
    if hello.ech is not None:
        facts["ech_kdf_id"], facts["ech_aead_id"] = hello.ech


def _server(negotiation: Negotiation, facts: dict[str, Any]) -> None:
    hello = negotiation.server_hello or negotiation.retry
    if hello is None:
        return
    version = hello.version
    facts["version"] = names.version_name(version)
    facts["cipher"] = None if hello.cipher is None else names.cipher_name(hello.cipher)
    facts["curve"] = None if negotiation.group is None else names.group_name(negotiation.group)
    facts["next_protocol"] = _text(hello.alpn)
    if negotiation.server_hello is not None:
        facts["resumed"] = _resumed(negotiation)
        if version != SSLV2:
            facts["ja3s"], facts["ja3s_raw"] = of_server(hello)


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
    mark = server.random[-8:] if server else b""
    if server is not None and mark in (_SENTINEL_11, _SENTINEL_12):
        offered = [code for code in client.versions or () if code not in names.GREASE] or [client.version]
        got = tls_version(server.version)
        could = min(max(map(tls_version, offered)), TLS13)
        if got < could and (mark == _SENTINEL_12 or got < 0x0303):
            return "sentinel"
    return "scsv" if FALLBACK_SCSV in client.ciphers else None


def _certificates(negotiation: Negotiation, certificates: CertificateReader, facts: dict[str, Any]) -> None:
    assert negotiation.client is not None
    client, server = negotiation.sides[negotiation.client], negotiation.sides[1 - negotiation.client]
    facts["cert_visible"] = _visible(negotiation)
    if client.chain:
        facts["client_cert_chain_fps"] = tuple(hashlib.sha256(der).hexdigest() for der in client.chain)
    if server.chain:
        facts.update(certificates.facts(server.chain, facts.get("server_name"), facts["ts"]))
    elif server.key:
        facts.update(key_facts(server.key))
    if negotiation.certificate_error:
        facts["certificate_error"] = negotiation.certificate_error


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
