"""Captures crafted by another TLS implementation, whose values are known because we chose them."""

import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.tls.extensions import ServerName, TLS_Ext_ServerName
from scapy.layers.tls.handshake import TLSClientHello
from scapy.layers.tls.record import TLS
from scapy.packet import Packet, Raw
from scapy.utils import PcapNgWriter, PcapWriter

from enricher.model.observation import Observation
from enricher.sensor.capture import Sensor
from enricher.sensor.contract import WireSettings

ETHERNET = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
"""Both addresses given: scapy would ask the network for what is missing."""


class NoCertificates:
    def facts(self, chain: tuple[bytes, ...], server_name: str | None, ts: float) -> dict[str, object]:
        raise AssertionError("a ClientHello has no certificate")


def sensed(packets: list[Packet], writer: type) -> list[Observation]:
    with tempfile.NamedTemporaryFile() as file:
        with writer(file.name) as written:
            for packet in packets:
                written.write(packet)
        sensor = Sensor("crafted", WireSettings(), NoCertificates())
        return [*sensor.feed(file.read()), *sensor.close()]


def network(version: int) -> Packet:
    return IP(src="192.0.2.1", dst="192.0.2.2") if version == 4 else IPv6(src="2001:db8::1", dst="2001:db8::2")


@settings(max_examples=25, deadline=None)
@given(
    name=st.from_regex(r"[a-z]{1,20}\.example", fullmatch=True),
    ciphers=st.lists(st.sampled_from([0x002F, 0x0035, 0xC02F, 0xC030, 0x1301]), min_size=1, max_size=5, unique=True),
    version=st.sampled_from([4, 6]),
    vlan=st.booleans(),
    cut=st.integers(1, 60),
    writer=st.sampled_from([PcapWriter, PcapNgWriter]),
)
def test_a_hello_is_read_as_it_was_made(
    name: str, ciphers: list[int], version: int, vlan: bool, cut: int, writer: type
) -> None:
    extension = TLS_Ext_ServerName(servernames=[ServerName(servername=name.encode())])
    hello = bytes(TLS(msg=[TLSClientHello(ciphers=ciphers, ext=[extension])]))
    link = ETHERNET / Dot1Q(vlan=7) if vlan else ETHERNET

    def segment(seq: int, flags: str, data: bytes = b"") -> Packet:
        packet = link / network(version) / TCP(sport=50000, dport=443, seq=seq, flags=flags)
        return packet / Raw(data) if data else packet

    parts = [segment(1, "S"), segment(2, "PA", hello[:cut]), segment(2 + cut, "PA", hello[cut:])]
    (found,) = sensed(parts, writer)
    assert (found.server_name, found.orig_p, found.resp_p) == (name, 50000, 443)
    assert (found.ja3_raw or "").split(",")[1] == "-".join(map(str, ciphers))
    assert (found.client_hello_seen, found.established, found.handshake_error) == (True, None, None)
    assert found.orig_h == ("192.0.2.1" if version == 4 else "2001:db8::1")


@pytest.mark.parametrize("writer", [PcapWriter, PcapNgWriter])
def test_a_capture_without_tls_gives_nothing(writer: type) -> None:
    assert sensed([ETHERNET / network(4) / TCP(flags="PA") / Raw(b"GET / HTTP/1.1\r\n\r\n")], writer) == []
