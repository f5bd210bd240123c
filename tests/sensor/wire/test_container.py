import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor.capture import recognise
from enricher.sensor.container import CaptureReader
from enricher.sensor.contract import Counters, Log


def read(capture, chunk=None):
    """Link type, frame, time and bytes of each packet; the counters; the problems."""
    packets, counters = [], Counters()
    log = Log("x", 100, counters)

    def open_link(number):
        return lambda frame, ts, data, start, end: packets.append((number, frame, ts, data[start:end]))

    reader = CaptureReader(open_link, counters, log)
    for offset in range(0, len(capture), chunk or len(capture) or 1):
        reader.feed(capture[offset : offset + (chunk or len(capture))])
    reader.close()
    return packets, counters, [str(problem) for problem in log.problems]


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link=1, options=b"", limit=0):
    return block(order, 1, struct.pack(order + "HHI", link, 0, limit) + options)


def packet(order, number, units, frame):
    head = struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
    return block(order, 6, head + frame)


def resolution(order, exponent):
    return struct.pack(order + "HHB3x", 9, 1, exponent) + struct.pack(order + "HH", 0, 0)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_a_pcap_of_any_byte_order_and_resolution_gives_its_packets_in_chunks_of_any_size(wire, order, nano, chunk):
    capture = wire.pcap([(1.5, b"one"), (2.25, b""), (3.125, b"three")], order=order, nano=nano, link=101)
    packets, counters, problems = read(capture, chunk)
    assert packets == [(101, 1, 1.5, b"one"), (101, 2, 2.25, b""), (101, 3, 3.125, b"three")]
    assert (counters.packets, counters.bytes) == (3, 8)
    assert not problems


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_the_modified_pcap_has_longer_record_headers(order, chunk):
    capture = struct.pack(order + "IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 113)
    for seconds, frame in ((1, b"one"), (2, b""), (3, b"three")):
        capture += struct.pack(order + "IIIIIHBx", seconds, 500_000, len(frame), len(frame), 7, 0x0800, 4) + frame
    packets, counters, problems = read(capture, chunk)
    assert packets == [(113, 1, 1.5, b"one"), (113, 2, 2.5, b""), (113, 3, 3.5, b"three")]
    assert (counters.packets, counters.bytes) == (3, 8)
    assert not problems


@pytest.mark.parametrize("order", "<>")
def test_the_length_of_a_check_sequence_is_no_part_of_the_link_type(order):
    capture = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 0x2400_0001)
    capture += struct.pack(order + "IIII", 1, 0, 3, 3) + b"one"
    assert read(capture)[0] == [(1, 1, 1.0, b"one")]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("chunk", [None, 1])
def test_the_packet_block_of_old_counts_drops_beside_its_interface(order, chunk):
    old = struct.pack(order + "HHIIII", 1, 9, 0, 2_500_000, 3, 3) + b"old"
    capture = section(order) + interface(order, 1) + interface(order, 101) + block(order, 2, old)
    assert read(capture, chunk)[0] == [(101, 1, 2.5, b"old")]


@pytest.mark.parametrize("kind", [4, 5, 10, 0xBAD, 0x4000_0BAD, 0x8000_0001])
def test_blocks_that_hold_no_packets_are_stepped_over_whatever_their_size(kind):
    other = block("<", kind, bytes(5000))
    capture = section("<") + other + interface("<") + other + packet("<", 0, 1_000_000, b"x") + other
    for chunk in (None, 1, 4096):
        packets, _, problems = read(capture, chunk)
        assert (packets, problems) == ([(1, 1, 1.0, b"x")], [])


def test_interfaces_beyond_any_machine_are_left_out_and_each_link_is_opened_once():
    capture = (
        section("<") + interface("<") * 70_000 + packet("<", 65_535, 1_000_000, b"x") + packet("<", 65_536, 1, b"y")
    )
    opened, counters = [], Counters()
    taken = []

    def open_link(number):
        opened.append(number)
        return lambda *packet: taken.append(packet)

    log = Log("x", 10, counters)
    reader = CaptureReader(open_link, counters, log)
    reader.feed(capture)
    assert (opened, len(taken), len(log.problems)) == ([1], 1, 10)


def test_a_section_may_tell_its_length_or_not():
    for length in (-1, 20, 0):
        header = block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, length))
        capture = header + interface("<") + packet("<", 0, 1_000_000, b"x")
        assert read(capture * 2)[0] == [(1, 1, 1.0, b"x"), (1, 2, 1.0, b"x")]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("chunk", [None, 1, 13])
