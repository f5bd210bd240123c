import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import GRE, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.packet import Raw

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.fragments import Fragment, Fragments
from enricher.sensor.packet import Network

CONTENT = bytes(random.Random(1496).randbytes(3000))
V4 = IP(src="10.0.0.1", dst="10.0.0.2", id=77)
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
TCP_HEADER = TCP(sport=1234, dport=443, flags="PA")


def pieces(version, upper=TCP_HEADER, content=CONTENT):
    if version == 4:
        return [bytes(packet) for packet in fragment(V4 / upper / Raw(content), 800)]
    return [bytes(packet) for packet in fragment6(V6 / IPv6ExtHdrFragment(id=77) / upper / Raw(content), 800)]


class Taken:
    def __init__(self, **settings):
        self.payloads, self.counters = [], Counters()
        self.network = Network(WireSettings(**settings), self.counters, self.take, self.take)

    def take(self, _frame, _ts, _key, data, start, end, *_):
        self.payloads.append(data[start:end])

    def packets(self, packets, ts=1.0, step=0.0):
        for number, packet in enumerate(packets):
            self.network.packet(number, ts + number * step, b"x" + packet + b"pad", 1, 1 + len(packet))
        return self


def dropped(taken):
    taken.network.close()
    return taken.counters.fragments_dropped


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("upper", [TCP_HEADER, UDP(sport=1234, dport=443)])
def test_fragments_in_any_order_give_the_datagram(version, upper):
    packets = pieces(version, upper)
    assert len(packets) > 3
    for seed in range(6):
        random.Random(seed).shuffle(packets)
        taken = Taken().packets(packets)
        assert taken.payloads == [CONTENT]
        assert taken.counters.fragments == len(packets)
        assert not taken.counters.fragments_conflicting
        assert not dropped(taken)


@pytest.mark.parametrize("version", [4, 6])
def test_repeated_fragments_change_nothing(version):
    packets = pieces(version)
    taken = Taken().packets([*packets[:-1], *packets[:-1], packets[-1]])
    assert taken.payloads == [CONTENT]
    assert not taken.counters.fragments_conflicting


@pytest.mark.parametrize("version", [4, 6])
def test_a_missing_fragment_loses_the_datagram_and_is_counted(version):
    packets = pieces(version)
    for missing in range(len(packets)):
        taken = Taken().packets(packets[:missing] + packets[missing + 1 :])
        assert not taken.payloads
        assert dropped(taken) == len(packets) - 1


def test_the_fragments_of_two_datagrams_do_not_mix():
    other = [bytes(p) for p in fragment(IP(src="10.0.0.1", dst="10.0.0.2", id=78) / TCP_HEADER / Raw(bytes(3000)), 800)]
    mixed = [packet for pair in zip(pieces(4), other, strict=True) for packet in pair]
    assert Taken().packets(mixed).payloads == [CONTENT, bytes(3000)]


def test_fragments_of_a_tunnel_are_put_together_before_it_is_entered():
    packets = [bytes(p) for p in fragment(V4 / GRE() / V4 / TCP_HEADER / Raw(CONTENT), 800)]
    assert Taken().packets(packets[::-1]).payloads == [CONTENT]


def test_fragments_inside_a_tunnel_are_put_together():
    packets = [bytes(IP(src="192.0.2.1", dst="192.0.2.2") / IP(packet)) for packet in pieces(4)]
    assert Taken().packets(packets[::-1]).payloads == [CONTENT]


def test_fragments_in_more_tunnels_than_are_entered_are_counted():
    def nested(levels):
        taken = Taken()
        outside = IP(src="192.0.2.1", dst="192.0.2.2", proto=4)
        for piece in pieces(4):
            packet = IP(piece)
            for _ in range(levels):
                packet = outside / packet
            taken.packets([bytes(packet)])
        return taken.payloads, taken.counters.packets_too_deep

    assert nested(7) == ([CONTENT], 0)
    assert nested(8) == ([], 1)


def test_a_datagram_must_be_whole_in_time():
    packets = pieces(4)
    slow = Taken(fragment_timeout=30).packets(packets, step=20)
    assert not slow.payloads
    assert dropped(slow) == len(packets)
    assert Taken(fragment_timeout=30).packets(packets, step=9).payloads == [CONTENT]


def test_a_clock_that_jumps_back_keeps_no_fragments_forever():
    taken = Taken(fragment_timeout=30).packets(pieces(4)[:1], ts=1e9).packets(pieces(6), ts=5.0)
    assert taken.payloads == [CONTENT]
    assert taken.counters.fragments_dropped == 1


def test_memory_is_bounded_and_the_oldest_go_first():
    taken = Taken(max_fragments=20_000)
    for number in range(100):
        first, *_ = fragment(IP(src="10.0.0.1", dst="10.0.0.2", id=number) / TCP_HEADER / Raw(CONTENT), 800)
        taken.packets([bytes(first)])
    assert taken.counters.fragments_dropped > 80
    assert taken.packets(pieces(4)).payloads == [CONTENT]


