"""Which datagrams belong together, which are passed over, and what is forgotten when."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.stun import relayed

STUN = struct.pack(">HHI", 0x0001, 0, 0x2112A442) + b"transaction."
RTP = b"\x80\x60" + bytes(30)
OTHERS = [
    STUN,
    STUN[:2] + b"\1\1" + STUN[4:],
    RTP,
    b"\x80\xc8" + bytes(26),
    b"\x40\x00\x00\x04abcd",
    b"\x10zrtp",
    b"\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3www\0\0\1\0\1",
    b"\x16",
    b"\x16\xfe\xfd",
    bytes(1200),
    b"\xff" * 1200,
]


def handshake(udp, random=bytes(range(32))):
    return udp.datagrams(udp.full(random=random))


def test_a_whole_capture_gives_its_associations(udp, wire):
    packets = [(1.7e9 + at / 100, udp.packet(*datagram)) for at, datagram in enumerate(handshake(udp))]
    (seen,) = wire.sense(wire.pcap(packets))
    assert (seen.proto, seen.version, seen.established) == ("udp", "DTLSv12", True)
    assert (seen.ts, seen.source, seen.resp_p) == (1.7e9, "x.pcap:1", 4433)


@pytest.mark.parametrize("other", OTHERS, ids=range(len(OTHERS)))
def test_what_shares_the_address_pair_changes_no_fact(udp, other):
    plain = udp.observe(handshake(udp))
    mixed = [datagram for one in handshake(udp) for datagram in (("c", other), one, ("s", other))]
    seen = udp.observe(mixed)
    for fact in ("ssl_history", "established", "cert_chain_fps", "ja4", "community_id", "handshake_error"):
        assert getattr(seen, fact) == getattr(plain, fact)


@given(st.binary(min_size=1, max_size=200).filter(lambda data: data[0] >= 4))
def test_other_protocols_leave_nothing_behind(udp, data):
    table, counters, _ = udp.table()
    udp.feed(table, [("c", data), ("s", data), *(("c", other) for other in OTHERS[2:])])
    assert (table.buffered, counters.flows, len(table._known)) == (0, 0, 0)


def test_who_began_with_stun_is_the_originator_whoever_is_the_client(udp):
    seen = udp.observe([("s", STUN), *handshake(udp)])
    assert (seen.orig_p, seen.resp_p, seen.ssl_history) == (4433, 40000, "^CvCsxknGIi")
    assert udp.observe([("c", STUN), *handshake(udp)]).ssl_history == "CvCsxknGIi"


def indication(data):
    body = struct.pack(">HHxBHI", 0x0012, 8, 1, 0, 0) + struct.pack(">HH", 0x0013, len(data)) + data
    return struct.pack(">HHI", 0x0016, len(body), 0x2112A442) + b"transaction." + body


def channel(data):
    return struct.pack(">HH", 0x4001, len(data)) + data + bytes(-len(data) % 4)


@pytest.mark.parametrize("carry", [indication, channel])
def test_dtls_inside_turn_is_read(udp, carry):
    seen = udp.observe([("c", STUN), *((side, carry(data)) for side, data in handshake(udp))])
    assert (seen.ssl_history, seen.established) == ("CvCsxknGIi", True)


@given(st.binary(max_size=80), st.integers(0, 3))
def test_any_turn_message_is_passed_over_or_read(udp, junk, kind):
    head = [b"\x40\x01", b"\x00\x16", b"\x00\x17", b"\x4f\xff"][kind]
    table, _, seen = udp.table()
    udp.feed(table, [("c", STUN), ("c", head + junk), ("s", head + b"\0\x20\x21\x12\xa4\x42" + junk)])
    table.close()
    assert seen == []


def test_only_what_turn_says_it_carries_is_looked_at():
    data = b"some datagram"
    software = struct.pack(">HH", 0x8022, 5) + b"turns\0\0\0"
    content = software + struct.pack(">HH", 0x0013, len(data)) + data
    head = struct.pack(">HHI", 0x0017, len(content), 0x2112A442) + b"transaction."
    message = head + content
    assert relayed(b"x" + message, 1, 1 + len(message)) == (len(message) - len(data) + 1, len(message) + 1)
    assert relayed(message, 0, len(message) - 1) is None
    assert relayed(message[:4] + b"cook" + message[8:], 0, len(message)) is None
    assert relayed(b"\0\1" + message[2:], 0, len(message)) is None
    padded = channel(data)
    assert len(padded) == 4 + len(data) + 3
    assert relayed(padded, 0, len(padded)) == (4, 4 + len(data))
    assert relayed(padded + b"x", 0, len(padded) + 1) is None
    assert relayed(padded, 0, 4 + len(data) - 1) is None


def test_a_finished_association_is_reported_at_once_and_costs_nothing(udp):
    table, counters, seen = udp.table()
    udp.feed(table, handshake(udp))
    assert (len(seen), table.buffered) == (1, 0)
    udp.feed(table, handshake(udp) + [("c", b"\x17\xfe\xfd\0\1" + bytes(50))] * 50)
    table.close()
    assert (len(seen), counters.flows_tls) == (1, 1)


@pytest.mark.parametrize("cut", [2, 6, 12])
def test_a_client_that_begins_again_begins_another_association(udp, cut):
    first, second = handshake(udp), handshake(udp, random=b"again" * 6 + b"!!")
    one, two = udp.sense([*first[:cut], *second])
    assert one.established is (cut == 12)
    assert (two.established, two.ssl_history, len(two.cert_chain_fps)) == (True, "CvCsxknGIi", 2)
    assert two.ts > one.ts
    assert two.uid != one.uid


def test_who_spoke_in_the_association_before_says_nothing_about_this_one(udp):
    table, _, seen = udp.table(idle_timeout=10)
    udp.feed(table, handshake(udp))
    udp.feed(table, handshake(udp, random=b"again" * 6 + b"!!")[:1])
    udp.feed(table, handshake(udp)[:1], key=pair(1), start=1.7e9 + 60)
    assert [one.established for one in seen] == [True, None]


def test_what_only_looks_like_a_hello_hides_no_later_one(udp):
    table, counters, seen = udp.table()
    udp.feed(table, [("c", udp.record(udp.fragment(udp.client_hello(ciphers=()), 0))), *handshake(udp)])
    assert [one.ssl_history for one in seen] == ["CvCsxknGIi"]
    assert (counters.flows_not_tls, counters.flows_tls) == (1, 1)


def test_the_same_first_hello_again_begins_nothing(udp):
    datagrams = handshake(udp)
    assert len(udp.sense([*datagrams, datagrams[0], *datagrams[:4]])) == 1


def pair(port):
    return bytes((10, 0, 0, 1, 203, 0, 113, 9)) + struct.pack(">HH", port, 4433)


def test_silence_ends_an_association(udp):
    table, _, seen = udp.table(idle_timeout=10)
    udp.feed(table, handshake(udp)[:6], key=pair(1))
    udp.feed(table, handshake(udp)[:1], key=pair(2), start=1.7e9 + 5)
    assert seen == []
    udp.feed(table, handshake(udp)[:1], key=pair(3), start=1.7e9 + 30)
    assert [(one.orig_p, one.established) for one in seen] == [(1, False), (2, None)]
    assert len(table._known) == 2


def test_what_still_speaks_is_not_silent(udp):
    table, _, seen = udp.table(idle_timeout=10)
    udp.feed(table, handshake(udp)[:4], key=pair(1), step=4)
    udp.feed(table, handshake(udp)[:1], key=pair(2), start=1.7e9 + 15)
    assert seen == []
    udp.feed(table, handshake(udp)[4:], key=pair(1), start=1.7e9 + 16)
    assert [(one.established, one.ssl_history) for one in seen] == [(True, "CvCsxknGIi")]


def test_an_empty_datagram_says_nothing(udp):
    table, counters, _ = udp.table()
    table.packet(1, 1.0, udp.key, b"", 0, 0)
    udp.feed(table, [*handshake(udp)[:2], ("c", b""), *handshake(udp)[2:]])
    table.close()
    assert counters.flows_tls == 1


def test_the_end_of_the_capture_leaves_the_end_of_a_handshake_open(udp):
    assert udp.observe(handshake(udp)[:6]).established is None


def test_the_number_of_associations_is_bounded_and_what_that_costs_is_counted(udp):
    table, counters, seen = udp.table(max_flows=64)
    for port in range(1000):
        udp.feed(table, handshake(udp)[:1], key=pair(port), start=1.7e9 + port / 1000)
        assert len(table._known) <= 2 * 64
    assert counters.flows_evicted == len(seen) > 900
    assert {one.established for one in seen} == {None}
    assert [one.orig_p for one in seen] == list(range(len(seen)))


def test_the_memory_of_all_associations_is_bounded(udp, wire):
    table, counters, _ = udp.table(max_buffered=200_000)
    big = udp.fragment(wire.message(11, bytes(60_000)), 1, 0, 1000)
    for port in range(200):
        udp.feed(table, [*handshake(udp)[:1], ("s", udp.record(big))], key=pair(port), start=1.7e9 + port / 1000)
        assert table.buffered <= 200_000
    assert counters.flows_evicted > 100


def test_an_address_pair_that_is_its_own_reverse_is_forgotten_too(udp):
    table, _, seen = udp.table()
    key = bytes((127, 0, 0, 1, 127, 0, 0, 1)) + b"\1\1\1\1"
    udp.feed(table, handshake(udp)[:1], key=key)
    table.close()
    assert len(seen) == 1
    assert len(table._known) == 0


def test_a_hello_of_which_pieces_are_missing_is_not_reported_but_counted(udp, wire):
    table, counters, seen = udp.table()
    udp.feed(table, [("c", udp.record(udp.fragment(udp.client_hello(), 0, 20)))])
    table.close()
    assert (seen, counters.flows_tls) == ([], 0)
    assert counters.bytes_missing > 0
