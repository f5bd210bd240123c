"""What TCP does to a handshake."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def plain(observation):
    """An Observation without the frame number, which follows the order of packets."""
    return msgspec.structs.replace(observation, source=None)


def sense(wire, packets, **how):
    return [plain(observation) for observation in wire.sense(wire.pcap(packets), **how)]


@st.composite
def disturbed(draw, packets):
    """Packets of each flight in any order, some again, some re-cut so that they overlap."""
    flights = []
    for packet in packets:
        if not flights or packet[1][12:20] != flights[-1][-1][1][12:20]:
            flights.append([])
        flights[-1].append(packet)
    out = []
    for flight in flights:
        again = draw(st.lists(st.sampled_from(flight), max_size=3))
        out += draw(st.permutations([*flight, *((ts, packet) for ts, packet in again)]))
    return out


@settings(max_examples=60, deadline=None)
@given(data=st.data(), mss=st.integers(20, 400))
def test_order_and_repetition_of_segments_within_a_flight_do_not_change_the_observation(wire, data, mss):
    (expected,) = sense(wire, wire.conversation(wire.full(), end=0))
    packets = wire.conversation(wire.full(), mss=mss, end=0)
    (seen,) = sense(wire, data.draw(disturbed(packets)))
    assert msgspec.structs.replace(seen, ts=expected.ts, uid=expected.uid) == expected
    (steady,) = sense(wire, packets)
    assert seen == steady


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), max_size=12))
def test_overlapping_segments_do_not_change_the_observation(wire, cuts):
    flights = wire.full()
    (expected,) = sense(wire, wire.conversation(flights))
    packets = wire.conversation(flights)
    server = flights[1][1]
    overlaps = []
    for begin, length in cuts:
        payload = server[begin : begin + length]
        overlaps.append((1.7e9 + 0.003, wire.tcp(wire.server, wire.client, 2**32 - 99 + begin, wire.ack, payload)))
    assert sense(wire, [*packets[:3], *overlaps, *packets[3:]]) == [expected]


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_a_capture_is_read_alike_in_chunks_of_any_size(wire, chunk):
    capture = wire.pcap(wire.conversation(wire.full()))
    assert wire.sense(capture, chunk) == wire.sense(capture)


@pytest.mark.parametrize("mss", [1, 2, 5, 6, 536])
def test_segments_of_any_size_give_the_same_facts(wire, mss):
    whole = wire.observe(wire.full())
    seen = wire.observe(wire.full(), mss=mss)
    assert msgspec.structs.replace(seen, source=whole.source, ts=whole.ts, uid=whole.uid) == whole


def test_vlan_tagged_frames_are_read(wire):
    packets = wire.conversation(wire.full())
    frames = [(ts, wire.ethernet(ip, (b"\x88\xa8", b"\x81\0"))) for ts, ip in packets]
    untagged = [(ts, wire.ethernet(ip)) for ts, ip in packets]
    capture = wire.pcap(untagged, link=101).replace(b"\x65\0\0\0", b"\1\0\0\0", 1)
    tagged = wire.pcap(frames, link=101).replace(b"\x65\0\0\0", b"\1\0\0\0", 1)
    assert wire.sense(tagged) == wire.sense(capture) == wire.sense(wire.pcap(packets))


def test_a_connection_whose_syn_was_missed_is_read_from_its_hello_on(wire):
    seen = wire.observe(wire.full(), syn=False)
    assert (seen.established, seen.ssl_history, seen.orig_h) == (True, "CsxknGIi", wire.client[0])


def test_a_missed_syn_and_segments_out_of_order_are_read_all_the_same(wire):
    packets = wire.conversation(wire.full(), syn=False, mss=60, end=0)
    (expected,) = sense(wire, packets)
    hello = [packet for packet in packets if packet[1][12:16] == b"\n\0\0\1"][:2]
    rest = [packet for packet in packets if packet not in hello]
    assert sense(wire, [*hello[::-1], *rest]) == [expected]


def test_a_connection_joined_in_the_middle_of_its_data_is_not_reported(wire):
    assert wire.sense(wire.pcap(wire.conversation(wire.full()[2:], syn=False))) == []


def test_a_port_used_again_is_another_connection(wire):
    first = wire.conversation(wire.full())
    second = wire.conversation(wire.tls13(), isn=(77_000, 88_000), start=1.7e9 + 5)
    seen = sense(wire, [*first, *second])
    assert [observation.ssl_history for observation in seen] == ["CsxknGIi", "CsiI"]
    assert seen[0].uid != seen[1].uid


def test_a_port_used_again_ends_the_handshake_before_it(wire):
    first = wire.conversation(wire.full()[:1], end=0)
    second = wire.conversation(wire.full(), isn=(77_000, 88_000), start=1.7e9 + 5)
    assert [observation.established for observation in sense(wire, [*first, *second])] == [False, True]


def test_a_repeated_syn_opens_nothing(wire):
    packets = wire.conversation(wire.full())
    assert sense(wire, [packets[0], *packets, packets[0], packets[1]]) == sense(wire, packets)


def test_a_syn_that_comes_late_belongs_to_the_connection_it_opened(wire):
    packets = wire.conversation(wire.full())
    (seen,) = sense(wire, [packets[2], packets[0], packets[1], *packets[3:]])
    assert seen == sense(wire, packets)[0]


def test_a_silent_handshake_is_over_after_the_idle_time(wire):
    packets = wire.conversation(wire.full()[:2], end=0)
    later = wire.conversation(wire.full(), client=("10.0.0.2", 50000), start=1.7e9 + 1000)
    first, second = sense(wire, [*packets, *later])
    assert (first.established, second.established) == (False, True)


def test_handshakes_beyond_the_number_of_connections_are_told_and_counted(wire):
    sensor = wire.sensor(max_flows=10)
    packets = [p for i in range(50) for p in wire.conversation(wire.full()[:1], client=("10.0.0.1", 1000 + i), end=0)]
    seen = sensor.feed(wire.pcap(packets))
    assert sensor.counters.flows_evicted >= 40
    seen += sensor.close()
    assert len(seen) == 50
    assert all(observation.established is None for observation in seen)


def test_memory_for_unfinished_handshakes_is_bounded_in_all(wire):
    sensor = wire.sensor(max_buffered=20_000)
    hello = wire.record(wire.client_hello())
    packets = []
    for i in range(40):
        ends = {"client": ("10.0.0.1", 1000 + i), "end": 0, "start": 1.7e9 + i}
        packets += wire.conversation(
            [("c", hello), ("s", wire.record(wire.server_hello() + bytes([11, 0, 16, 0]) + bytes(2000)))], **ends
        )
    seen = sensor.feed(wire.pcap(packets))
    assert sensor.counters.flows_evicted > 25
    assert len(seen + sensor.close()) == 40


@pytest.mark.parametrize("bound", range(20_000, 60_000, 997))
def test_connections_given_up_for_memory_with_zeros_pending_are_told_once(wire, bound):
    """Zeros that may be padding are read when a connection ends: that adds to the memory that is being freed."""
    sensor = wire.sensor(max_buffered=bound)
    hello = wire.record(wire.client_hello())
    packets = []
    for i in range(40):
        client, start = ("10.0.0.1", 1000 + i), 1.7e9 + i
        packets += wire.conversation([("c", hello)], client=client, end=0, start=start)
        for seq, payload in ((1500, bytes(200)), (3000, bytes(6))):
            packets.append((start + 0.1, wire.tcp(client, wire.server, seq, wire.ack, payload)))
    seen = sensor.feed(wire.pcap(packets))
    assert sensor.counters.flows_evicted > 25
    seen += sensor.close()
    assert sorted(observation.orig_p for observation in seen) == list(range(1000, 1040))


def test_a_missing_segment_is_given_up_once_too_much_waits_for_it(wire):
    flights = wire.full(chain=(b"x" * 5000,))
    packets = wire.conversation(flights, mss=500)
    lost = packets.pop(6)
    sensor = wire.sensor(max_out_of_order=1000)
    (seen,) = sensor.feed(wire.pcap(packets)) + sensor.close()
    assert (seen.client_hello_seen, seen.version) == (True, "TLSv12")
    assert (seen.cert_visible, seen.cert_chain_fps, seen.resumed) == (None, None, False)
    assert seen.ssl_history == "CsGIi"
    assert seen.established is True
    assert sensor.counters.bytes_missing == len(lost[1]) - 40


def test_a_close_after_bytes_that_were_not_captured_tells_nothing(wire):
    packets = wire.conversation(wire.full()[:2], end=wire.rst)
    assert sense(wire, packets)[0].established is False
    packets = wire.conversation(wire.full()[:2])
    del packets[3]
    assert sense(wire, packets)[0].established is None


def test_certificates_of_unfinished_handshakes_count_as_memory(wire):
    sensor = wire.sensor(max_buffered=200_000)
    packets = []
    for i in range(30):
        ends = {"client": ("10.0.0.1", 1000 + i), "end": 0, "start": 1.7e9 + i}
        packets += wire.conversation(wire.full(chain=(bytes(8000), bytes(8000)))[:2], **ends)
    sensor.feed(wire.pcap(packets))
    assert sensor.counters.flows_evicted > 15


def test_of_a_failed_handshake_with_a_gap_nobody_knows_how_it_ended(wire):
    packets = wire.conversation(wire.full(chain=(b"x" * 5000,))[:2], mss=500)
    del packets[6]
    (seen,) = sense(wire, packets)
    assert seen.established is None


def test_connections_that_are_not_tls_are_counted_and_passed_over(wire):
    sensor = wire.sensor()
    sensor.feed(wire.pcap(wire.conversation([("c", b"GET / HTTP/1.1\r\n"), ("s", b"HTTP/1.1 200 OK\r\n" * 200)])))
    assert sensor.close() == []
    assert (sensor.counters.flows, sensor.counters.flows_not_tls, sensor.counters.flows_tls) == (1, 1, 0)


def test_uids_do_not_depend_on_the_capture_a_connection_is_read_from(wire):
    first = wire.conversation(wire.full())
    second = wire.conversation(wire.full(), client=("10.0.0.2", 40000))
    uids = {observation.uid for observation in sense(wire, first + second)}
    assert uids == {observation.uid for part in (second, first) for observation in sense(wire, part)}
    assert len(uids) == 2


def test_an_unknown_link_type_is_told_and_its_packets_are_counted(wire):
    sensor = wire.sensor()
    sensor.feed(wire.pcap([(1.0, b"x"), (2.0, b"y")], link=147))
    assert sensor.close() == []
    assert [str(problem) for problem in sensor.problems] == [
        "x.pcap: link type 147: cannot be read; its packets are left out"
    ]
    assert sensor.counters.packets_unknown_link == 2


@settings(max_examples=100, deadline=None)
@given(
    packets=st.lists(
        st.tuples(st.booleans(), st.integers(0, 400), st.integers(0, 31), st.binary(max_size=40), st.floats(0, 4e9)),
        max_size=20,
    )
)
def test_any_segments_are_taken_without_a_crash(wire, packets):
    frames = []
    for from_client, seq, flags, payload, ts in packets:
        ends = (wire.client, wire.server) if from_client else (wire.server, wire.client)
        frames.append((ts, wire.tcp(*ends, seq, flags, b"\x16\x03\x01" + payload if seq % 2 else payload)))
    wire.sense(wire.pcap(frames))


@settings(max_examples=100, deadline=None)
@given(position=st.integers(24, 2000), junk=st.binary(min_size=1, max_size=8))
def test_a_capture_spoilt_anywhere_is_read_without_a_crash(wire, position, junk):
    capture = wire.pcap(wire.conversation(wire.full()))
    wire.sense(capture[:position] + junk + capture[position + len(junk) :])
