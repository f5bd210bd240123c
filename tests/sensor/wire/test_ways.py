"""Whole handshakes on every way that a packet can take to the sensor: the facts are the same."""

import struct
import zlib

import msgspec
import pytest

VXLAN, GENEVE, GTP = b"\x08\0\0\0\0\0\7\0", b"\0\0\x65\x58\0\0\7\0", b"\x30\xff"


def ip(protocol, body):
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
    return header + bytes((192, 0, 2, 1, 192, 0, 2, 2)) + body


def udp_to(port, body):
    return ip(17, struct.pack(">HHHH", 50000, port, 8 + len(body), 0) + body)


def kind(packet):
    return b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"


def ethernet(packet):
    return bytes(12) + kind(packet) + packet


def fragments(packet, size=64):
    """In reverse, each packet with its own identification."""
    body = packet[20:]
    identity = struct.pack(">H", zlib.crc32(packet) & 0xFFFF)
    found = []
    for start in range(0, len(body), size):
        more = 0x2000 * (start + size < len(body))
        piece = body[start : start + size]
        head = packet[:2] + struct.pack(">H", 20 + len(piece)) + identity + struct.pack(">H", more | start // 8)
        found.append(head + packet[8:20] + piece)
    return found[::-1]


FRAMES = {  # link type, and what is put around an IP packet
    "raw": (101, lambda packet: packet),
    "cooked": (113, lambda packet: bytes(14) + kind(packet) + packet),
    "VLAN": (113, lambda packet: bytes(14) + b"\x88\xa8\0\7\x81\0\0\7" + kind(packet) + packet),
    "MPLS": (113, lambda packet: bytes(14) + b"\x88\x47\0\1\0\x40\0\1\1\x40" + packet),
    "VXLAN": (101, lambda packet: udp_to(4789, VXLAN + ethernet(packet))),
    "GENEVE": (101, lambda packet: udp_to(6081, GENEVE + ethernet(packet))),
    "GTP-U": (101, lambda packet: udp_to(2152, GTP + struct.pack(">HI", len(packet), 7) + packet)),
    "GRE": (101, lambda packet: ip(47, b"\0\0" + kind(packet) + packet)),
    "IP in IP": (101, lambda packet: ip(4 if packet[0] >> 4 == 4 else 41, packet)),
}


@pytest.mark.parametrize("way", FRAMES)
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("chunk", [None, 61])
def test_a_handshake_gives_the_same_facts_on_every_way(wire, way, version, chunk):
    ends = {"client": wire.client6, "server": wire.server6} if version == 6 else {}
    packets = wire.conversation(wire.full(), mss=300, **ends)
    plain = wire.sense(wire.pcap(packets))
    assert len(plain) == 1
    link, wrap = FRAMES[way]
    assert wire.sense(wire.pcap([(ts, wrap(packet)) for ts, packet in packets], link=link), chunk) == plain


def test_a_handshake_in_fragments_gives_the_same_facts(wire):
    packets = wire.conversation(wire.full())
    shredded = [(ts, piece) for ts, packet in packets for piece in fragments(packet)]
    (plain,), (found,) = (wire.sense(wire.pcap(some)) for some in (packets, shredded))
    assert found.source != plain.source
    assert msgspec.structs.replace(found, source=plain.source) == plain


@pytest.mark.parametrize("port", [2152, 3544, 4789, 6081, 8472])
def test_dtls_on_a_port_of_tunnels_is_seen_as_what_it_is(wire, udp, port):
    def renamed(packet):
        return packet[:20] + packet[20:24].replace(struct.pack(">H", 4433), struct.pack(">H", port)) + packet[24:]

    datagrams = udp.datagrams(udp.full())
    packets = [(1.7e9 + number, renamed(udp.packet(*datagram))) for number, datagram in enumerate(datagrams)]
    (found,) = wire.sense(wire.pcap(packets, link=101))
    assert (found.proto, found.version, found.resp_p, found.established) == ("udp", "DTLSv12", port, True)


def test_what_the_network_layer_leaves_out_is_told(wire):
    first, *_ = fragments(wire.conversation(wire.full())[2][1])
    nested = wire.tcp(wire.client, wire.server, 1, 0)
    for _ in range(20):
        nested = ip(4, nested)
    sensor = wire.sensor()
    sensor.feed(wire.pcap([(1.0, first), (2.0, nested)], link=101))
    sensor.close()
    assert sensor.skipped == {"fragments_dropped": 1, "packets_too_deep": 1}
