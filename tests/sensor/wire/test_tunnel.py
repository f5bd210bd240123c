"""Tunnels as another implementation builds them, and as attackers would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11, Dot11QoS
from scapy.layers.inet import GRE, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE_PPTP, LLC, SNAP, Dot1Q, Ether
from scapy.layers.ppp import HDLC, PPP
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.packet import Network, addresses
from enricher.sensor.tunnel import IP_TUNNELS, UDP_TUNNELS

MAC = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
OUTER = IP(src="198.51.100.1", dst="198.51.100.2")
OUTER6 = IPv6(src="2001:db8:ffff::1", dst="2001:db8:ffff::2")
PAYLOAD = b"the innermost payload"
LONG, SHORT = b"\2\1\1\0\1\1\1\xc0", b"\1\1\1\0"
AUTHENTICATION = b"\0\1\2\3" + b"id" + b"key" + bytes(9)
ORIGIN = b"\0\0" + bytes(6)


def inner(version: int = 4) -> Packet:
    ip = IP(src="10.0.0.1", dst="10.0.0.2") if version == 4 else IPv6(src="2001::1", dst="2001:db8::2")
    return ip / TCP(sport=1234, dport=443, flags="PA") / Raw(PAYLOAD)


def frame(version: int = 4) -> Packet:
    return Ether(**MAC) / inner(version)


def taken(packet: bytes, before: bytes = b"", after: bytes = b"next record", **settings: int):
    """Ports and payload of each segment and datagram in an IP packet, and the counters."""
    segments, datagrams, counters = [], [], Counters()

    def segment(_frame, _ts, key, data, start, end, _seq, _flags):
        segments.append((*addresses(key)[1::2], data[start:end]))

    def datagram(_frame, _ts, key, data, start, end):
        datagrams.append((*addresses(key)[1::2], data[start:end]))

    network = Network(WireSettings(**settings), counters, segment, datagram)
    network.packet(1, 1.0, before + packet + after, len(before), len(before) + len(packet))
    network.close()
    return segments, datagrams, counters


def udp(port: int, source: int = 50000) -> Packet:
    return OUTER / UDP(sport=source, dport=port)


TUNNELS = {
    "IP in IP": OUTER / inner(),
    "6in4": OUTER / inner(6),
    "4in6": OUTER6 / inner(),
    "6in6": OUTER6 / inner(6),
    "GRE": OUTER / GRE() / inner(),
    "GRE over IPv6": OUTER6 / GRE() / inner(6),
    "GRE with key": OUTER / GRE(key_present=1, key=7) / inner(),
    "GRE with everything": OUTER
    / GRE(chksum_present=1, key_present=1, key=7, seqnum_present=1, sequence_number=9)
    / inner(),
    "GRE with routes": OUTER / Raw(b"\x40\0\x08\0" + bytes(4) + b"\0\2\0\4" + bytes(4) + bytes(4) + bytes(inner())),
    "GRE with Ethernet": OUTER / GRE(proto=0x6558) / frame(),
    "GRE with tagged Ethernet": OUTER / GRE(proto=0x6558) / Ether(**MAC) / Dot1Q(vlan=7) / inner(),
    "GRE with MPLS": OUTER / GRE(proto=0x8847) / MPLS(label=16, s=0) / MPLS(label=17, s=1) / inner(),
    "GRE with PPP": OUTER / GRE(proto=0x880B) / HDLC() / PPP() / inner(),
    "GRE with 802.11": OUTER
    / GRE(proto=0x8200)
    / Dot11(type=2, subtype=8, FCfield=1)
    / Dot11QoS()
    / LLC()
    / SNAP()
    / inner(),
    "GRE in UDP": udp(4754) / GRE() / inner(),
    "PPTP": OUTER / GRE_PPTP(seqnum_present=1, sequence_number=3, acknum_present=1, ack_number=2) / PPP() / inner(),
    "ERSPAN I": OUTER / GRE(proto=0x88BE) / ERSPAN_I() / frame(),
    "ERSPAN II": OUTER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(session_id=5) / frame(),
    "ERSPAN III": OUTER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(session_id=5) / frame(6),
    "ERSPAN III with its subheader": OUTER
    / GRE(proto=0x22EB, seqnum_present=1)
    / ERSPAN_III(o=1)
    / ERSPAN_PlatformSpecific()
    / frame(),
    "ERSPAN III with IP": OUTER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(ft=2) / Raw(bytes(inner())),
    "Ethernet in IP": OUTER / Raw(b"\x30\0" + bytes(frame())),
    "MPLS in IP": OUTER / MPLS(label=16, s=1) / inner(),
    "VXLAN": udp(4789) / VXLAN(vni=5, flags=8) / frame(),
    "VXLAN with group policy": udp(4789) / VXLAN(vni=5, flags=0x88, gpid=9) / frame(),
    "VXLAN of Linux": udp(8472) / VXLAN(vni=5, flags=8) / frame(6),
    "VXLAN generic": udp(4790) / Raw(b"\x0c\0\0\2\0\0\7\0" + bytes(inner(6))),
    "GENEVE": udp(6081) / GENEVE(vni=5) / frame(),
    "GENEVE with options": udp(6081) / GENEVE(vni=5, optionlen=2, options=Raw(b"\0\1\0\1word")) / frame(6),
    "GENEVE with IP": udp(6081) / GENEVE(vni=5, proto=0x0800) / inner(),
    "GTP-U": udp(2152) / GTP_U_Header(teid=5, gtp_type=255) / inner(),
    "GTP-U with a sequence": udp(2152) / GTP_U_Header(teid=5, gtp_type=255, S=1, seq=4) / inner(6),
    "GTP-U with an extension": udp(2152)
    / GTP_U_Header(teid=5, gtp_type=255, E=1, next_ex=0x85)
    / GTPPDUSessionContainer(type=0, QFI=1)
    / inner(),
    "GTP-U with several extensions": udp(2152)
    / Raw(b"\x34\xff" + (16 + len(inner())).to_bytes(2, "big") + bytes(7) + b"\x85" + LONG + SHORT + bytes(inner())),
    "GTP-U from its port": udp(40000, 2152) / GTP_U_Header(teid=5, gtp_type=255) / inner(),
    "Teredo": udp(3544) / Raw(bytes(inner(6))),
    "Teredo from client to relay": udp(3545, 3797) / Raw(bytes(inner(6))),
    "Teredo with indications": udp(3544) / Raw(AUTHENTICATION + ORIGIN + bytes(inner(6))),
    "AYIYA": udp(5072) / Raw(b"\x42\x52\x11\x29" + bytes(4) + bytes(16) + bytes(20) + bytes(inner(6))),
    "VXLAN in GRE in IPv6": OUTER6 / GRE(key_present=1) / udp(4789) / VXLAN(flags=8) / frame(6),
}
PROTOCOLS = {"Ethernet in IP": 97, "MPLS in IP": 137, "GRE with routes": 47}


def wire_bytes(name: str) -> bytes:
    packet = bytes(TUNNELS[name])
    return packet[:9] + bytes([PROTOCOLS[name]]) + packet[10:] if name in PROTOCOLS else packet


@pytest.mark.parametrize("name", TUNNELS)
def test_the_segment_inside_a_tunnel_is_found_wherever_the_packet_lies(name):
    for before in (b"", b"x" * 33):
        segments, datagrams, counters = taken(wire_bytes(name), before)
        assert segments == [(1234, 443, PAYLOAD)]
        assert not datagrams
        assert not counters.packets_malformed
        assert counters.packets_tunneled == (2 if name.startswith("VXLAN in GRE") else 1)


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_cut_anywhere_gives_less_and_never_what_lies_behind_it(name):
    packet = wire_bytes(name)
    for size in range(1, len(packet)):
        segments, datagrams, counters = taken(packet[:size], after=packet[size:])
        assert (segments, datagrams) == taken(packet[:size], after=b"")[:2]
        assert all(PAYLOAD.startswith(payload) for *_, payload in segments)
        assert len(segments) + len(datagrams) + counters.packets_malformed + counters.packets_other == 1


@pytest.mark.parametrize("port", UDP_TUNNELS)
@pytest.mark.parametrize(
    "payload",
    [
        b"\x16\xfe\xfd" + bytes(60),
        b"\xc3\0\0\0\1\x08" + bytes(range(60)),
        b"\x60" + bytes(range(70)),
        b"\x30\xff\0\x08" + bytes(40),
        b"\x08\0\0\0" + bytes(60),
        b"\x30\xff\0\x08" + bytes(4) + bytes(inner()),
        bytes(8) + bytes(frame()),
        b"\x40\0\x65\x58" + bytes(4 + 256) + bytes(frame()),
        b"\0\0\x08\0" + bytes(4) + b"\x99" * 40,
        b"E" * 60,
        b"short",
        b"",
    ],
)
def test_a_datagram_on_a_tunnel_port_that_holds_no_tunnel_is_a_datagram(port, payload):
    assert taken(bytes(udp(port) / Raw(payload)))[1] == [(50000, port, payload)]
    assert taken(bytes(udp(50000, port) / Raw(payload)))[1] == [(port, 50000, payload)]


def test_a_datagram_in_a_tunnel_is_a_datagram():
    dns = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1234, dport=53) / Raw(b"query")
    assert taken(bytes(udp(4789) / VXLAN(flags=8) / Ether(**MAC) / dns))[1] == [(1234, 53, b"query")]


@pytest.mark.parametrize(
    "packet",
    [
        OUTER / GRE(proto=0x6558) / Ether(**MAC, type=0x0806) / Raw(bytes(46)),
        OUTER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II() / Ether(**MAC, type=0x88CC) / Raw(bytes(46)),
        OUTER / GRE_PPTP(acknum_present=1, ack_number=2),
        OUTER / GRE_PPTP(seqnum_present=1) / PPP(proto=0xC021) / Raw(bytes(30)),
        OUTER / GRE(proto=0),
    ],
    ids=["ARP", "LLDP", "acknowledgement", "LCP", "keepalive"],
)
def test_a_tunnel_without_ip_in_it_is_counted_and_hides_no_session(packet):
    _, datagrams, counters = taken(bytes(packet))
    assert not datagrams
    assert (counters.packets_other, counters.packets_malformed) == (1, 0)


def test_a_datagram_that_begins_like_ipv6_without_an_address_of_teredo_is_a_datagram():
    for payload in (bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP() / Raw(PAYLOAD)), b"\x60" * 30, b"\x60"):
        assert taken(bytes(udp(3545, 3797) / Raw(payload)))[1] == [(3797, 3545, payload)]


def test_gre_of_an_unknown_version_is_no_tunnel():
    packet = OUTER / Raw(b"\0\2\x08\0" + bytes(inner()))
    assert not taken(bytes(packet)[:9] + b"\x2f" + bytes(packet)[10:])[0]


def test_tunnels_in_tunnels_are_entered_to_a_bound_and_counted_beyond_it():
    def nested(levels):
        packet = inner()
        for _ in range(levels):
            packet = OUTER / packet
        return taken(bytes(packet))

    assert nested(8)[0] == [(1234, 443, PAYLOAD)]
    segments, _, counters = nested(9)
    assert (segments, counters.packets_too_deep) == ([], 1)
    assert nested(40)[2].packets_too_deep == 1


@given(st.sampled_from(list(TUNNELS)), st.data())
def test_a_spoilt_tunnel_harms_nothing_and_is_read_the_same_wherever_it_lies(name, data):
    packet = bytearray(wire_bytes(name))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    whole = bytes(packet[: data.draw(st.integers(1, len(packet)))])
    assert taken(whole, after=b"") == taken(whole, b"before", b"E" * 100)


@given(st.sampled_from([*UDP_TUNNELS.values(), *IP_TUNNELS.values()]), st.binary(max_size=120), st.integers(0, 9))
def test_any_bytes_are_no_tunnel_or_one_that_holds_ip_within_them(tunnel, data, begin):
    ip = tunnel(b"x" * begin + data, begin, begin + len(data))
    assert ip == -1 or (begin <= ip <= begin + len(data) - 20 and (b"x" * begin + data)[ip] >> 4 in (4, 6))
