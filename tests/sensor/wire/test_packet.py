import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.contract import Counters
from enricher.sensor.link import ethernet, raw
from enricher.sensor.packet import Decoder, addresses, reverse


def decode(ip, before=b"", after=b"next record"):
    counters = Counters()
    segment = Decoder(counters).segment(before + ip + after, len(before), len(before) + len(ip))
    if segment is None:
        return None, counters
    key, seq, flags, start, stop = segment
    return (addresses(key), seq, flags, (before + ip + after)[start:stop]), counters


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
    first_fragment = (44, b"\0\0\1" + bytes(4))
    assert decode(with_extensions(ip, first_fragment))[0] == plain


def test_fragments_other_than_the_first_are_counted_and_left_out(wire):
    ip = bytearray(wire.tcp(wire.client, wire.server, 7, wire.ack, b"payload"))
    ip[6:8] = b"\x20\0"
    assert decode(bytes(ip))[0] is not None
    ip[6:8] = b"\x00\x10"
    found, counters = decode(bytes(ip))
    assert (found, counters.fragments) == (None, 1)
    ip6 = wire.tcp(wire.client6, wire.server6, 7, wire.ack, b"payload")
    found, counters = decode(with_extensions(ip6, (44, b"\0\1\0" + bytes(4))))
    assert (found, counters.fragments) == (None, 1)


def test_a_length_of_zero_as_segmentation_offload_leaves_it_means_all_that_was_captured(wire):
    for ends, place in (((wire.client, wire.server), 2), ((wire.client6, wire.server6), 4)):
        ip = bytearray(wire.tcp(*ends, 7, wire.ack, b"payload"))
        ip[place : place + 2] = b"\0\0"
        assert decode(bytes(ip))[0][3] == b"payload"


def test_what_is_not_tcp_or_cut_short_is_counted(wire):
    ip = wire.tcp(wire.client, wire.server, 7, wire.ack)
    udp = ip[:9] + b"\x11" + ip[10:]
    assert decode(udp)[1].packets_not_tcp == 1
    assert decode(ip[:30])[1].packets_malformed == 1
    assert decode(b"\x45")[1].packets_malformed == 1
    assert decode(b"\x00" * 60)[1].packets_malformed == 1


def test_a_key_reversed_is_the_key_of_the_answer(wire):
    for ends in ((wire.client, wire.server), (wire.client6, wire.server6)):
        keys = []
        for pair in (ends, ends[::-1]):
            ip = wire.tcp(*pair, 1, 0)
            keys.append(Decoder(Counters()).segment(ip, 0, len(ip))[0])
        assert reverse(keys[0]) == keys[1]


def test_vlan_tags_are_stepped_over(wire):
    ip = wire.tcp(wire.client, wire.server, 7, 0)
    for tags in ((), (b"\x81\0",), (b"\x88\xa8", b"\x81\0"), (b"\x91\0", b"\x81\0", b"\x81\0")):
        frame = wire.ethernet(ip, tags)
        assert ethernet(b"before" + frame, 6, 6 + len(frame)) == 6 + 14 + 4 * len(tags)


def test_frames_without_ip_or_without_room_for_it_are_told_apart(wire):
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    assert ethernet(arp, 0, len(arp)) == -1
    assert ethernet(b"short", 0, 5) == -1
    tagged = bytes(12) + b"\x81\0" * 40
    assert ethernet(tagged, 0, len(tagged)) == -1
    assert raw(b"", 0, 0) == -1
    assert raw(b"xx", 1, 2) == 1


@given(st.binary(min_size=1, max_size=120), st.integers(0, 20))
def test_any_bytes_are_decoded_without_a_crash_and_never_beyond_their_end(data, begin):
    begin = min(begin, len(data) - 1)
    segment = Decoder(Counters()).segment(data, begin, len(data))
    assert segment is None or segment[4] <= len(data)
    ethernet(data, begin, len(data))
