"""Zeek and the embedded sensor say the same of QUIC that, unlike the bundled one, is not greased."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import record
from test_parity import ZEEK, differences, spicy, zeek

pytest.importorskip("aioquic")
from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicProtocolVersion, encode_quic_retry, pull_quic_header
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

pytestmark = pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")

CLIENT, SERVER = ("10.0.0.1", 40000), ("203.0.113.9", 443)
V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2
MANY = ["h3", *(f"protocol-number-{n}" for n in range(150))]
"""A ClientHello that offers them needs several packets, as one with keys against quantum computers does."""


class Peers:
    """A client and a server in memory, and what they send."""

    def __init__(self, *, retry: bool = False, **client: Any) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
        self.serving = QuicConfiguration(is_client=False, alpn_protocols=["h3"], supported_versions=[V1, V2])
        self.serving.certificate, self.serving.private_key = made.sign(key, hashes.SHA256()), key
        self.client = {"alpn_protocols": ["h3"], "supported_versions": [V1], **client}
        self.retry = retry
        self.sent: list[tuple[int, int, bytes]] = []
        """Connection, side and datagram."""
        self.tickets: list[Any] = []
        self.known: dict[bytes, Any] = {}

    def talk(self, **more: Any) -> None:
        """One connection."""
        number = len({which for which, _, _ in self.sent})
        settings = QuicConfiguration(server_name="a.example", verify_mode=ssl.CERT_NONE, **self.client, **more)
        ends = [QuicConnection(configuration=settings, session_ticket_handler=self.tickets.append)]
        ends[0].connect(SERVER, now=0.0)
        for now in range(1, 20):
            for side in (0, 1):
                for datagram, _ in ends[side].datagrams_to_send(now / 10) if side < len(ends) else ():
                    self.sent.append((number, side, datagram))
                    if not side and len(ends) == 1:
                        ends += self.accept(number, datagram, ends[0])
                    if len(ends) > 1:
                        ends[1 - side].receive_datagram(datagram, (CLIENT, SERVER)[side], now=now / 10)

    def accept(self, number: int, datagram: bytes, client: QuicConnection) -> Iterator[QuicConnection]:
        """The server's end, or its Retry first."""
        header = pull_quic_header(Buffer(data=datagram), host_cid_length=8)
        ids: dict[str, Any] = {"original_destination_connection_id": header.destination_cid}
        if self.retry and not header.token:
            self.first = header.destination_cid
            again = encode_quic_retry(header.version, b"retried!", header.source_cid, self.first, b"token")
            self.sent.append((number, 1, again))
            client.receive_datagram(again, SERVER, now=0.1)
            return
        if self.retry:
            ids = {"original_destination_connection_id": self.first, "retry_source_connection_id": b"retried!"}
        yield QuicConnection(
            configuration=self.serving,
            session_ticket_fetcher=self.known.get,
            session_ticket_handler=lambda ticket: self.known.update({ticket.ticket: ticket}),
            **ids,
        )


def differing(name: str, peers: Peers, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the two do not agree of what was sent."""
    packets = []
    for n, (number, side, datagram) in enumerate(peers.sent, 1):
        (source, source_port), (target, target_port) = (CLIENT, SERVER) if not side else (SERVER, CLIENT)
        ports = (source_port + number, target_port) if not side else (source_port, target_port + number)
        packet = Ether() / IP(src=source, dst=target) / UDP(sport=ports[0], dport=ports[1]) / datagram
        packet.time = 1.7e9 + n / 100
        packets.append(packet)
    wrpcap(str(folder / "capture.pcap"), packets)
    monkeypatch.setitem(record.CASES, name, {"captures": [folder / "capture.pcap"], "ca_bundle": "ca.pem"})
    return differences(name, "live")[0]


@pytest.fixture(scope="module", autouse=True)
def _with_spicy() -> None:
    if not spicy("live"):
        pytest.skip("this Zeek was built without Spicy")


@pytest.mark.parametrize(
    ("name", "how", "established", "history"),
    [
        ("version 1", {}, True, "Cs"),
        ("version 2", {"supported_versions": [V2]}, True, "Cs"),
        ("Retry", {"retry": True}, True, "Cs"),
        ("long hello", {"alpn_protocols": MANY}, True, "Cs"),
        ("refused", {"alpn_protocols": ["other"]}, False, "Cl"),
    ],
)
def test_both_see_the_same_of_quic(name, how, established, history, tmp_path, monkeypatch):
    peers = Peers(**how)
    peers.talk()
    assert differing(name, peers, tmp_path, monkeypatch) == []
    (seen,) = zeek(name, "live")
    assert (seen.version, seen.established, seen.ssl_history) == (
        "TLSv13" if established else None,
        established,
        history,
    )
    assert seen.ja4.startswith("q13d")
    assert seen.last_alert == (None if established else "no_application_protocol")


def test_both_see_a_resumption_in_quic(tmp_path, monkeypatch):
    peers = Peers()
    peers.talk()
    peers.talk(session_ticket=peers.tickets[0])
    assert differing("resumed", peers, tmp_path, monkeypatch) == []
    assert [seen.resumed for seen in zeek("resumed", "live")] == [False, True]
