"""What TCP allows, and what stacks, middleboxes and forgers do with it."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor.reassembly import Stream

START = 1.7e9


def plain(observation):
    """An Observation without what follows the place of its first packet."""
    return msgspec.structs.replace(observation, source=None, ts=0.0, uid="")


def sense(wire, packets, **how):
    return [plain(observation) for observation in wire.sense(wire.pcap(packets), **how)]


def expected(wire):
    return plain(wire.observe(wire.full()))


def test_data_on_the_syn_is_read(wire):
    flights = wire.full()
    packets = wire.conversation(flights[1:], isn=(1000 + len(flights[0][1]), 5000))
    packets[0] = (START, wire.tcp(wire.client, wire.server, 1000, wire.syn, flights[0][1]))
    assert sense(wire, packets) == [expected(wire)]


def test_data_on_the_syn_that_the_server_refused_and_got_again_is_read_once(wire):
    packets = wire.conversation(wire.full())
    packets[0] = (START, wire.tcp(wire.client, wire.server, 1000, wire.syn, wire.full()[0][1]))
    assert sense(wire, packets) == [expected(wire)]
    assert sense(wire, [packets[0], *packets]) == [expected(wire)]


def test_what_lies_beyond_the_ip_packet_is_no_payload(wire):
    packets = []
    for ts, packet in wire.conversation(wire.full()):
        ends = (wire.client, wire.server) if packet[12:16] == b"\n\0\0\1" else (wire.server, wire.client)
        seq = int.from_bytes(packet[24:28], "big") + len(packet) - 40
        packets += [(ts, packet + b"\x16\x03\x01junk")]
        packets += [(ts, wire.tcp(*ends, seq, wire.ack, pad=b"\0" * 6))] * (packet[33] == wire.ack)
    assert sense(wire, packets) == [expected(wire)]


def test_a_keep_alive_with_a_byte_of_junk_changes_nothing(wire):
    packets = []
    for ts, packet in wire.conversation(wire.full()):
        ends = (wire.client, wire.server) if packet[12:16] == b"\n\0\0\1" else (wire.server, wire.client)
        packets.append((ts, packet))
        seq = int.from_bytes(packet[24:28], "big") + len(packet) - 40 + bool(packet[33] & wire.syn)
        if not packet[33] & wire.fin:
            packets.append((ts, wire.tcp(*ends, seq - 1, wire.ack, b"\xff")))
    assert sense(wire, packets) == [expected(wire)]


@settings(max_examples=50, deadline=None)
@given(back=st.tuples(st.integers(0, 1500), st.integers(0, 1500)), mss=st.integers(1, 500))
def test_sequence_numbers_may_wrap_anywhere(wire, back, mss):
    isn = (2**32 - 1 - back[0], 2**32 - 1 - back[1])
    assert sense(wire, wire.conversation(wire.full(), isn=isn, mss=mss)) == [expected(wire)]


@pytest.mark.parametrize("direction", ["c", "s"])
@pytest.mark.parametrize("syn", [True, False])
def test_half_a_conversation_is_told_and_how_it_ended_is_not(wire, direction, syn):
    source = wire.client[0] if direction == "c" else wire.server[0]
    octets = bytes(map(int, source.split(".")))
    packets = [p for p in wire.conversation(wire.full(), syn=syn) if p[1][12:16] == octets]
    (seen,) = sense(wire, packets)
    assert (seen.orig_h, seen.established) == (wire.client[0], None)
    assert (seen.client_hello_seen, seen.ssl_history) == ((True, "CGI") if direction == "c" else (False, "sxkni"))


@pytest.mark.parametrize(("mss", "syn_first"), [(1460, False), (1460, True), (100, True), (1, True)])
def test_packets_in_reverse_order_are_put_right(wire, mss, syn_first):
    packets = wire.conversation(wire.full()[:4], mss=mss)[::-1]
    if syn_first:
        packets.sort(key=lambda packet: not packet[1][33] & wire.syn)
    (seen,) = sense(wire, packets)
    assert sorted(seen.ssl_history) == sorted("CsxknGIi")
    assert (seen.version, seen.cert_chain_fps) == ("TLSv12", expected(wire).cert_chain_fps)


def test_of_bytes_that_disagree_the_first_to_come_is_read_and_the_others_are_counted(wire):
    packets = wire.conversation(wire.full(), mss=60)
    server = [i for i, p in enumerate(packets) if p[1][12:13] != b"\n" and not p[1][33] & wire.syn]
    first, second = server[0], server[1]
    ts, packet = packets[second]
    seq = int.from_bytes(packet[24:28], "big")
    forged = (ts, wire.tcp(wire.server, wire.client, seq - 10, wire.ack, b"\xee" * 60))
    truth = [packets[second], forged, packets[first]]
    rest = [p for i, p in enumerate(packets) if i > first and i != second]
    sensor = wire.sensor()
    (seen,) = sensor.feed(wire.pcap([*packets[:first], *truth, *rest])) + sensor.close()
    assert sensor.counters.bytes_conflicting == 60
    assert sensor.skipped["bytes_conflicting"] == 60
    assert seen.version == "TLSv12"


def test_conflicts_are_found_whichever_way_segments_overlap():
    for first, second, count in (
        ((10, b"abcdef"), (10, b"abcdef"), 0),
        ((10, b"abcdef"), (8, b"xxabcdefyy"), 0),
        ((10, b"abcdef"), (12, b"cdXX"), 2),
        ((10, b"abcdef"), (12, b"cdXXzz"), 2),
        ((10, b"abcdef"), (8, b"xxAb"), 1),
        ((10, b"abcdef"), (16, b"zz"), 0),
    ):
        stream = Stream(0)
        stream.accept(first[0], (first[1], 0.0, 1))
        stream.accept(second[0], (second[1], 0.0, 2))
        assert stream.conflicting == count, (first, second)
        given_ = b"".join(chunk[0] for chunk in stream.accept(0, (b"0123456789"[: second[0]], 0.0, 3)))
        given_ += b"".join(chunk[0] for chunk in stream.skip()[1])
        assert b"abcdef" in given_


@pytest.mark.parametrize("forged", ["fin", "rst"])
@pytest.mark.parametrize("distance", [2**31, 2**24, -(2**24), 2**21])
def test_an_end_far_from_the_expected_sequence_number_is_not_believed(wire, forged, distance):
    packets = wire.conversation(wire.full())
    for position in range(2, len(packets) - 2):
        ends = [(wire.client, wire.server, 1001), (wire.server, wire.client, 2**32 - 99)]
        ts = packets[position][0]
        junk = [(ts, wire.tcp(a, b, seq + distance, getattr(wire, forged) | wire.ack)) for a, b, seq in ends]
        assert sense(wire, packets[:position] + junk + packets[position:]) == [expected(wire)]


def test_an_end_within_the_window_is_believed(wire):
    packets = wire.conversation(wire.full()[:2], end=0)
    reset = (START + 1, wire.tcp(wire.server, wire.client, 2**32 - 99 + 100_000, wire.rst))
    (seen,) = wire.sense(wire.pcap([*packets, reset, *wire.conversation(wire.full())[4:6]]))
    assert (seen.established, seen.ssl_history) == (False, "Csxkn")


def test_a_refused_connection_tells_nothing(wire):
    packets = wire.conversation([], end=0)[:1]
    refusal = (START, wire.tcp(wire.server, wire.client, 0, wire.rst | wire.ack))
    assert sense(wire, [*packets, refusal, *wire.conversation(wire.full(), isn=(9, 10_000_000))]) == [expected(wire)]


def test_a_fin_that_overtakes_its_data_does_not_end_the_connection(wire):
    packets = wire.conversation(wire.full())
    ends = [p for p in packets if p[1][33] & wire.fin]
    rest = [p for p in packets if not p[1][33] & wire.fin]
    assert sense(wire, [*rest[:2], *ends, *rest[2:]]) == [expected(wire)]
    assert sense(wire, [*rest[:3], *ends, *rest[3:]]) == [expected(wire)]


@pytest.mark.parametrize("end", [0, 1, 4])
def test_a_port_used_again_with_or_without_an_end_is_another_connection(wire, end):
    first = wire.conversation(wire.full(), end=end)
    for isn in ((1_000_000, 2_000_000), (500, 2**32 - 500)):
        again = wire.conversation(wire.full(), isn=isn, start=START + 1)
        assert len(sense(wire, first + again)) == 2
        swapped = [again[1], again[0], *again[2:]]
        assert len(sense(wire, first + swapped)) == 2


def test_a_port_used_again_after_something_else_is_another_connection(wire):
    first = wire.conversation([("c", b"GET / HTTP/1.0\r\n\r\n"), ("s", b"HTTP/1.0 200 OK\r\n\r\n" * 50)], end=0)
    again = wire.conversation(wire.full(), isn=(77_000, 88_000), start=START + 1)
    assert sense(wire, first + again) == [expected(wire)]


def test_a_silent_connection_is_over_and_told_while_others_go_on(wire):
    sensor = wire.sensor(idle_timeout=10)
    seen = sensor.feed(wire.pcap(wire.conversation(wire.full()[:2], end=0)))
    assert seen == []
    others = [wire.conversation(wire.full(), client=("10.0.0.2", i), start=START + i) for i in range(1, 40)]
    seen = sensor.feed(wire.pcap([p for other in others for p in other])[24:])
    assert [observation.established for observation in seen].count(False) == 1
    assert len(sensor.close()) == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_a_connection_holds_is_bounded_whatever_comes(wire, seed):
    chance = random.Random(seed)
    limit = 5000
    sensor = wire.sensor(max_out_of_order=limit, max_message=limit)
    table = sensor._flows
    sensor.feed(wire.pcap([]))
    for _ in range(120):
        client = chance.random() < 0.5
        ends = (wire.client, wire.server) if client else (wire.server, wire.client)
        body = chance.choice((b"\x16\x03\x01\x40\0", b"\x16\x03\x03\x10\0\1\0\xff\xff", b"220 x", b"")) + bytes(500)
        packet = wire.tcp(*ends, chance.randrange(20_000), wire.ack | chance.choice((0, 0, 0, 0, wire.syn)), body)
        sensor.feed(wire.pcap([(START, packet)])[24:])
        for half in table.halves.values():
            assert half.flow.buffered_now < 4 * limit + 20_000
            assert half.flow.done or half.flow.buffered == half.flow.buffered_now


@pytest.mark.parametrize("padding", [bytes(2), bytes(6)])
def test_padding_that_was_counted_into_the_length_of_ip_is_no_data(wire, padding):
    """It fills up bare ACKs, SYNs and FINs; what comes in its place, or nothing, tells it from data."""
    plain = wire.conversation(wire.full())
    padded = []
    for ts, packet in plain:
        seq, flags = int.from_bytes(packet[24:28], "big"), packet[33]
        client = packet[12:16] == plain[0][1][12:16]
        source, target = (wire.client, wire.server) if client else (wire.server, wire.client)
        if len(packet) == 40:
            padded.append((ts, wire.tcp(source, target, seq, flags, padding)))
        else:
            padded += [(ts, wire.tcp(source, target, seq, wire.ack, padding)), (ts, packet)]
    (expected,), (seen,) = wire.sense(wire.pcap(plain)), wire.sense(wire.pcap(padded))
    same = ("established", "ssl_history", "cert_chain_fps", "ja4", "handshake_error", "ts")
    assert [getattr(seen, name) for name in same] == [getattr(expected, name) for name in same]


@pytest.mark.parametrize("size", [2, 6])
def test_zeros_that_something_follows_are_data(wire, size):
    hello = wire.client_hello(random=bytes(32), session=bytes(32))
    (expected,), (seen,) = (wire.sense(wire.pcap(wire.conversation(wire.full(hello), mss=mss))) for mss in (1460, size))
    assert (seen.ja4, seen.ssl_history, seen.established) == (expected.ja4, expected.ssl_history, True)


def unfinished(wire, order, isn=1000):
    """Packets of a handshake that breaks off with the server's hello: by name, in an order."""
    client, server = (wire.client, wire.server), (wire.server, wire.client)
    hello, answer = wire.record(wire.client_hello()), wire.record(wire.server_hello())
    behind, after = isn + 1 + len(hello), 5001 + len(answer)
    named = {
        "syn": wire.tcp(*client, isn, wire.syn),
        "syn-ack": wire.tcp(*server, 5000, wire.syn | wire.ack),
        "hello": wire.tcp(*client, isn + 1, wire.ack, hello[:50]),
        "more": wire.tcp(*client, isn + 51, wire.ack, hello[50:]),
        "client-fin": wire.tcp(*client, behind, wire.ack | wire.fin),
        "more+fin": wire.tcp(*client, isn + 51, wire.ack | wire.fin, hello[50:]),
        "more+rst": wire.tcp(*client, isn + 51, wire.ack | wire.rst, hello[50:]),
        "answer": wire.tcp(*server, 5001, wire.ack, answer),
        "server-fin": wire.tcp(*server, after, wire.ack | wire.fin),
    }
    return wire.pcap([(START + at / 1000, named[name]) for at, name in enumerate(order.split())])


