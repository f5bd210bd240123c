import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.packet import Network, addresses, reverse


class Taken:
    """What the network layer handed on of packets, each as it would be read from its buffer."""

    def __init__(self, **settings):
        self.keys, self.segments, self.datagrams, self.counters = [], [], [], Counters()
        self.network = Network(WireSettings(**settings), self.counters, self.segment, self.datagram)

    def segment(self, frame, ts, key, data, start, end, seq, flags):
        self.keys.append(key)
        self.segments.append((addresses(key), seq, flags, data[start:end]))

    def datagram(self, frame, ts, key, data, start, end):
        self.datagrams.append((addresses(key), data[start:end]))


def decode(ip, before=b"", after=b"next record"):
    taken = Taken()
    taken.network.packet(1, 1.0, before + ip + after, len(before), len(before) + len(ip))
    return taken.segments[0] if taken.segments else None, taken.counters


def udp(wire, source, destination, payload, pad=b""):
    """An IP packet with a UDP datagram, made of one with TCP."""
    ip = wire.tcp(source, destination, 0, 0)[:-20]
    datagram = struct.pack(">HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    if len(ip) == 20:
        ip = ip[:2] + struct.pack(">H", 20 + len(datagram)) + ip[4:9] + b"\x11" + ip[10:]
    else:
        ip = ip[:4] + struct.pack(">HB", len(datagram), 17) + ip[7:]
    return ip + datagram + pad


def with_extensions(ip, *chain):
    """An IPv6 packet with extension headers put in: (number, content after the first byte)."""
    numbers = [number for number, _ in chain] + [6]
    headers = b"".join(bytes([following]) + body for following, (_, body) in zip(numbers[1:], chain, strict=True))
    length = struct.pack(">H", len(ip) - 40 + len(headers))
    return ip[:4] + length + bytes([numbers[0]]) + ip[7:40] + headers + ip[40:]


@pytest.mark.parametrize("before", [b"", b"x" * 33])
def test_a_tcp_segment_is_found_in_ipv4(wire, before):
    found, _ = decode(wire.tcp(wire.client, wire.server, 7, wire.ack, b"payload", pad=b"ethernet pads"), before)
    assert found == ((b"\n\0\0\1", 40000, b"\xcb\0\x71\x09", 443), 7, wire.ack, b"payload")


def test_a_tcp_segment_is_found_in_ipv6(wire):
    found, _ = decode(wire.tcp(wire.client6, wire.server6, 7, wire.syn, b"payload", pad=b"pad"))
    assert found is not None
    assert found[0][1::2] == (40000, 443)
    assert found[1:] == (7, wire.syn, b"payload")


def test_ip_options_and_tcp_options_are_stepped_over(wire):
    ip = wire.tcp(wire.client, wire.server, 7, wire.ack, b"options!payload")
    ip = ip[:32] + b"\x70" + ip[33:]
    assert decode(ip)[0][3] == b"payload"
    plain = decode(wire.tcp(wire.client, wire.server, 7, wire.ack, b"payload"))[0]
    ip = wire.tcp(wire.client, wire.server, 7, wire.ack, b"payload")
    longer = b"\x47\0" + struct.pack(">H", len(ip) + 8) + ip[4:20] + bytes(8) + ip[20:]
    assert decode(longer)[0] == plain


def test_ipv6_extension_headers_are_stepped_over(wire):
    ip = wire.tcp(wire.client6, wire.server6, 7, wire.ack, b"payload")
    plain = decode(ip)[0]
    hop, routing, auth = (0, b"\0" + bytes(6)), (43, b"\1" + bytes(14)), (51, b"\2" + bytes(14))
    assert decode(with_extensions(ip, hop))[0] == plain
    assert decode(with_extensions(ip, hop, routing, (60, b"\0" + bytes(6)), auth))[0] == plain
    the_only_fragment = (44, bytes(7))
    assert decode(with_extensions(ip, the_only_fragment))[0] == plain


def test_a_length_of_zero_as_segmentation_offload_leaves_it_means_all_that_was_captured(wire):
    for ends, place in (((wire.client, wire.server), 2), ((wire.client6, wire.server6), 4)):
        ip = bytearray(wire.tcp(*ends, 7, wire.ack, b"payload"))
        ip[place : place + 2] = b"\0\0"
        assert decode(bytes(ip))[0][3] == b"payload"


@pytest.mark.parametrize("version", [4, 6])
def test_a_udp_datagram_is_found_and_ends_where_its_length_says(wire, version):
    ends = (wire.client, wire.server) if version == 4 else (wire.client6, wire.server6)
    taken = Taken()
    ip = udp(wire, *ends, b"payload", pad=b"ethernet pads")
    taken.network.packet(1, 1.0, b"before" + ip, 6, 6 + len(ip))
    ((ends_, payload),) = taken.datagrams
    assert (ends_[1], ends_[3], payload) == (40000, 443, b"payload")
    short = bytearray(ip)
    short[{4: 24, 6: 44}[version] : {4: 26, 6: 46}[version]] = b"\0\x0b"
    taken.network.packet(1, 1.0, bytes(short), 0, len(short))
    assert taken.datagrams[1][1] == b"pay"


def test_what_is_neither_tcp_nor_udp_or_cut_short_is_counted(wire):
    ip = wire.tcp(wire.client, wire.server, 7, wire.ack)
    icmp = ip[:9] + b"\x01" + ip[10:]
    assert decode(icmp)[1].packets_other == 1
    assert decode(ip[:30])[1].packets_malformed == 1
    assert decode(b"\x45")[1].packets_malformed == 1
    assert decode(b"\x00" * 60)[1].packets_malformed == 1
    assert decode(udp(wire, wire.client, wire.server, b"")[:27])[1].packets_malformed == 1
    for ends, at in (((wire.client, wire.server), 32), ((wire.client6, wire.server6), 52)):
        segment = bytearray(wire.tcp(*ends, 7, wire.ack, b"payload"))
        segment[at] = 0x40  # a TCP header shorter than a TCP header
        assert decode(bytes(segment))[1].packets_malformed == 1


def test_an_authentication_header_is_stepped_over_in_ipv4_too(wire):
    ip = wire.tcp(wire.client, wire.server, 7, wire.ack, b"payload")
    header = b"\6\4" + bytes(22)
    total = struct.pack(">H", len(ip) + len(header))
    protected = ip[:2] + total + ip[4:9] + b"\x33" + ip[10:20] + header + ip[20:]
    assert decode(protected)[0] == decode(ip)[0]


def test_a_key_reversed_is_the_key_of_the_answer(wire):
    for ends in ((wire.client, wire.server), (wire.client6, wire.server6)):
        taken = Taken()
        for pair in (ends, ends[::-1]):
            ip = wire.tcp(*pair, 1, 0)
            taken.network.packet(1, 1.0, ip, 0, len(ip))
        assert reverse(taken.keys[0]) == taken.keys[1]


@given(st.binary(min_size=1, max_size=160), st.integers(0, 20), st.sampled_from([None, 0x45, 0x46, 0x60]))
def test_any_bytes_are_decoded_without_a_crash_and_never_beyond_their_end(data, begin, first):
    begin = min(begin, len(data) - 1)
    if first is not None:
        data = data[:begin] + bytes([first]) + data[begin + 1 :]
    ends = []
    network = Network(
        WireSettings(), Counters(), lambda *taken: ends.append(taken[5]), lambda *taken: ends.append(taken[5])
    )
    network.packet(1, 1.0, data, begin, len(data))
    assert all(end <= len(data) for end in ends)
