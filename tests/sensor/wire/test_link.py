"""Every link layer, found by the segment that it carries; built by another implementation where it can."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.mpls import MPLS, EoMCW
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.packet import Packet, Raw

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.flow import Flow
from enricher.sensor.link import LINKS
from enricher.sensor.packet import Network
from enricher.sensor.passover import Passover, _Headers

MAC = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
PAYLOAD = b"what the frame carries"
V4 = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=443, flags="A") / Raw(PAYLOAD)
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1234, dport=443, flags="A") / Raw(PAYLOAD)
SNAPPED = LLC() / SNAP()
WIRELESS = Dot11(type=2, subtype=0, FCfield=1)
QUALITY = Dot11(type=2, subtype=8, FCfield=1) / Dot11QoS()
ETHER = Ether(**MAC)


def hexed(text: str, packet: Packet = V4) -> bytes:
    return bytes.fromhex(text) + bytes(packet)


def aggregate(*packets: Packet) -> bytes:
    """An A-MSDU."""
    subframes = b""
    for packet in packets:
        body = bytes(SNAPPED / packet)
        subframes += bytes(-len(subframes) % 4) + bytes(12) + struct.pack(">H", len(body)) + body
    header = bytes(QUALITY)
    return header[:-2] + b"\x80\0" + subframes


def padded(length: int) -> bytes:
    """A radiotap header that says that the frame's header is padded, with the clock before the flags."""
    return struct.pack("<BBHI", 0, 0, 17, 3) + bytes(8) + b"\x20" + bytes(QUALITY) + bytes(length)


FRAMES = {
    "Ethernet": (1, bytes(ETHER / V4)),
    "Ethernet, IPv6": (1, bytes(ETHER / V6)),
    "802.1Q": (1, bytes(ETHER / Dot1Q(vlan=7) / V4)),
    "802.1ad": (1, bytes(ETHER / Dot1AD(vlan=8) / Dot1Q(vlan=7) / V6)),
    "old QinQ": (1, bytes(Ether(**MAC, type=0x9100) / Dot1Q(vlan=8) / Dot1Q(vlan=7) / V4)),
    "VN-Tag": (1, bytes(Ether(**MAC, type=0x8926) / Raw(bytes(4) + b"\x08\0" + bytes(V4)))),
    "backbone bridge": (1, bytes(Ether(**MAC, type=0x88E7) / Raw(bytes(4)) / ETHER / V4)),
    "MPLS": (1, bytes(ETHER / MPLS(label=16, s=0) / MPLS(label=17, s=1) / V4)),
    "MPLS, IPv6": (1, bytes(ETHER / MPLS(label=17, s=1) / V6)),
    "MPLS multicast": (1, bytes(Ether(**MAC, type=0x8848) / MPLS(label=17, s=1) / V4)),
    "pseudowire": (1, bytes(ETHER / MPLS(label=17, s=1) / EoMCW() / ETHER / Dot1Q(vlan=7) / V4)),
    "pseudowire without control word": (
        1,
        bytes(ETHER / MPLS(label=17, s=1) / Ether(src=MAC["src"], dst="40:00:00:00:00:01") / V4),
    ),
    "pseudowire to another address": (
        1,
        bytes(ETHER / MPLS(label=17, s=1) / Ether(src=MAC["src"], dst="ae:00:00:00:00:01") / V6),
    ),
    "PPPoE": (1, bytes(ETHER / PPPoE(sessionid=5) / PPP() / V6)),
    "PPPoE in QinQ": (1, bytes(ETHER / Dot1AD(vlan=8) / Dot1Q(vlan=7) / PPPoE(sessionid=5) / PPP() / V4)),
    "LLC and SNAP": (1, hexed("020000000002020000000001004a" + "aaaa03000000" + "0800")),
    "LLC with IP": (1, hexed("020000000002020000000001004a" + "060603")),
    "raw": (101, bytes(V4)),
    "raw, IPv6": (101, bytes(V6)),
    "raw as BSD numbers it": (12, bytes(V4)),
    "raw as OpenBSD numbers it": (14, bytes(V6)),
    "IPv4": (228, bytes(V4)),
    "IPv6": (229, bytes(V6)),
    "cooked": (113, bytes(CookedLinux() / V4)),
    "cooked, tagged": (113, bytes(CookedLinux(proto=0x8100) / Raw(b"\0\7\x86\xdd" + bytes(V6)))),
    "cooked, version 2": (276, bytes(CookedLinuxV2() / V6)),
    "null": (0, hexed("02000000")),
    "null, other order": (0, hexed("0000001e", V6)),
    "null of FreeBSD": (0, hexed("1c000000", V6)),
    "null of NetBSD": (0, hexed("18000000", V6)),
    "loopback": (108, hexed("00000002")),
    "PPP": (9, bytes(PPP() / V4)),
    "PPP in HDLC framing": (9, bytes(HDLC() / PPP() / V6)),
    "PPP, compressed protocol": (9, hexed("21")),
    "PPP, compressed protocol in HDLC framing": (50, hexed("ff0357", V6)),
    "PPP with MPLS": (9, hexed("0281" + "00010140")),
    "PPP with MPLS multicast": (9, hexed("0283" + "00010140")),
    "PPPoE alone": (51, bytes(PPPoE(sessionid=5) / PPP() / V4)),
    "PPP with direction": (204, hexed("01" + "ff030021")),
    "Cisco HDLC": (104, hexed("0f000800")),
    "Cisco HDLC among PPP": (50, hexed("8f0086dd", V6)),
    "Cisco HDLC with direction": (205, hexed("01" + "0f000800")),
    "MPLS alone": (219, bytes(MPLS(label=17, s=1) / V4)),
    "FDDI": (10, bytes(13) + bytes(SNAPPED / V4)),
    "NFLOG": (239, hexed("02000000" + "0800010000000000" + "05000a0061000000" + "44000900")),
    "NFLOG, other order": (239, hexed("02000000" + "0008000100000000" + "00440009")),
    "802.11": (105, bytes(WIRELESS / SNAPPED / V4)),
    "802.11 with quality of service": (105, bytes(QUALITY / SNAPPED / V6)),
    "802.11 with high throughput control": (
        105,
        bytes(Dot11(type=2, subtype=8, FCfield=0x81)) + bytes(6) + bytes(SNAPPED / V4),
    ),
    "802.11 with four addresses": (105, bytes(Dot11(type=2, subtype=0, FCfield=3, addr4=MAC["src"]) / SNAPPED / V4)),
    "802.11, aggregate": (105, aggregate(V4)),
    "radiotap": (127, bytes(RadioTap() / WIRELESS / SNAPPED / V4)),
    "radiotap, padded": (127, padded(2) + bytes(SNAPPED / V4)),
    "radiotap, more words": (
        127,
        struct.pack("<BBHII", 0, 0, 25, 0x80000003, 0)
        + bytes(4 + 8)
        + b"\x20"
        + bytes(QUALITY)
        + bytes(2)
        + bytes(SNAPPED / V4),
    ),
    "prism": (119, struct.pack("<II", 0x44, 144) + bytes(136) + bytes(WIRELESS / SNAPPED / V4)),
    "prism, other order": (119, struct.pack(">II", 0x44, 144) + bytes(136) + bytes(WIRELESS / SNAPPED / V4)),
    "AVS": (163, struct.pack(">II", 0x80211001, 64) + bytes(56) + bytes(WIRELESS / SNAPPED / V4)),
    "AVS as prism": (119, struct.pack(">II", 0x80211001, 64) + bytes(56) + bytes(WIRELESS / SNAPPED / V4)),
    "PPI": (192, struct.pack("<BBHI", 0, 0, 12, 105) + bytes(4) + bytes(WIRELESS / SNAPPED / V6)),
}


