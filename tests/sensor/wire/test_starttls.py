"""TLS that begins behind a dialogue in the clear, and what only looks like that."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogues import DIALOGUES, HEAD, RDP_CONFIRM, SILENT, SMTP, WEBSOCKET, element, framed, ldap, tds
from enricher.errors import RegistryError
from enricher.model import registry
from enricher.sensor.starttls import Dialogue
from enricher.sensor.starttls._dialogue import PROTOCOLS
from enricher.sensor.starttls.databases import TdsFraming
from enricher.sensor.starttls.http import WebSocketFraming


def same(seen, expected):
    """Whether two Observations tell the same but for time and place."""
    place = {"ts": 0.0, "uid": "", "source": None, "proxy_target": None}
    return msgspec.structs.replace(seen, **place) == msgspec.structs.replace(expected, **place)


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("mss", [1460, 1, 7])
def test_a_handshake_behind_a_dialogue_tells_what_it_tells_without(wire, name, mss):
    seen = wire.observe(DIALOGUES[name] + wire.full(), mss=mss)
    assert same(seen, wire.observe(wire.full()))
    assert seen.established is True


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("http-connect", "example.org:443"),
        ("http-connect with password", "example.org:443"),
        ("socks4", "203.0.113.9:443"),
        ("socks4a", "example.org:443"),
        ("socks5", "example.org:443"),
        ("socks5 with password", "[::1]:443"),
        ("smtp behind socks5", "example.org:25"),
        ("smtp", None),
    ],
)
def test_the_name_that_a_proxy_was_asked_for_is_told(wire, name, target):
    assert wire.observe(DIALOGUES[name] + wire.full()).proxy_target == target


def test_a_name_asked_of_a_proxy_reaches_nobody_unescaped(wire):
    connect = [("c", b"\5\1\0"), ("s", b"\5\0"), ("c", b"\5\1\0\3\4\x1b[2J\x01\xbb"), ("s", b"\5\0\0\1" + bytes(6))]
    assert wire.observe(connect + wire.full()).proxy_target == "\\x1b[2J:443"


@pytest.mark.parametrize("name", ["tds", "websocket"])
@pytest.mark.parametrize("mss", [1460, 1, 7])
def test_a_handshake_inside_of_another_protocols_packets_tells_what_it_tells_bare(wire, name, mss):
    assert same(wire.observe(framed(wire)[name], mss=mss), wire.observe(wire.full()))


def test_packets_before_tls_are_read_once_however_many_come_and_however_they_are_cut(wire, monkeypatch):
    """Otherwise a client that sends a ping a byte at a time costs a second of each of the sensor's minutes."""
    begun = []
    begin = WebSocketFraming._begin
    monkeypatch.setattr(WebSocketFraming, "_begin", lambda self, data: begun.append(data) or begin(self, data))
    opening, answer, *flights = framed(wire)["websocket"]
    seen = wire.observe([opening, answer, ("c", b"\x89\0" * 500), *flights], mss=1)
    assert same(seen, wire.observe(wire.full()))
    assert len(begun) < 1500


def test_packets_of_another_protocol_in_which_no_tls_comes_are_given_up():
    dialogue = Dialogue(0, 0, b"GET")
    dialogue.feed(0, (b"GET / HTTP/1.1\r\n" + WEBSOCKET, 0.0, 1))
    for _ in range(20_000):
        assert dialogue.feed(0, (b"\x89\0", 0.0, 2)) is None
    assert not dialogue.possible


@pytest.mark.parametrize("name", DIALOGUES)
def test_tls_may_follow_the_word_for_it_in_the_same_segment(wire, name):
    def merged(flights):
        return [(side, b"".join(data for who, data in flights if who == side)) for side in "cs"]

    assert same(wire.observe(merged(DIALOGUES[name] + wire.full())), wire.observe(merged(wire.full())))


