from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.record import MessageReader, RecordReader, is_hello, is_record


def records(data, chunk=None, reader=None):
    """Records, those of handshakes joined again."""
    reader = reader or RecordReader()
    found = []
    for frame, offset in enumerate(range(0, len(data), chunk or len(data) or 1)):
        for kind, body in reader.feed(data[offset : offset + (chunk or len(data))], 0.0, frame):
            if kind == 22 and body is not None and found and found[-1][0] == 22:
                found[-1] = kind, found[-1][1] + body
            else:
                found.append((kind, body))
    return found, reader


def messages(bodies, limit=1000):
    reader = MessageReader(limit)
    found = [message for frame, body in enumerate(bodies) for message in reader.feed(body, 0.0, frame)]
    return [(kind, body) for kind, body, _, _ in found], reader


def test_records_are_cut_alike_whole_and_byte_by_byte(wire):
    data = wire.record(b"hello") + wire.alert(2, 40) + wire.ccs + wire.record(bytes(70), kind=23) + wire.record(b"")
    expected = [(22, b"hello"), (21, b"\2\x28"), (20, b"\1"), (23, None), (22, b"")]
    for chunk in (None, 1, 3):
        found, reader = records(data, chunk)
        assert found == expected
        assert not reader.lost
        assert not reader.pending


def test_an_unfinished_alert_waits_for_its_rest(wire):
    data = wire.alert(2, 40)
    found, reader = records(data[:-1])
    assert (found, len(reader.pending)) == ([], 6)
    assert list(reader.feed(data[-1:], 0.0, 9)) == [(21, b"\2\x28")]


def test_a_handshake_body_is_passed_on_as_it_comes(wire):
    data = wire.record(b"hello")
    found, reader = records(data[:-3])
    assert found == [(22, b"he")]
    assert list(reader.feed(data[-3:], 0.0, 9)) == [(22, b"llo")]


def test_encrypted_bodies_pass_by_without_being_held(wire):
    reader = RecordReader()
    reader.encrypted = True
    data = wire.record(bytes(16000)) * 3
    found, _ = records(data, 1000, reader)
    assert found == [(22, None)] * 3
    assert not reader.pending


def test_what_is_no_record_ends_the_reading(wire):
    found, reader = records(wire.record(b"x") + b"HTTP/1.1 200 OK" + wire.record(b"y"))
    assert found == [(22, b"x")]
    assert reader.lost


def test_a_record_knows_the_packet_in_which_it_starts(wire):
    reader = RecordReader()
    data = wire.record(b"one") + wire.record(b"two")
    starts = []
    for frame, part in enumerate((data[:10], data[10:12], data[12:]), 1):
        starts += [(body, reader.frame) for _, body in reader.feed(part, float(frame), frame)]
    assert starts == [(b"one", 1), (b"two", 1)]


def test_after_a_gap_the_reading_goes_on_at_the_next_record(wire):
    reader = RecordReader()
    assert list(reader.feed(wire.record(b"unfinished")[:8], 0.0, 1)) == [(22, b"unf")]
    assert not reader.gap(100)
    assert list(reader.feed(b"middle of something", 0.0, 2)) == []
    assert list(reader.feed(wire.ccs, 0.0, 3)) == [(20, b"\1")]


def test_a_gap_inside_a_body_that_is_not_read_does_no_harm(wire):
    reader = RecordReader()
    data = wire.record(bytes(100), kind=23)
    assert list(reader.feed(data[:20], 0.0, 1)) == [(23, None)]
    assert reader.gap(50)
    assert list(reader.feed(data[70:] + wire.ccs, 0.0, 2)) == [(20, b"\1")]


def test_after_a_gap_inside_a_handshake_body_the_next_record_is_read(wire):
    reader = RecordReader()
    data = wire.record(bytes(100))
    assert list(reader.feed(data[:20], 0.0, 1)) == [(22, bytes(15))]
    assert not reader.gap(50)
    assert list(reader.feed(data[70:] + wire.ccs, 0.0, 2)) == [(20, b"\1")]


def test_messages_may_span_records_and_share_them(wire):
    data = wire.message(1, b"one") + wire.message(2, b"") + wire.message(11, b"three")
    expected = [(1, b"one"), (2, b""), (11, b"three")]
    assert messages([data])[0] == expected
    assert messages([data[i : i + 1] for i in range(len(data))])[0] == expected


def test_a_message_that_is_too_long_passes_by_and_the_next_is_read(wire):
    data = wire.message(11, bytes(2000)) + wire.message(14)
    for size in (1, 64, len(data)):
        found, reader = messages([data[i : i + size] for i in range(0, len(data), size)])
        assert found == [(11, None), (14, b"")]
        assert not reader.pending


def test_a_message_knows_the_record_in_which_it_starts_also_behind_one_too_long(wire):
    long = wire.message(1, bytes(40))
    data = long + wire.message(2, b"ab") + wire.message(3, b"cd")
    reader, started = MessageReader(20), []
    for frame, body in enumerate((long[:3], data[3:48], data[48:])):
        started += [(kind, begun) for kind, _, _, begun in reader.feed(body, 0.0, frame)]
    assert started == [(1, 0), (2, 1), (3, 2)]


def test_hellos_are_told_from_other_records_by_their_first_bytes(wire):
    hello = wire.record(wire.client_hello())
    for length in range(1, len(hello)):
        assert is_hello(hello[:length])
    assert not is_hello(wire.ccs)
    assert not is_hello(wire.record(wire.message(11)))
    assert is_record(wire.data)
    for text in (b"GET / HTTP/1.1", b"\x16\x02\x00", b"\x16\x03\x09", b"\x16\x03\x01\xff\xff", b"\x80"):
        assert not is_record(text)


@given(st.binary(max_size=200), st.integers(1, 9))
def test_any_bytes_are_cut_without_a_crash_and_alike_in_any_chunks(tail, chunk):
    data = b"\x16\x03\x03\x00\x05hello" + tail
    assert records(data)[0] == records(data, chunk)[0]
    assert messages([data])[0] == messages([data[i : i + chunk] for i in range(0, len(data), chunk)])[0]
