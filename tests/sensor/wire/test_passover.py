"""Records of a pcap are passed over in one look; nothing may come out otherwise than frame by frame."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.container import CaptureReader
from enricher.sensor.contract import Counters, Log
from enricher.sensor.flow import Flow
from enricher.sensor.link import LINKS
from enricher.sensor.passover import Passover

PLAIN, TAGGED = bytes(12) + b"\x08\x00", bytes(12) + b"\x81\x00\x00\x05\x08\x00"
SIX = bytes(12) + b"\x86\xdd"
A, B = bytes((10, 0, 0, 1)), bytes((192, 0, 2, 1))
PORTS = struct.pack(">HH", 50000, 443)
LAYOUTS = {"<": b"\xd4\xc3\xb2\xa1", ">": b"\xa1\xb2\xc3\xd4"}
WIDE = b"\x34\xcd\xb2\xa1"


def tcp(flags=16):
    return PORTS + bytes(8) + bytes((0x50, flags)) + bytes(6 + 20)


def four(source=A, protocol=6, fragment=0x4000, flags=16):
    return struct.pack(">BBHHHBBH", 0x45, 0, 60, 7, fragment, 64, protocol, 0) + source + B + tcp(flags)


def six(flags=16):
    return struct.pack(">IHBB", 6 << 28, 40, 6, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + tcp(flags)


FRAMES = {
    "done": PLAIN + four(),
    "done, tagged": TAGGED + four(),
    "done, IPv6": SIX + six(),
    "open": PLAIN + four(source=B),
    "SYN": PLAIN + four(flags=2),
    "SYN, IPv6": SIX + six(flags=2),
    "UDP between the same": PLAIN + four(protocol=17),
    "first fragment": PLAIN + four(fragment=0x2000),
    "later fragment": PLAIN + four(fragment=0x0001),
    "cut": (PLAIN + four())[:50],
    "no IP": bytes(12) + b"\x08\x06" + bytes(46),
    "no IP that looks like it": bytes(12) + b"\x08\x06" + four(),
    "empty": b"",
}
DONE = (A + B + PORTS, bytes(15) + b"\1" + bytes(15) + b"\2" + PORTS)


def pcap(names, order="<", magic=None, extra=0):
    parts = [(magic or LAYOUTS[order]) + struct.pack(order + "HHIIII", 2, 4, 0, 0, 65535, 1)]
    for number, name in enumerate(names):
        frame = FRAMES[name]
        parts += [struct.pack(order + "IIII", number, 250_000, len(frame), 60), bytes(extra), frame]
    return b"".join(parts)


def read(capture, cuts, *, quick):
    """What is delivered, when each direction that is done was last seen, what is counted."""
    delivered, counters = [], Counters()
    halves = {}
    for key in DONE:
        halves[key] = Flow(key).halves[0]
        halves[key].done = True
    deliver = lambda frame, ts, data, ip, end: delivered.append((frame, ts, data[ip:end]))  # noqa: E731
    passover = Passover(LINKS[1], halves, deliver, counters)
    log = Log("x", 100, counters)
    records = (lambda _link, layout: passover.records(layout)) if quick else None
    reader = CaptureReader(lambda _link: passover.packet, counters, log, records)
    ends = [*sorted(cut % (len(capture) + 1) for cut in cuts), len(capture)]
    for start, end in zip([0, *ends], ends, strict=False):
        reader.feed(capture[start:end])
    reader.close()
    return delivered, [halves[key].last for key in DONE], counters, [str(problem) for problem in log.problems]


@given(
    names=st.lists(st.sampled_from(sorted(FRAMES)), max_size=40),
    order=st.sampled_from("<>"),
    cuts=st.lists(st.integers(0, 5000), max_size=6),
    lost=st.integers(0, 120),
)
def test_records_taken_in_one_look_tell_what_frames_tell_wherever_the_file_is_cut(names, order, cuts, lost):
    capture = pcap(names, order)
    capture = capture[: max(24, len(capture) - lost)]
    assert read(capture, cuts, quick=True) == read(capture, [], quick=False)


@pytest.mark.parametrize("layout", [("<", None, 0), (">", None, 0), ("<", WIDE, 8)])
def test_frames_of_directions_that_are_done_are_passed_over_once_their_header_is_known(layout):
    names = [
        "open",
        *["done"] * 5,
        "SYN",
        "done",
        "first fragment",
        "later fragment",
        "no IP that looks like it",
        "done",
    ]
    delivered, last, counters, _ = read(pcap(names, *layout), [120], quick=True)
    assert [frame for frame, *_ in delivered] == [1, 7, 9, 10]
    assert (last[0], counters.packets, counters.packets_other) == (11.25, 12, 1)


@pytest.mark.parametrize("lost", range(1, 92))
def test_a_record_that_is_cut_short_is_not_passed_over(lost):
    capture = pcap(["open", *["done"] * 5])[:-lost]
    found = read(capture, [120], quick=True)
    assert found == read(capture, [], quick=False)
    assert found[1][0] == 4.25 if lost < 90 else 3.25


def test_headers_that_take_turns_cost_no_depth():
    names = ["open", "done, tagged", "open", "done"] * 3000
    delivered, last, counters, _ = read(pcap(names), [300], quick=True)
    assert len(delivered) == 6001  # the first one with a tag, too: its header is new
    assert (last[0], counters.packets) == (11999.25, 12000)


def test_a_record_that_says_it_is_endless_ends_the_capture_as_it_did():
    capture = pcap(["done"] * 5) + struct.pack("<IIII", 9, 0, 0xFFFFFFFF, 60) + FRAMES["done"] * 9
    found = read(capture, [200], quick=True)
    assert found == read(capture, [], quick=False)
    assert any("packet record says" in problem for problem in found[3])
