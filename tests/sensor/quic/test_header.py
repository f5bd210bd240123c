import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.quic import is_quic
from enricher.sensor.quic.header import read_packet, varint
from enricher.sensor.quic.versions import VERSIONS
from enricher.sensor.reader import MalformedError, Reader


def accepts(data):
    """The same answer wherever in a buffer the datagram lies."""
    alone = is_quic(data, 0, len(data))
    assert is_quic(b"\xc0\0" + data + b"\xff" * 1500, 2, 2 + len(data)) == alone
    return alone


def long_packets(quic):
    return [
        quic.initial(b"\1", pad=1162),
        quic.initial(b"\1", token=b"t" * 70, size=1),
        quic.initial(b"\1", server=True, version=quic.v2, destination=b""),
        quic.initial(b"\1", version=quic.draft_29),
        quic.other("handshake"),
        quic.other("0-rtt", version=quic.v2),
        quic.retry(b"retried!"),
        quic.negotiation(0x1A2A3A4A, quic.v1),
    ]


def test_every_long_header_packet_of_a_known_version_is_recognised(quic):
    for packet in long_packets(quic):
        assert accepts(packet)
        assert accepts(packet + quic.short(b"client")) or packet[1:5] == bytes(4)  # which has no end but the datagram's


def test_no_packet_that_is_cut_short_is_recognised(quic):
    for packet in [*long_packets(quic)[:6], quic.negotiation(quic.v1)]:
        assert not any(accepts(packet[:size]) for size in range(len(packet)))
    retry = quic.retry(b"retried!", token=b"t")
    assert not any(accepts(retry[:size]) for size in range(len(retry)))


def test_all_versions_that_share_a_wire_image_are_recognised(quic):
    packet = quic.other("handshake")
    known = [version for version in VERSIONS if version not in {quic.v2, 0x709A50C4}]
    assert len(known) == 33
    assert all(accepts(packet[:1] + version.to_bytes(4, "big") + packet[5:]) for version in known)
    for version in (2, 0xFF000015, 0xFF000023, 0x51303530, 0x1A2A3A4A):
        assert not accepts(packet[:1] + version.to_bytes(4, "big") + packet[5:])


def test_a_negotiation_that_offers_nothing_known_is_not_recognised(quic):
    assert not accepts(quic.negotiation(0x1A2A3A4A, 0x51303433))
    assert not accepts(quic.negotiation())
    assert not accepts(quic.negotiation(quic.v1) + b"\0")


def test_a_packet_without_the_fixed_bit_is_not_recognised(quic):
    packet = quic.other("handshake")
    assert not accepts(bytes([packet[0] & ~0x40]) + packet[1:])


def test_a_packet_with_short_header_is_not_recognised_even_if_its_bytes_look_like_a_version(quic):
    packet = quic.other("handshake")
    assert not accepts(bytes([packet[0] & ~0x80]) + packet[1:])


def test_a_negotiation_has_to_offer_something_and_a_retry_to_carry_a_token(quic):
    for packet in (quic.negotiation(), quic.negotiation(quic.v1)[:-1], quic.retry(b"retried!", token=b"")):
        with pytest.raises(MalformedError):
            read_packet(packet, 0, len(packet))


def test_connection_ids_longer_than_20_bytes_are_not_plausible(quic):
    assert accepts(quic.other("handshake", destination=bytes(20), source=bytes(20)))
    assert not accepts(quic.other("handshake", destination=bytes(21)))
    assert not accepts(quic.other("handshake", source=bytes(21)))


def test_a_protected_packet_without_room_for_a_sample_is_not_plausible(quic):
    assert accepts(quic.other("handshake", size=20))
    assert not accepts(quic.other("handshake", size=19))


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("000100002112a442") + bytes(12) + bytes(40),  # STUN
        bytes.fromhex("16fefd0000000000000000005001000044") + bytes(80),  # DTLS
        bytes.fromhex("19fefd") + bytes(60),  # DTLS with connection id
        bytes.fromhex("8060000100000001deadbeef") + bytes(160),  # RTP
        bytes.fromhex("80c80006000000010000000100000001") + bytes(40),  # RTCP
        bytes.fromhex("c0000000000100000000000003777777076578616d706c6503636f6d0000010001"),  # DNS, no recursion
        bytes.fromhex("c000010000010000000000000377777703636f6d0000010001"),  # DNS
        bytes.fromhex("c00081800001000100000000") + bytes(60),  # DNS answer
        bytes.fromhex("d00000000101000001") + bytes(30),  # a length field that is no QUIC
        b"\xff" * 64,
        bytes(64),
        b"",
        b"\xc0",
    ],
)
def test_what_shares_the_ports_of_quic_is_not_taken_for_it(data):
    assert not accepts(data)


@given(st.integers(0x80, 0xFF), st.binary(max_size=300))
def test_dns_without_recursion_is_never_taken_for_version_negotiation(high, tail):
    """Its id's second byte, flags and the count's first byte can all be 0, as the version of a negotiation is."""
    assert not accepts(bytes([high]) + struct.pack(">BHHHHH", 0, 0, 1, 0, 0, 0) + b"\3www\7example\3com\0" + tail[:4])


@given(st.binary(max_size=100))
def test_random_datagrams_are_not_taken_for_quic(data):
    assert not accepts(data)


@given(st.sampled_from(sorted(VERSIONS)), st.integers(0, 255), st.binary(max_size=80))
def test_any_header_is_read_or_called_malformed(version, first, rest):
    data = bytes([first]) + version.to_bytes(4, "big") + rest
    try:
        packet = read_packet(data, 0, len(data))
    except MalformedError as error:
        assert str(error).startswith("byte ")
    else:
        assert 0 < packet.number < packet.end
        assert len(packet.destination) <= 20
        assert len(packet.source) <= 20


def test_coalesced_packets_are_told_apart_by_their_lengths(quic):
    first, second = quic.initial(b"\1", token=b"abc"), quic.other("handshake", version=quic.v2)
    data = first + second + b"rest"
    packet = read_packet(data, 0, len(data))
    assert (packet.kind, packet.token, packet.end) == ("initial", True, len(first))
    assert (packet.destination, packet.source) == (quic.origin, quic.client_id)
    packet = read_packet(data, packet.end, len(data))
    assert (packet.kind, packet.token, packet.end) == ("handshake", False, len(first + second))


def test_a_packet_may_say_that_it_ends_behind_what_was_captured(quic):
    packet = quic.initial(b"\1", pad=100)
    assert read_packet(packet[:-1], 0, len(packet) - 1).end == len(packet)


@given(st.integers(0, (1 << 62) - 1), st.sampled_from([1, 2, 4, 8]))
def test_integers_are_read_in_every_size_they_fit_in(value, size):
    if value < 1 << (8 * size - 2):
        data = (value | {1: 0, 2: 1, 4: 2, 8: 3}[size] << (8 * size - 2)).to_bytes(size, "big")
        reader = Reader(data + b"rest", 0, size + 4)
        assert varint(reader, "value") == value
        assert len(reader) == 4
        with pytest.raises(MalformedError):
            varint(Reader(data, 0, size - 1), "value")
