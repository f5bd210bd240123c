"""What breaks the rules, is cut or altered, or comes in numbers: it costs itself, and bounded memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor.quic import QuicReader
from enricher.sensor.quic import reader as module
from enricher.sensor.quic.keys import InitialKeys


def test_what_breaks_the_rules_is_told_with_its_frame_and_the_rest_is_read(quic):
    broken = quic.initial(quic.crypto(0, quic.hello[:100]) + b"\x1e" + quic.crypto(100, b"never"))
    read, reader = quic.read([(0, broken), (0, quic.initial(quic.crypto(100, quic.hello[100:]), number=1))])
    assert read[0] == quic.hello
    (error,) = reader.errors
    assert error.startswith("frame 1: ")
    assert "0x1e" in error
    _, reader = quic.read([(0, broken)] * 100)
    assert 1 < len(reader.errors) < 10
    _, reader = quic.read([(0, quic.other("handshake", size=19))])
    assert "handshake packet of 19 bytes" in reader.errors[0]


def test_a_packet_cut_short_by_the_capture_is_unread_and_no_error(quic):
    packet = quic.initial(quic.crypto(0, quic.hello), pad=1150)
    _, reader = quic.read([(0, packet[:-1])])
    assert (reader.unread, reader.errors, reader.buffered) == (1, [], 0)


@given(st.integers(0, 400), st.integers(0, 4))
@settings(max_examples=200)
def test_datagrams_cut_anywhere_cost_only_themselves(quic, size, which):
    datagrams = quic.handshake()
    side, datagram = datagrams[which]
    _, reader = quic.read([*datagrams[:which], (side, datagram[:size]), *datagrams[which:]])
    again = [(0, quic.initial(quic.crypto(0, quic.hello), number=7))]
    _, reader = quic.read(again, reader)
    assert quic.facts(reader)[:4] == (quic.v1, 0, [True] * 2, [True] * 2)


@given(st.integers(0, 4), st.integers(0, 2000), st.integers(1, 255))
@settings(max_examples=300)
def test_an_altered_byte_never_gives_altered_bytes_of_a_handshake(quic, which, place, change):
    datagrams = quic.handshake()
    side, datagram = datagrams[which]
    place %= len(datagram)
    altered = datagram[:place] + bytes([datagram[place] ^ change]) + datagram[place + 1 :]
    datagrams[which] = side, altered
    read, _ = quic.read(datagrams)
    assert quic.hello.startswith(read[0])
    assert quic.answer.startswith(read[1])


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=100)), max_size=10))
def test_any_datagrams_are_taken_without_a_crash(quic, datagrams):
    quic.read(datagrams)


@given(st.binary(max_size=300))
def test_any_frames_are_taken_without_a_crash_and_change_no_bound(quic, payload):
    _, reader = quic.read([(0, quic.initial(payload))], limit=2000)
    assert reader.buffered < 10_000


@pytest.mark.parametrize("limit", [20_000, 1 << 30])
def test_memory_is_bounded_whatever_waits(quic, limit):
    reader = QuicReader(limit)
    for i in range(60):
        frames = b"".join(quic.crypto(2 * n + 1, b"x") for n in range(100 * i, 100 * i + 100))
        reader.feed(0, quic.initial(frames, number=i, size=4), 0.0, i)
        reader.feed(1, quic.initial(bytes(1000), server=True, origin=i.to_bytes(8, "big")), 0.0, i)
    assert reader.lost
    assert reader.buffered < min(limit, 70_000) + 64_000
    assert reader.unread == 60


def test_datagrams_without_known_keys_wait_only_up_to_the_bound(quic):
    reader = QuicReader(5000)
    for i in range(100):
        reader.feed(1, quic.initial(bytes(1000), server=True, number=i), 0.0, i)
    assert reader.unread == 100
    assert reader.buffered < 5000 + 10_000
    read, _ = quic.read([(0, quic.initial(quic.crypto(0, quic.hello)))], reader)
    assert read[0] == quic.hello


def test_only_so_many_packets_wait_for_keys_however_small_they_are(quic):
    answers = [(1, quic.initial(quic.crypto(i, b"x"), server=True, number=i)) for i in range(100)]
    read, reader = quic.read([*answers, (0, quic.initial(quic.crypto(0, quic.hello)))])
    assert 4 < len(read[1]) < 30
    assert reader.unread == 100 - len(read[1])


def test_what_is_in_order_needs_no_room(quic):
    later, sooner = quic.crypto(1000, bytes(4000)), quic.crypto(0, bytes(1000))
    read, reader = quic.read([(0, quic.initial(later)), (0, quic.initial(sooner, number=1))], limit=5000)
    assert read[0] == bytes(5000)
    assert not reader.lost


def test_a_frame_without_bytes_gives_no_piece(quic):
    assert QuicReader(1000).feed(0, quic.initial(quic.crypto(0, b"")), 0.0, 1) == []


def test_a_piece_far_ahead_is_given_up_and_said_to_be(quic):
    reader = QuicReader(5000)
    far = quic.initial(quic.crypto((1 << 61) + 5, b"far") + quic.crypto(0, quic.hello))
    assert b"".join(data for _, data, _, _ in reader.feed(0, far, 0.0, 1)) == quic.hello
    assert reader.lost


def test_keys_are_derived_once_and_for_a_bounded_number_of_connection_ids(quic, monkeypatch):
    derived = []
    monkeypatch.setattr(module, "InitialKeys", lambda *args: derived.append(args) or InitialKeys(*args))
    stranger = (1, quic.initial(b"\1", server=True, origin=b"no such"))
    _, reader = quic.read([*quic.handshake(), stranger] * 3)
    assert len(derived) == 1
    assert reader.buffered > 4000
    derived.clear()
    strangers = [(0, quic.initial(b"\1", origin=b"no such", destination=bytes([i] * 8))) for i in range(200)]
    quic.read(strangers)
    assert len(derived) < 20
