"""DTLS handshake messages out of fragments."""

from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.dtls_messages import Fragment, MessageBuffer, fragment

BOUND = 2000 + 32 * 1000 + 1000 + 200
"""Of a buffer with a limit of 2000."""


def piece(number, offset, body, length, kind=1):
    return Fragment(kind, length, number, offset, body)


def feed(buffer, *pieces):
    return [message for at, one in enumerate(pieces) for message in buffer.feed(one, float(at), at)]


def test_a_fragment_is_read_where_it_lies(udp, wire):
    data = b"before" + udp.fragment(wire.message(11, bytes(range(100))), 7, 30, 20) + b"after"
    assert fragment(data, 6, len(data)) == Fragment(11, 100, 7, 30, bytes(range(30, 50)))


def test_a_fragment_longer_than_its_record_or_its_message_is_none(udp, wire):
    data = udp.fragment(wire.message(11, bytes(100)), 7, 30, 20)
    assert fragment(data, 0, len(data)) is not None
    assert fragment(data, 0, len(data) - 1) is None
    assert fragment(data, 0, 11) is None
    beyond = data[:6] + (90).to_bytes(3, "big") + data[9:]
    assert fragment(beyond, 0, len(beyond)) is None


def test_a_message_has_the_time_and_frame_of_the_fragment_with_its_first_byte():
    found = feed(MessageBuffer(100), piece(0, 3, b"def", 6), piece(0, 0, b"ab", 6), piece(0, 2, b"c", 6))
    assert found == [(1, b"abcdef", 1.0, 1)]


def test_messages_wait_for_those_before_them_and_come_once():
    buffer = MessageBuffer(1000)
    first, second, third = (piece(number, 0, bytes(5), 5) for number in (0, 1, 2))
    assert [len(feed(buffer, one)) for one in (first, third, third, second, first, second, third)] == [
        1, 0, 0, 2, 0, 0, 0,
    ]  # fmt: skip
    assert (buffer.buffered, buffer.incomplete) == (0, False)


def test_a_message_that_comes_whole_after_a_piece_of_it_is_one_message():
    buffer = MessageBuffer(1000)
    found = feed(buffer, piece(0, 2, b"CD", 4), piece(0, 0, b"abcd", 4), piece(1, 0, b"next", 4))
    assert [body for _, body, _, _ in found] == [b"abCD", b"next"]
    assert (buffer.buffered, buffer.incomplete) == (0, False)


def test_pieces_that_contradict_the_first_one_about_their_message_are_passed_over():
    buffer = MessageBuffer(1000)
    found = feed(
        buffer, piece(0, 2, b"cd", 4), piece(0, 0, b"xy", 5), piece(0, 0, b"zz", 4, kind=2), piece(0, 0, b"ab", 4)
    )
    assert found == [(1, b"abcd", 3.0, 3)]


def test_a_server_that_is_seen_late_is_read_from_its_hello_on():
    buffer = MessageBuffer(1000)
    found = feed(buffer, piece(3, 0, b"x", 1, 11), piece(1, 0, b"old", 3, 4), piece(2, 0, b"hi", 2, 2))
    assert [(kind, body) for kind, body, _, _ in found] == [(2, b"hi"), (11, b"x")]
    assert buffer.buffered == 0


def test_a_message_too_far_ahead_is_not_kept():
    buffer = MessageBuffer(1000)
    assert feed(buffer, piece(0, 0, b"hi", 2), piece(33, 0, b"far", 3), piece(65535, 0, b"far", 3)) != []
    assert not buffer.incomplete


def test_a_message_too_long_to_read_comes_in_its_turn_without_a_body():
    buffer = MessageBuffer(10)
    found = feed(
        buffer, piece(0, 0, b"hi", 2), piece(1, 0, b"long", 11), piece(1, 4, b"long", 11), piece(2, 0, b"x", 1)
    )
    assert [body for _, body, _, _ in found] == [b"hi", None, b"x"]
    assert buffer.buffered == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 300), st.binary(max_size=60), st.integers(0, 500)), max_size=80
    )
)
def test_whatever_comes_memory_is_bounded_and_nothing_comes_twice(pieces):
    buffer = MessageBuffer(2000)
    found = []
    for at, (number, offset, body, length) in enumerate(pieces):
        found += buffer.feed(piece(number, offset, body, max(length, offset + len(body))), 0.0, at)
        assert 0 <= buffer.buffered <= BOUND
        assert buffer.missing >= 0
    found += buffer.finish()
    assert (buffer.buffered, buffer.incomplete) == (0, False)
    assert len(found) <= len({number for number, *_ in pieces})


def test_a_flood_of_single_bytes_ends_at_the_bound():
    buffer = MessageBuffer(2000)
    for at in range(2000):
        assert feed(buffer, piece(at % 32, 1 + at // 32 * 2, b"x", 2000)) == []
        assert buffer.buffered <= BOUND
    assert buffer.buffered > BOUND - 2000


def test_what_waited_in_vain_comes_at_the_end_in_order():
    buffer = MessageBuffer(10_000)
    assert feed(buffer, piece(9, 0, b"nine", 4, 9), piece(8, 0, b"eight", 5, 8), piece(7, 0, b"sev", 5, 7)) == []
    assert buffer.missing == 2
    assert [kind for kind, _, _, _ in buffer.finish()] == [8, 9]
