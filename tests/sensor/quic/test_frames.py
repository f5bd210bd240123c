import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.quic.frames import Close, Crypto, frames
from enricher.sensor.reader import MalformedError

SILENT = [
    bytes(1),  # PADDING
    bytes(700),
    b"\1",  # PING
    b"\2\0\0\0\0",  # ACK
    bytes.fromhex("0240ff400102050001400203"),  # ACK of three ranges
    bytes.fromhex("0305000000010203"),  # ACK with ECN counts
    b"\7\4abcd",  # NEW_TOKEN
]


def some(payload):
    """Frames before the first that does not parse, and why that one does not."""
    found = []
    try:
        found.extend(frames(payload))
    except MalformedError as error:
        return found, str(error)
    return found, None


def test_frames_that_tell_nothing_are_walked_over(quic):
    for silent in SILENT:
        assert some(silent + quic.crypto(0, b"hello")) == ([Crypto(0, b"hello")], None)
        assert some(quic.crypto(7, b"hello") + silent) == ([Crypto(7, b"hello")], None)


def test_a_close_tells_its_code(quic):
    assert some(quic.close(0x128) + b"\1") == ([Close(0x128)], None)


def test_an_empty_payload_has_no_frames():
    assert some(b"") == ([], None)


@pytest.mark.parametrize("kind", [0x04, 0x05, 0x08, 0x10, 0x18, 0x1D, 0x1E, 0x30, 0x4040])
def test_a_frame_that_may_not_stand_in_an_initial_packet_ends_the_walk(quic, kind):
    payload = quic.crypto(0, b"kept") + quic.varint(kind) + quic.crypto(4, b"lost")
    found, error = some(payload)
    assert found == [Crypto(0, b"kept")]
    assert f"frame type {kind:#x}" in error


def test_every_cut_frame_is_malformed_and_those_before_it_are_kept(quic):
    whole = quic.crypto(0, b"kept")
    for frame in [*SILENT[3:], quic.crypto(1 << 40, b"data"), quic.close(0x10A)]:
        for size in range(1, len(frame)):
            found, error = some(whole + frame[:size])
            assert found == [Crypto(0, b"kept")]
            assert error


def test_an_acknowledgement_of_more_ranges_than_there_are_bytes_costs_nothing(quic):
    found, error = some(b"\2\0\0" + quic.varint((1 << 62) - 1) + bytes(1000))
    assert found == []
    assert "ranges" in error


@given(st.binary(max_size=200))
def test_any_payload_is_walked_without_a_crash(payload):
    found, _ = some(payload)
    assert sum(len(frame.data) for frame in found if isinstance(frame, Crypto)) <= len(payload)