class Taken:
    def __init__(self, number, halves=None):
        self.payloads, self.counters = [], Counters()
        network = Network(WireSettings(), self.counters, self.take, self.take)
        self.take_frame = Passover(
            LINKS[number], {} if halves is None else halves, network.packet, self.counters
        ).packet

    def take(self, _frame, _ts, _key, data, start, end, *_):
        self.payloads.append(data[start:end])

    def frame(self, frame, before=b"", after=b"next record"):
        self.take_frame(1, 1.0, before + frame + after, len(before), len(before) + len(frame))
        return self


@pytest.mark.parametrize("name", FRAMES)
def test_the_segment_in_a_frame_is_found_wherever_it_lies_and_again_when_the_header_is_known(name):
    number, frame = FRAMES[name]
    taken = Taken(number)
    for before in (b"", b"x" * 33, b""):
        taken.frame(frame, before)
    assert taken.payloads == [PAYLOAD] * 3
    assert Taken(number).frame(frame + b"\1\2\3\4").payloads == [PAYLOAD]


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_anywhere_gives_less_and_never_what_lies_behind_it(name):
    number, frame = FRAMES[name]
    known = Taken(number).frame(frame)
    for size in range(len(frame)):
        taken = Taken(number).frame(frame[:size], after=frame[size:])
        assert taken.payloads == Taken(number).frame(frame[:size], after=b"").payloads
        assert all(PAYLOAD.startswith(payload) for payload in taken.payloads)
        counters = taken.counters
        assert len(taken.payloads) + counters.packets_other + counters.packets_malformed == 1
        for after in (frame[size:], b""):
            known.payloads.clear()
            before = known.counters.packets_other
            assert known.frame(frame[:size], after=after).payloads == taken.payloads
            assert known.counters.packets_other - before == counters.packets_other


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_a_direction_that_is_done_are_passed_over_but_for_a_syn(name):
    number, frame = FRAMES[name]
    keys = []
    network = Network(WireSettings(), Counters(), lambda *taken: keys.append(taken[2]), print)
    Passover(LINKS[number], {}, network.packet, Counters()).packet(1, 1.0, frame, 0, len(frame))
    half = Flow(keys[0]).halves[0]
    half.done = True
    taken = Taken(number, {keys[0]: half})
    for _ in range(3):
        taken.frame(frame, b"before")
    passing = LINKS[number].field is not None  # a header that is never the same twice is not remembered
    assert len(taken.payloads) == (1 if passing else 3)
    assert (half.last == 1.0) == passing
    flags = frame.rindex(PAYLOAD) - 7
    taken.payloads.clear()
    assert taken.frame(frame[:flags] + b"\2" + frame[flags + 1 :]).payloads == [PAYLOAD]
    half.done = False
    assert taken.frame(frame).payloads == [PAYLOAD] * 2