@pytest.mark.parametrize("name", DIALOGUES)
def test_time_and_frame_are_those_of_the_hello_not_of_the_dialogue(wire, name):
    seen = wire.observe(DIALOGUES[name] + wire.full())
    assert seen.source == f"x.pcap:{3 + len(DIALOGUES[name])}"
    assert seen.ts == pytest.approx(1.7e9 + (2 + len(DIALOGUES[name])) / 1000)
    bytewise = wire.observe(DIALOGUES[name] + wire.full(), mss=1)
    assert bytewise.source == f"x.pcap:{3 + sum(len(data) for _, data in DIALOGUES[name])}"


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("direction", ["c", "s"])
def test_half_of_a_dialogue_suffices(wire, name, direction):
    flights = [flight for flight in DIALOGUES[name] + wire.full() if flight[0] == direction]
    ports = {wire.client[1].to_bytes(2, "big"): "c", wire.server[1].to_bytes(2, "big"): "s"}
    packets = [p for p in wire.conversation(flights, end=0) if ports[p[1][20:22]] == direction]
    (seen,) = wire.sense(wire.pcap(packets))
    (expected,) = wire.sense(
        wire.pcap([p for p in wire.conversation(wire.full(), end=0) if ports[p[1][20:22]] == direction])
    )
    assert same(seen, expected)


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_whose_syn_was_missed_is_followed_all_the_same(wire, name):
    seen = wire.observe(DIALOGUES[name] + wire.full(), syn=False)
    assert same(seen, wire.observe(wire.full(), syn=False))
    assert seen.proxy_target == wire.observe(DIALOGUES[name] + wire.full()).proxy_target


REFUSALS = [
    *((name, b"500 no\r\n") for name in DIALOGUES if name not in SILENT),
    ("postgresql", b"N"),
    ("rdp", RDP_CONFIRM.replace(b"\x02\x1f\x08\0\x02", b"\x03\x1f\x08\0\x02")),
    ("rdp", RDP_CONFIRM.replace(b"\x08\0\x02", b"\x08\0\x00")),
    ("ldap", ldap(2, element(0x78, b"\x0a\x01\x02\x04\0\x04\0"))),
    ("socks4", b"\0\x5b" + bytes(6)),
    ("socks5", b"\5\5\0\1" + bytes(6)),
    ("http-connect", b"HTTP/1.1 403 Forbidden\r\n\r\n"),
    ("smtp", b"454 TLS not available\r\n"),
    ("imap", b"a2 NO not now\r\n"),
    ("xmpp", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
]


@pytest.mark.parametrize(("name", "answer"), REFUSALS)
def test_after_a_server_that_did_not_agree_there_is_no_tls(wire, name, answer):
    last = max(i for i, (side, _) in enumerate(DIALOGUES[name]) if side == "s")
    flights = [*DIALOGUES[name][:last], ("s", answer), *DIALOGUES[name][last + 1 :], *wire.full()]
    assert wire.sense(wire.pcap(wire.conversation(flights))) == []


def test_tds_carries_the_handshake_and_leaves_what_follows_bare():
    for size in (1, 5, 99):
        framing = TdsFraming()
        data = tds(0x12, b"hello") + tds(0x12, b"finished") + b"\x17\x03\x03\0\x01\x12"
        carried = b"".join(framing.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert carried == b"hellofinished\x17\x03\x03\0\x01\x12"


def test_a_hello_in_a_mail_is_none(wire):
    hello = wire.record(wire.client_hello())
    mail = [("c", b"DATA\r\n"), ("s", b"354 go on\r\n"), ("c", b"Subject: dump\r\n\r\nSTARTTLS\r\n"), ("c", hello)]
    flights = [*SMTP[:3], *mail, ("c", b"\r\n.\r\n"), ("s", b"250 queued\r\n")]
    assert wire.sense(wire.pcap(wire.conversation(flights))) == []


def test_a_dump_of_a_handshake_inside_of_http_is_none(wire):
    down = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
    up = b"POST /dump HTTP/1.1\r\nContent-Length: 9999\r\n\r\n"
    for request in (b"GET /dump HTTP/1.1\r\n" + HEAD, up):
        flights = [("c", request), ("s", down), *wire.full()]
        assert wire.sense(wire.pcap(wire.conversation(flights))) == []


def test_data_that_begins_like_a_record_is_none(wire):
    hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"
    for start in (hello, hello[:3], b"\x16\x03\x01\0\x05\1\0\0\1\xff"):
        transfer = [("s", start + random.Random(7).randbytes(3000))]
        assert wire.sense(wire.pcap(wire.conversation(transfer))) == []


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("followed", [b"", b"\x16\x03\x01", b"\x16\x03\x01\0\x05hello", b"\x15\x03\x01\0\2\2\x28"])
def test_what_follows_a_dialogue_without_a_hello_is_none(wire, name, followed):
    assert wire.sense(wire.pcap(wire.conversation([*DIALOGUES[name], ("c", followed)]))) == []


def test_a_server_may_answer_the_hello_with_an_alert(wire):
    seen = wire.observe([*SMTP, wire.full()[0], ("s", wire.alert(2, 40))])
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, "handshake_failure", "Cl")


@pytest.mark.parametrize("name", [name for name in DIALOGUES if name not in SILENT])
@pytest.mark.parametrize("answer", [b"500 no\r\n", b"HTTP/1.1 502 Bad gateway\r\n\r\n", b"E\0\0\0\x09SFATAL\0"])
def test_a_server_that_agreed_and_sends_no_tls_failed_the_handshake(wire, name, answer):
    seen = wire.observe([*DIALOGUES[name], wire.full()[0], ("s", answer)])
    assert (seen.established, seen.ssl_history, seen.server_name) == (False, "C", "example.org")
    assert seen.handshake_error.endswith("server sent what is no TLS record")


def test_a_segment_missing_from_the_dialogue_does_not_hide_the_handshake(wire):
    packets = wire.conversation(SMTP + wire.full(), end=0)
    for lost in range(2, 7):
        rest = packets[:lost] + packets[lost + 1 :]
        sensor = wire.sensor(max_out_of_order=50)
        (seen,) = sensor.feed(wire.pcap(rest)) + sensor.close()
        assert (seen.version, seen.ssl_history) == ("TLSv12", "CsxknGIi")


def test_protocols_that_never_turn_to_tls_are_dropped_with_their_first_segment(wire):
    openings = (
        ("c", b"GET / HTTP/1.1\r\n" + HEAD),
        ("c", b"POST /x HTTP/1.1\r\n" + HEAD),
        ("s", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("c", b"\0\0\0\x85\xffSMBr"),
        ("c", b"\x13BitTorrent protocol"),
        ("c", bytes(100)),
        ("s", b"RFB 003.008\n"),
        ("c", b"*1\r\n$4\r\nPING\r\n"),
    )
    for side, opening in openings:
        dialogue = Dialogue(0, 0 if side == "c" else 1, opening)
        assert dialogue.feed(0 if side == "c" else 1, (opening, 0.0, 1)) is None
        assert not dialogue.possible, opening


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(DIALOGUES)),
    count=st.integers(0, 6),
    tail=st.lists(st.tuples(st.sampled_from("cs"), st.binary(max_size=60)), max_size=6),
)
def test_any_bytes_behind_any_part_of_a_dialogue_give_neither_crash_nor_session(wire, name, count, tail):
    flights = [*DIALOGUES[name][:count], *tail]
    sensor = wire.sensor()
    assert sensor.feed(wire.pcap(wire.conversation(flights))) + sensor.close() == []
    assert sensor.counters.flows_tls == 0


