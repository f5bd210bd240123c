"""What a connection tells. Sides: 0 sends as the client unless a test says otherwise."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor.quic import QuicReader


@pytest.mark.parametrize("version", [0x1, 0x6B3343CF, 0xFF00001D])
@pytest.mark.parametrize("client", [0, 1])
def test_a_handshake_gives_both_hellos_and_who_went_how_far(quic, version, client):
    datagrams = [(side ^ client, datagram) for side, datagram in quic.handshake(version=version)]
    read, reader = quic.read(datagrams[:2])
    assert (read[client], read[1 - client]) == (quic.hello, b"")
    assert (reader.client, reader.handshake, reader.one_rtt) == (client, [False, False], [False, False])
    read, _ = quic.read(datagrams[2:3], reader)
    assert (read[client], read[1 - client]) == (b"", quic.answer)
    assert reader.handshake[1 - client]
    assert not reader.handshake[client]
    quic.read(datagrams[3:], reader)
    assert quic.facts(reader) == (version, client, [True] * 2, [True] * 2, False, False, False, [], False, [], 0)


def test_each_piece_has_the_time_and_frame_of_the_packet_that_carried_its_start(quic):
    reader = QuicReader(10_000)
    later = quic.initial(quic.crypto(100, quic.hello[100:]), number=1)
    sooner = quic.initial(quic.crypto(0, quic.hello[:150]), number=0)
    assert reader.feed(0, later, 1.0, 1) == []
    assert reader.feed(0, sooner, 2.0, 2) == [(0, quic.hello[:100], 2.0, 2), (0, quic.hello[100:], 1.0, 1)]


@given(st.permutations(range(5)))
@settings(max_examples=120)
def test_the_order_of_datagrams_changes_nothing(quic, order):
    datagrams = quic.handshake()
    expected, in_order = quic.read(datagrams)
    read, reader = quic.read([datagrams[i] for i in order])
    assert read == expected == [quic.hello, quic.answer]
    assert quic.facts(reader) == quic.facts(in_order)
    assert not reader.superseded


@st.composite
def scattered(draw):
    """Spans that cover a text of 304 bytes: in any order, overlapping, repeated, spread over packets, with filling."""
    cuts = sorted({0, 304, *draw(st.lists(st.integers(1, 303), max_size=20))})
    spans = list(pairwise(cuts))
    spans += draw(st.lists(st.tuples(st.integers(0, 303), st.integers(1, 60)).map(lambda s: (s[0], min(304, sum(s))))))
    spans = draw(st.permutations(spans))
    filling = st.sampled_from([b"", b"\0", b"\1", bytes(9), b"\1\0\0\1"])
    return [(start, end, draw(filling)) for start, end in spans], draw(st.integers(1, 4))


@given(scattered())
def test_a_hello_is_whole_however_its_frames_are_cut_mixed_and_repeated(quic, case):
    spans, packets = case
    datagrams = []
    for number in range(packets):
        frames = [fill + quic.crypto(start, quic.hello[start:end]) for start, end, fill in spans[number::packets]]
        datagrams.append((0, quic.initial(b"".join(frames), number=number)))
    read, reader = quic.read(datagrams)
    assert read == [quic.hello, b""]
    assert reader.buffered == quic.read(datagrams[:1])[1].buffered or packets > 1


def test_a_repeated_flight_gives_nothing_new(quic):
    datagrams = quic.handshake()
    _, reader = quic.read(datagrams)
    before = quic.facts(reader)
    again = [
        (0, quic.initial(quic.crypto(0, quic.hello), number=9)),
        (0, quic.initial(quic.crypto(0, quic.hello), number=10, destination=quic.server_id)),
        *datagrams,
    ]
    assert quic.read(again, reader)[0] == [b"", b""]
    assert quic.facts(reader) == before


def test_packet_numbers_that_outgrow_their_encoding_are_followed(quic):
    """Also of one that comes late, and of one far ahead of the first."""
    numbers = [0, 200, 290, 250, 400, 500, 70_000, 70_001]
    sizes = [1, 1, 1, 1, 1, 1, 4, 1]
    datagrams = [
        (0, quic.initial(quic.crypto(i, bytes([i])), number=number, size=size))
        for i, (number, size) in enumerate(zip(numbers, sizes, strict=True))
    ]
    read, reader = quic.read(datagrams)
    assert read[0] == bytes(range(8))
    assert reader.unread == 0


def test_the_servers_side_alone_cannot_be_read_and_that_is_said(quic):
    datagrams = [item for item in quic.handshake() if item[0] == 1]
    read, reader = quic.read(datagrams)
    assert read == [b"", b""]
    assert (reader.client, reader.version, reader.unread, reader.errors) == (None, quic.v1, 1, [])
    assert (reader.handshake, reader.one_rtt) == ([False, True], [False, True])


def test_a_capture_that_begins_after_the_clients_first_packet_can_be_read_once_that_is_repeated(quic):
    datagrams = quic.handshake()
    read, reader = quic.read([datagrams[2], datagrams[3]])
    assert read == [b"", b""]
    assert reader.unread == 2
    repeated = (0, quic.initial(quic.crypto(0, quic.hello), number=3))
    assert quic.read([repeated], reader)[0] == [quic.hello, quic.answer]
    assert (reader.unread, reader.client) == (0, 0)


def test_a_token_tells_the_client_even_if_its_packet_cannot_be_read(quic):
    later = quic.initial(b"\1", origin=b"not seen", destination=quic.server_id, token=b"token")
    _, reader = quic.read([(1, later)])
    assert (reader.client, reader.unread) == (1, 1)


def test_early_data_to_any_number_of_connection_ids_costs_nothing(quic):
    datagrams = [(0, quic.other("0-rtt", destination=bytes([i] * 8))) for i in range(100)]
    _, reader = quic.read(datagrams)
    assert reader.ids == {bytes(8)}


def test_early_data_gives_the_keys_of_a_first_packet_that_was_not_captured(quic):
    early = (0, quic.other("0-rtt", destination=quic.origin))
    read, reader = quic.read([early, *quic.handshake()[2:]])
    assert read == [b"", quic.answer]
    assert (reader.client, reader.zero_rtt, reader.unread) == (0, True, 0)


def retried(quic):
    datagrams = quic.handshake(origin=b"retried!", token=b"token")
    server = [item for item in quic.handshake(origin=b"retried!") if item[0] == 1]
    first = (0, quic.initial(quic.crypto(0, quic.hello[:100]), pad=1150))
    return [first, (1, quic.retry(b"retried!")), *datagrams[:2], server[0], datagrams[3], server[1]]


def test_keys_change_with_a_retry(quic):
    read, reader = quic.read(retried(quic))
    assert read == [quic.hello, quic.answer]
    assert quic.facts(reader) == (quic.v1, 0, [True] * 2, [True] * 2, False, True, False, [], False, [], 0)
    assert not reader.superseded


@given(st.permutations(range(7)))
@settings(max_examples=120)
def test_the_order_around_a_retry_changes_nothing(quic, order):
    datagrams = retried(quic)
    read, reader = quic.read([datagrams[i] for i in order])
    assert read == [quic.hello, quic.answer]
    assert quic.facts(reader) == (quic.v1, 0, [True] * 2, [True] * 2, False, True, False, [], False, [], 0)
    assert not reader.superseded


def test_a_first_packet_repeated_many_times_leaves_room_for_a_retry(quic):
    datagrams = retried(quic)
    read, reader = quic.read(datagrams[:1] * 20 + datagrams[1:])
    assert read == [quic.hello, quic.answer]
    assert reader.unread == 0


def test_any_number_of_retries_takes_bounded_memory(quic):
    _, reader = quic.read([(1, quic.retry(bytes([i] * 8))) for i in range(200)])
    assert len(reader.ids) < 10


def test_a_retry_that_was_not_captured_is_noticed_by_what_follows(quic):
    datagrams = retried(quic)
    read, reader = quic.read(datagrams[:1] + datagrams[2:])
    assert read == [quic.hello, quic.answer]
    assert (reader.retry, reader.unread, reader.superseded) == (False, 0, False)


def test_a_retry_gives_the_keys_where_only_the_server_was_captured(quic):
    read, reader = quic.read([item for item in retried(quic) if item[0] == 1])
    assert read == [b"", quic.answer]
    assert (reader.client, reader.unread) == (0, 0)


def test_a_client_without_connection_id_survives_a_retry(quic):
    first = quic.initial(quic.crypto(0, quic.hello[:100]), source=b"", number=0)
    second = quic.initial(quic.crypto(0, quic.hello), source=b"", origin=b"retried!", token=b"t", number=1)
    read, reader = quic.read([(0, first), (0, second)])
    assert read[0] == quic.hello
    assert not reader.superseded


def test_a_compatible_version_is_negotiated_in_mid_handshake(quic):
    """RFC 9369 section 4.1: the server answers in version 2, with keys from the same connection id."""
    old, new = quic.handshake(version=quic.v1), quic.handshake(version=quic.v2)
    read, reader = quic.read(old[:2] + new[2:])
    assert read == [quic.hello, quic.answer]
    quic.read(old[:1], reader)
    assert quic.facts(reader)[:4] == (quic.v2, 0, [True] * 2, [True] * 2)
    assert (reader.superseded, reader.unread, reader.errors) == (False, 0, [])


def test_a_client_that_changes_to_a_compatible_version_need_not_be_answered_in_the_capture(quic):
    old, new = quic.handshake(version=quic.v1), quic.handshake(version=quic.v2)
    _, reader = quic.read([*old[:2], new[3]])
    assert (reader.superseded, reader.unread) == (False, 0)


@pytest.mark.parametrize("origin", [b"8 bytes!", None])
def test_after_version_negotiation_the_client_begins_another_connection(quic, origin):
    first = quic.handshake(version=quic.draft_29)[:2]
    _, reader = quic.read([*first, (1, quic.negotiation(quic.v1))])
    assert (reader.version_negotiation, reader.client, reader.version) == (True, 0, quic.draft_29)
    second = quic.handshake(version=quic.v1, origin=origin or quic.origin)
    assert quic.read(second[:1], reader)[0] == [b"", b""]
    assert reader.superseded
    read, fresh = quic.read(second)
    assert read == [quic.hello, quic.answer]
    assert fresh.version == quic.v1


@pytest.mark.parametrize("source", [b"another", b""])
def test_another_connection_on_the_same_ports_supersedes_this_one(quic, source):
    """Ports are reused; a client without connection id is told by its new Destination Connection ID alone."""
    reader = QuicReader(10_000)
    reader.feed(0, quic.initial(quic.crypto(0, quic.hello), source=source and quic.client_id), 1.0, 1)
    destination = source and quic.client_id
    answer = quic.initial(quic.crypto(0, quic.answer), server=True, destination=destination)
    assert reader.feed(1, answer, 2.0, 2)
    before = quic.facts(reader)
    other = quic.initial(quic.crypto(0, quic.hello + b"longer"), origin=b"another origin", source=source)
    other += quic.other("0-rtt", destination=b"another origin", source=source)
    assert reader.feed(0, other, 3.0, 3) == []
    assert reader.superseded
    assert reader.feed(0, other, 3.0, 3) == []
    assert quic.facts(reader) == before


@pytest.mark.parametrize("sign", ["handshake", "1-rtt", "repeated"])
def test_a_client_without_connection_id_begins_another_connection_only_after_an_answer(quic, sign):
    """Before, it may have got a Retry that was not captured. The answer shows in what the client sends, too."""
    first = quic.initial(quic.crypto(0, quic.hello), source=b"")
    other = quic.initial(quic.crypto(0, quic.hello), source=b"", origin=b"another origin")
    after = quic.other("handshake") if sign == "handshake" else quic.short(quic.server_id)
    _, reader = quic.read([(0, first), (0, after)])
    quic.read([(0, first if sign == "repeated" else other)], reader)
    assert reader.superseded == (sign != "repeated")


def test_the_connection_ids_in_use_are_those_to_which_its_packets_are_addressed(quic):
    _, reader = quic.read(quic.handshake())
    assert reader.ids == {quic.origin, quic.client_id, quic.server_id}
    _, reader = quic.read(retried(quic))
    assert reader.ids == {quic.origin, b"retried!", quic.client_id, quic.server_id}
    _, reader = quic.read([(1, quic.other("handshake", server=True))])
    assert reader.ids == {quic.server_id}


def test_a_late_packet_of_the_connection_before_is_only_unread(quic):
    _, reader = quic.read(quic.handshake())
    late = quic.initial(quic.crypto(0, b"xx"), server=True, origin=b"connection before")
    assert quic.read([(1, late)], reader)[0] == [b"", b""]
    assert (reader.unread, reader.superseded, reader.errors) == (1, False, [])


def test_an_alert_that_closes_the_connection_is_told(quic):
    hello = (0, quic.initial(quic.crypto(0, quic.hello)))
    refusal = (1, quic.initial(quic.close(0x128), server=True))
    _, reader = quic.read([hello, refusal])
    assert reader.closes == [(1, 0x128)]


def test_closes_are_told_in_their_order_and_only_so_many(quic):
    _, reader = quic.read([(0, quic.initial(quic.close(0x128) + quic.close(0x12A) + quic.close(0x0A)))])
    assert reader.closes == [(0, 0x128), (0, 0x12A), (0, 0x0A)]
    _, reader = quic.read([(0, quic.initial(quic.crypto(0, quic.hello) + quic.close(0x0A)))])
    assert reader.closes == [(0, 0x0A)]
    _, reader = quic.read([(0, quic.initial(quic.close(0x128) * 50))])
    assert len(reader.closes) < 10


def test_a_packet_with_short_header_counts_whatever_connection_id_it_bears(quic):
    """Some clients change it with their first 1-RTT packet."""
    datagrams = quic.handshake()[:3]
    for short in (quic.short(quic.server_id), quic.short(b"changed!"), quic.short(b"")):
        _, reader = quic.read([*datagrams, (0, short)])
        assert reader.one_rtt == [True, False]


def test_a_packet_with_short_header_and_a_greased_fixed_bit_counts_where_it_bears_the_others_connection_id(quic):
    """RFC 9287; ngtcp2 does it."""
    datagrams = quic.handshake()[:3]
    greased = b"\1" + quic.short(quic.server_id)[1:]
    for datagram in (greased, quic.other("handshake", source=quic.client_id) + greased):
        _, reader = quic.read([*datagrams, (0, datagram)])
        assert reader.one_rtt == [True, False]


def test_what_has_no_fixed_bit_nor_the_others_connection_id_or_no_room_for_a_sample_is_no_packet_with_short_header(
    quic,
):
    datagrams = quic.handshake()[:3]
    other = [b"\1" + quic.short(id_)[1:] for id_ in (b"changed!", b"")]
    for wrong in (*other, quic.short(b"", size=19), b"\x41", b""):
        _, reader = quic.read([*datagrams, (0, wrong)])
        assert reader.one_rtt == [False, False]


def test_where_the_other_has_no_connection_id_nothing_without_the_fixed_bit_counts(quic):
    _, reader = quic.read([(0, quic.initial(quic.crypto(0, quic.hello), source=b"")), (1, b"\1" + bytes(30))])
    assert reader.one_rtt == [False, False]


def test_other_protocols_on_the_same_ports_disturb_nothing(quic):
    noise = [
        bytes.fromhex("000100002112a442") + bytes(60),
        bytes.fromhex("16fefd0000000000000000005001000044") + bytes(80),
        bytes.fromhex("8060000100000001deadbeef") + bytes(160),
        b"",
        b"\xc0",
    ]
    datagrams = [(side, junk) for junk in noise[:4] for side in (0, 1)]
    mixed = [pair for item in quic.handshake() for pair in (*datagrams, item)]
    read, reader = quic.read(mixed)
    assert read == [quic.hello, quic.answer]
    assert quic.facts(reader) == quic.facts(quic.read(quic.handshake())[1])
    _, reader = quic.read([(0, noise[4])])
    assert reader.version is None