@pytest.mark.parametrize(
    ("order", "isn"),
    [
        ("syn syn-ack hello more answer client-fin server-fin", 1000),
        ("syn syn-ack hello more answer client-fin server-fin", 2**32 - 80),  # the last segment passes the end
        ("syn syn-ack hello answer server-fin more+fin", 1000),
        ("syn syn-ack hello answer server-fin client-fin more", 1000),
        ("syn syn-ack hello answer more+rst", 1000),
    ],
)
def test_a_handshake_that_breaks_off_is_told_when_both_sides_have_ended_it(wire, order, isn):
    sensor = wire.sensor()
    (told,) = sensor.feed(unfinished(wire, order, isn))
    assert (sorted(told.ssl_history), told.established) == (["C", "s"], False)
    assert sensor.close() == []


def test_a_byte_of_junk_before_the_first_data_hides_no_dialogue(wire):
    connect = b"CONNECT example.org:443 HTTP/1.1\r\n\r\n"
    flights = [("c", connect), ("s", b"HTTP/1.1 200 OK\r\n\r\n"), *wire.full()]
    packets = wire.conversation(flights)
    junk = (START + 0.0015, wire.tcp(wire.client, wire.server, 1000, wire.ack, b"\0"))
    (told,) = wire.sense(wire.pcap([*packets[:2], junk, *packets[2:]]))
    assert (told.proxy_target, told.established) == ("example.org:443", True)
