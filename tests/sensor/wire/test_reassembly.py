import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.reassembly import Stream

FIRST = 2**32 - 20


def give(stream, seq, payload, frame=0):
    return b"".join(data for data, _, _ in stream.accept(seq % 2**32, (payload, 0.0, frame)))


@st.composite
def segments(draw):
    """A text, and segments that cover it in any order, overlapping and repeated, all agreeing."""
    text = draw(st.binary(min_size=1, max_size=80))
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=8))})
    pieces = list(pairwise(cuts))
    spans = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted).map(tuple)
    pieces += draw(st.lists(spans, max_size=5))
    return text, [(start, text[start:end]) for start, end in draw(st.permutations(pieces))]


@given(segments())
def test_order_repetition_and_overlap_of_segments_do_not_change_the_stream(case):
    text, pieces = case
    stream = Stream(FIRST)
    assert b"".join(give(stream, FIRST + start, piece) for start, piece in pieces) == text
    assert stream.waiting == 0
    assert stream.expected == (FIRST + len(text)) % 2**32


def test_the_first_copy_of_a_byte_wins():
    stream = Stream(0)
    assert give(stream, 3, b"DEF") == b""
    assert give(stream, 0, b"abcdefghi") == b"abcDEFghi"
    assert give(stream, 4, b"xxxxxxxx") == b"xxx"


def test_each_chunk_keeps_the_packet_that_brought_it():
    stream = Stream(0)
    assert stream.accept(1, (b"b", 2.0, 2)) == []
    assert stream.accept(0, (b"a", 3.0, 3)) == [(b"a", 3.0, 3), (b"b", 2.0, 2)]


def test_what_is_missing_can_be_given_up():
    stream = Stream(0)
    give(stream, 10, b"later")
    missing, chunks = stream.skip()
    assert missing == 10
    assert [data for data, _, _ in chunks] == [b"later"]
    assert stream.skip() == (0, [])


def test_a_stream_says_how_much_memory_waits_counting_small_segments_for_what_they_cost():
    stream = Stream(0)
    give(stream, 10, b"x" * 5000)
    assert 5000 < stream.waiting < 6000
    for i in range(1000):
        give(stream, 6000 + 2 * i, b"x")
    assert stream.waiting > 100_000
    give(stream, 0, bytes(10))
    stream.skip()
    assert stream.waiting == 999 * (stream.waiting // 999)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=20)), max_size=20))
def test_any_segments_are_taken_without_a_crash(pieces):
    stream = Stream(0)
    sent = sum(len(payload) for _, payload in pieces)
    got = sum(len(give(stream, seq, payload)) for seq, payload in pieces)
    while stream.waiting:
        missing, chunks = stream.skip()
        assert missing > 0
        got += sum(len(data) for data, _, _ in chunks)
    assert got <= sent


def test_a_segment_that_waits_finds_its_place_without_a_look_at_each_of_the_others():
    def calls(count):
        stream, seen = Stream(0), []
        for number in range(count):
            give(stream, 2 * number + 5, b"x")
        sys.setprofile(lambda _frame, event, _what: seen.append(event))
        try:
            stream.accept(2 * (count // 2) + 4, (b"y", 0.0, 0))
        finally:
            sys.setprofile(None)
        return len(seen)

    assert calls(2000) == calls(20)


@given(st.binary(min_size=1, max_size=40), st.binary(min_size=1, max_size=40), st.integers(0, 40))
def test_each_byte_that_comes_again_and_is_another_is_counted(first, again, start):
    stream = Stream(0)
    give(stream, 20, first)
    give(stream, start + 1, again)
    told = {20 + at: byte for at, byte in enumerate(first)}
    assert stream.conflicting == sum(told.get(start + 1 + at, byte) != byte for at, byte in enumerate(again))