@settings(max_examples=60, deadline=None)
@given(data=st.binary(min_size=1, max_size=300), sizes=st.lists(st.integers(1, 40), min_size=1))
def test_any_bytes_in_any_pieces_are_held_within_bounds(data, sizes):
    for client in (0, 1, None):
        dialogue = Dialogue(client, 0, data)
        at = i = 0
        while at < len(data):
            piece = data[at : at + sizes[i % len(sizes)]]
            dialogue.feed(0, (piece, 0.0, 1))
            at, i = at + len(piece), i + 1
            assert dialogue.buffered <= (len(data) + 1000) * len(PROTOCOLS)


def test_endless_talk_in_the_clear_is_given_up(wire):
    for opening in (b"220 hello\r\n", b"<?xml version='1.0'?>", b"HTTP/1.1 407 no\r\n"):
        dialogue = Dialogue(None, 0, opening)
        fed = 0
        while dialogue.possible:
            dialogue.feed(0, (opening, 0.0, 1))
            fed += len(opening)
            assert fed < 100_000


def test_dialogues_count_as_memory(wire):
    sensor = wire.sensor(max_buffered=20_000)
    for i in range(100):
        packets = wire.conversation(SMTP[:2], client=("10.0.0.1", 1000 + i), end=0, start=1.7e9 + i)
        sensor.feed(wire.pcap(packets)[24 * bool(i) :])
    assert sensor.counters.flows_evicted > 50


def test_tunnels_inside_of_tunnels_have_an_end(wire):
    connect = b"CONNECT a:1 HTTP/1.1\r\n\r\n"
    dialogue = Dialogue(0, 0, connect)
    for _ in range(100):
        dialogue.feed(0, (connect, 0.0, 1))
    assert not dialogue.possible


def test_a_protocol_defined_twice_is_refused():
    module = registry.modules("enricher.sensor.starttls")[0]
    with pytest.raises(RegistryError):
        registry.unique([*module.PROTOCOLS.items(), *module.PROTOCOLS.items()], "protocol")
    assert {name.split()[0] for name in DIALOGUES} - {"lmtp", "socks4a"} | {"tds", "websocket"} == set(PROTOCOLS)