def test_a_pcapng_knows_several_sections_and_interfaces_each_with_its_own_clock(order, chunk):
    other = ">" if order == "<" else "<"
    capture = (
        section(order)
        + interface(order, 1)
        + block(order, 0x0BAD, b"custom" * 50)
        + interface(order, 101, resolution(order, 9))
        + interface(order, 228, resolution(order, 0x80 | 10))
        + packet(order, 0, 1_500_000, b"micro")
        + packet(order, 1, 2_500_000_000, b"nano")
        + packet(order, 2, 3 << 10 | 512, b"binary")
        + block(order, 3, struct.pack(order + "I", 6) + b"simple")
        + section(other)
        + interface(other, 229)
        + packet(other, 0, 7_000_000, b"later")
    )
    packets, _, problems = read(capture, chunk)
    assert packets == [
        (1, 1, 1.5, b"micro"),
        (101, 2, 2.5, b"nano"),
        (228, 3, 3.5, b"binary"),
        (1, 4, 3.5, b"simple"),
        (229, 5, 7.0, b"later"),
    ]
    assert not problems


def test_an_interface_can_shift_its_clock_by_whole_seconds():
    options = struct.pack("<HHq", 14, 8, 1000)
    packets, _, _ = read(section("<") + interface("<", 1, options) + packet("<", 0, 500_000, b"x"))
    assert packets[0][2] == 1000.5


def test_a_simple_packet_is_cut_to_the_snap_length_of_its_interface():
    simple = block("<", 3, struct.pack("<I", 100) + b"abcd")
    packets, _, _ = read(section("<") + interface("<", limit=4) + simple)
    assert packets[0][3] == b"abcd"


@pytest.mark.parametrize("chunk", [None, 1])
def test_a_truncated_capture_gives_what_is_there_and_says_where_it_ends(wire, chunk):
    capture = wire.pcap([(1.0, b"one"), (2.0, b"two")], link=101)
    packets, _, problems = read(capture[:-1], chunk)
    assert [data for *_, data in packets] == [b"one"]
    assert problems == ["x: byte 43: capture ends inside a record; it was read up to there"]


def test_a_record_of_impossible_length_ends_the_reading_and_is_told(wire):
    capture = wire.pcap([(1.0, b"one")], link=101) + struct.pack("<IIII", 1, 1, 2**31, 1) + b"tail" * 10
    packets, _, problems = read(capture)
    assert len(packets) == 1
    assert problems == ["x: byte 43: packet record says 2147483648 bytes; it was read up to there"]


@pytest.mark.parametrize(
    "broken", [struct.pack("<II", 6, 5), struct.pack("<II", 6, 64 << 20), struct.pack("<II", 6, 30)]
)
def test_a_pcapng_block_of_impossible_length_ends_the_reading_and_is_told(broken):
    packets, _, problems = read(section("<") + interface("<") + packet("<", 0, 1, b"x") + broken + bytes(40))
    assert len(packets) == 1
    assert len(problems) == 1


def test_a_packet_block_that_names_no_interface_is_left_out_and_keeps_its_number():
    packets, _, problems = read(section("<") + interface("<") + packet("<", 9, 1, b"lost") + packet("<", 0, 1, b"kept"))
    assert packets == [(1, 2, 1e-6, b"kept")]
    assert problems == ["x: byte 48: block that contradicts itself is left out"]


@pytest.mark.parametrize("text", [b"", b"short", b"this is a text file and no capture at all"])
def test_what_is_no_capture_is_told_once(text):
    packets, _, problems = read(text)
    assert not packets
    assert len(problems) == 1


def test_captures_are_recognised_by_content(wire):
    assert recognise(wire.pcap([]))
    assert recognise(wire.pcap([], order=">", nano=True))
    assert recognise(bytes.fromhex("34cdb2a1") + bytes(20))
    assert recognise(bytes.fromhex("a1b2cd34") + bytes(20))
    assert recognise(section("<"))
    assert recognise(section(">"))
    assert not recognise(b"\x0a\x0d\x0d\x0a")
    assert not recognise(b"#separator \\x09")
    assert not recognise(b"")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["pcap", "modified", "section", "nothing"]), st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_read_without_a_crash_and_alike_in_any_chunks(start, tail, chunk):
    head = {
        "pcap": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1),
        "modified": struct.pack(">IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1),
        "section": section("<") + interface("<"),
    }
    capture = head.get(start, b"") + tail
    assert read(capture) == read(capture, chunk)