def test_a_fragment_or_another_protocol_is_not_passed_over_for_the_addresses_of_a_done_direction():
    frame = bytes(ETHER / V4)
    half = Flow(frame[26:38]).halves[0]
    half.done = True
    taken = Taken(1, {frame[26:38]: half}).frame(frame).frame(frame)
    assert len(taken.payloads) == 1
    for identity_and_place in (b"\0\1\x20\0", b"\0\2\0\1", b"\0\3\x1f\0"):
        taken.frame(frame[:18] + identity_and_place + frame[22:])
    assert taken.counters.fragments == 3
    taken.frame(frame[:23] + b"\x11" + frame[24:])
    assert len(taken.payloads) == 2


def test_a_frame_of_a_done_direction_that_is_cut_before_its_flags_is_not_passed_over():
    frame = bytes(ETHER / V4)
    half = Flow(frame[26:38]).halves[0]
    half.done = True
    taken = Taken(1, {frame[26:38]: half}).frame(frame).frame(frame)
    half.last = 0.0
    for size in range(39, 54):
        taken.frame(frame[:size], after=frame[size:])
    assert taken.counters.packets_malformed == 15
    assert half.last < 1.0


def test_frames_of_all_kinds_may_alternate_on_one_link():
    frames = [frame for number, frame in FRAMES.values() if number == 1]
    taken = Taken(1)
    for _ in range(3):
        for frame in frames:
            taken.frame(frame)
            taken.frame(frames[0])
    assert taken.payloads == [PAYLOAD] * 6 * len(frames)


def test_headers_that_change_with_every_frame_are_remembered_within_bounds():
    taken, headers = Taken(1), _Headers(12)
    packet = b"\x08\0" + bytes(V4)
    for vlan in range(3000):
        frame = bytes(12) + b"\x81\0" + struct.pack(">H", vlan) + packet
        taken.frame(frame)
        headers.learn(frame, 0, 18)
    assert taken.payloads == [PAYLOAD] * 3000
    assert len(headers._shapes) == 1024


@pytest.mark.parametrize(
    ("number", "frame"),
    [
        (1, bytes(Ether(**MAC, type=0x0806) / Raw(bytes(46)))),
        (1, bytes(ETHER)[:12] + b"\x81\0" * 400),
        (1, bytes(Ether(**MAC, type=0x8847) / Raw(bytes(400)))),
        (1, bytes.fromhex("020000000002020000000001004aaaaa03000000") + b"\x88\xcc" + bytes(40)),
        (1, bytes.fromhex("020000000002020000000001004a424203") + bytes(V4)),
        (9, b"\xc0\x21" + bytes(V4)),
        (0, b"\0\0\0\7" + bytes(V4)),
        (105, bytes(Dot11(type=2, subtype=0, FCfield=0x41) / Raw(bytes(SNAPPED / V4)))),
        (105, bytes(Dot11(type=2, subtype=4, FCfield=1) / Raw(bytes(SNAPPED / V4)))),
        (105, bytes(Dot11(type=0, subtype=8) / Raw(bytes(SNAPPED / V4)))),
        (192, struct.pack("<BBHI", 0, 0, 8, 192) * 4000),
        (192, struct.pack("<BBHI", 0, 0, 8, 147) + bytes(V4)),
        (163, bytes(200)),
    ],
)
def test_what_holds_no_ip_is_counted(number, frame):
    taken = Taken(number).frame(frame)
    assert not taken.payloads
    assert taken.counters.packets_other + taken.counters.packets_malformed == 1


@given(st.sampled_from(sorted(LINKS)), st.binary(max_size=120), st.integers(0, 9))
def test_any_bytes_hold_ip_within_them_or_not_at_all(number, data, begin):
    ip = LINKS[number].walk(b"x" * begin + data, begin, begin + len(data))
    assert ip == -1 or begin <= ip < begin + len(data)
    assert ip == LINKS[number].walk(b"x" * begin + data + b"\x45\x60" * 20, begin, begin + len(data))


@given(st.sampled_from(sorted(FRAMES)), st.data())
def test_a_spoilt_frame_is_read_the_same_with_and_without_a_known_header(name, data):
    number, frame = FRAMES[name]
    spoilt = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 3))):
        spoilt[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    fresh, known = Taken(number), Taken(number).frame(frame)
    known.payloads.clear()
    assert fresh.frame(bytes(spoilt)).payloads == known.frame(bytes(spoilt), b"before", b"").payloads