def test_memory_is_bounded_also_for_datagrams_that_are_mostly_gaps():
    fragments = Fragments(WireSettings(max_fragments=1 << 20), Counters())
    tracemalloc.start()
    for number in range(2000):
        for place in range(50):
            fragments.add(b"%d" % number, Fragment(16 * place + 8, True, 6, bytes(8)), 1.0)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 1 << 19 < held < 1.5 * (1 << 20)


def test_bytes_that_two_fragments_tell_differently_are_counted_and_the_first_copy_wins():
    first, second, *rest = pieces(4)
    forged = second[:20] + bytes(len(second) - 20)
    taken = Taken().packets([first, second, forged, *rest])
    assert (taken.payloads, taken.counters.fragments_conflicting) == ([CONTENT], 1)
    taken = Taken().packets([first, forged, second, *rest])
    assert taken.payloads[0].startswith(CONTENT[:700])
    assert bytes(len(second) - 20) in taken.payloads[0]
    assert taken.counters.fragments_conflicting == 1


def assemble(*given_pieces, **settings):
    counters = Counters()
    fragments = Fragments(WireSettings(**settings), counters)
    for piece in given_pieces:
        if (whole := fragments.add(b"key", piece, 1.0)) is not None:
            return whole, counters
    fragments.close()
    return None, counters


def test_overlapping_fragments_fill_only_what_is_missing():
    whole, counters = assemble(
        Fragment(4, True, 6, b"BBBB"), Fragment(12, False, 6, b"DDDD"), Fragment(0, True, 6, b"AAAAxxxxCCCCyyyy")
    )
    assert whole == (6, b"AAAABBBBCCCCDDDD")
    assert counters.fragments_conflicting == 1


def test_what_lies_beyond_the_last_fragment_is_no_part_of_the_datagram():
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        given_pieces = [
            Fragment(4, True, 6, b"BBBBjunk"),
            Fragment(4, False, 6, b"BBBB"),
            Fragment(0, True, 6, b"AAAA"),
        ]
        assert assemble(*(given_pieces[index] for index in order))[0] == (6, b"AAAABBBB")


def test_the_first_fragment_says_what_the_datagram_carries():
    first, last = Fragment(0, True, 6, b"AAAA"), Fragment(4, False, 17, b"BBBB")
    for pieces_in_order in ((first, last), (last, first)):
        assert assemble(*pieces_in_order)[0] == (6, b"AAAABBBB")


def test_a_datagram_longer_than_ip_can_say_is_dropped():
    whole, counters = assemble(Fragment(0, True, 6, bytes(65528)), Fragment(65528, False, 6, bytes(100)))
    assert (whole, counters.fragments_dropped) == (None, 2)


def test_a_datagram_of_crumbs_is_dropped():
    crumbs = [Fragment(8 * place, place < 199, 6, bytes(8)) for place in range(200)]
    assert assemble(*crumbs)[0] is not None
    whole, counters = assemble(*crumbs[::2], *crumbs[1::2])
    assert whole is None
    assert counters.fragments_dropped == 200


def test_fragments_that_hold_each_other_end_at_a_bound():
    """Each datagram's last fragment comes out of the datagram before."""
    counters = Counters()
    network = Network(WireSettings(), counters, print, print)

    def header(identity, place, more):
        return bytes([44, 0]) + (place | more).to_bytes(2, "big") + identity.to_bytes(4, "big")

    def packet(content):
        return bytes(V6)[:4] + len(content).to_bytes(2, "big") + b"\x2c\x40" + bytes(V6)[8:40] + content

    count = 500
    for level in range(1, count):
        content = packet(header(level, 0, 1) + header(level + 1, 8, 0))
        network.packet(1, 1.0, content, 0, len(content))
    last = packet(header(1, 8, 0) + bytes(8 * count))
    network.packet(1, 1.0, last, 0, len(last))
    network.close()
    assert counters.fragments < count + 20


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 100)), max_size=5),
)
def test_pieces_of_any_size_overlapping_in_any_order_give_the_datagram(sizes, order, extra):
    content = random.Random(sum(sizes)).randbytes(8 * sum(sizes))
    given_pieces, start = [], 0
    for size in sizes:
        given_pieces.append((start, start + 8 * size))
        start += 8 * size
    given_pieces += [(begin, begin + size) for begin, size in extra if begin + size <= len(content)]
    order.shuffle(given_pieces)
    whole, counters = assemble(
        *(Fragment(begin, end < len(content), 6, content[begin:end]) for begin, end in given_pieces)
    )
    assert whole == (6, content)
    assert not counters.fragments_conflicting


@given(
    st.lists(st.tuples(st.integers(0, 70000), st.booleans(), st.binary(max_size=50), st.floats(0, 200)), max_size=40),
    st.integers(0, 5000),
)
def test_any_fragments_are_given_dropped_or_held_within_bounds(given_pieces, limit):
    counters = Counters()
    fragments = Fragments(WireSettings(max_fragments=limit), counters)
    for place, more, content, ts in given_pieces:
        whole = fragments.add(content[:1], Fragment(place, more, 6, content), ts)
        assert whole is None or len(whole[1]) <= 0xFFFF
    fragments.close()
    assert fragments._held == 0
    assert counters.fragments_dropped <= counters.fragments == len(given_pieces)
