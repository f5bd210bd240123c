"""Handshakes that are legal and seldom."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor.anomalies import judge
from enricher.sensor.capture import Sensor, WireSettings
from enricher.sensor.certificate import Certificates
from enricher.sensor.lists import Lists
from enricher.sensor.thresholds import Thresholds

HEARTBEAT, CCS = 24, 20


def plain(observation, **but):
    return msgspec.structs.replace(observation, source=None, ts=0.0, uid="", **but)


def recut(wire, data, size, between=b""):
    """The handshake records of a flight, cut anew into bodies of `size` bytes, with something in between."""
    out, at, body = b"", 0, b""
    while at < len(data):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        if data[at] == 22:
            body += data[at + 5 : at + 5 + length]
        else:
            out += between.join(wire.record(body[i : i + size]) for i in range(0, len(body), size))
            out, body = out + data[at : at + 5 + length], b""
            return out + data[at + 5 + length :]
        at += 5 + length
    return out + between.join(wire.record(body[i : i + size]) for i in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize("mss", [1, 1460])
def test_messages_in_records_of_any_size_tell_the_same(wire, size, mss):
    for flights in (wire.full(), wire.tls13()):
        cut = [(side, recut(wire, data, size)) for side, data in flights[:2]] + flights[2:]
        assert plain(wire.observe(cut, mss=mss)) == plain(wire.observe(flights))


def test_empty_records_change_nothing(wire):
    empty = wire.record(b"")
    cut = [(side, empty + recut(wire, data, 40, empty) + empty) for side, data in wire.full()[:2]] + wire.full()[2:]
    assert plain(wire.observe(cut)) == plain(wire.observe(wire.full()))


def test_every_message_of_a_flight_may_share_one_record_or_have_its_own(wire):
    parts = [wire.server_hello(), wire.certificate(b"leaf", b"issuer"), wire.key_exchange, wire.message(14)]
    flights = wire.full()
    flights[1] = ("s", b"".join(map(wire.record, parts)))
    assert plain(wire.observe(flights)) == plain(wire.observe(wire.full()))


@pytest.mark.parametrize("kind", [HEARTBEAT, CCS])
def test_heartbeats_and_the_cipher_changes_of_tls_13_may_stand_between_messages(wire, kind):
    flights = wire.tls13()
    side, data = flights[1]
    hello = data[: data.index(wire.ccs)]
    body = b"\1" if kind == CCS else b"\1\0\3abc" + bytes(16)
    flights[1] = (side, hello + wire.record(body, kind=kind) * 3)
    seen = wire.observe(flights)
    letter = "i" if kind == CCS else "b"
    assert (seen.ssl_history, seen.established) == ("Cs" + 3 * letter + "I", True)
    assert seen.version == "TLSv13"


def test_a_heartbeat_in_the_middle_of_a_message_is_passed_over(wire):
    heartbeat = wire.record(b"\1\0\3abc" + bytes(16), kind=HEARTBEAT)
    flights = wire.full()
    flights[1] = ("s", recut(wire, flights[1][1], 60, heartbeat))
    seen = wire.observe(flights)
    assert seen.ssl_history.replace("b", "") == "CsxknGIi"
    assert plain(seen, ssl_history=None) == plain(wire.observe(wire.full()), ssl_history=None)


@pytest.mark.parametrize(
    ("code", "name"),
    [(0x7F1C, "TLSv13-draft28"), (0x7F17, "TLSv13-draft23"), (0x7F12, "TLSv13-draft18"), (0x0304, "TLSv13")],
)
def test_a_draft_of_tls_13_is_told_by_its_number(wire, code, name):
    chosen = [wire.extension(43, wire.shorts(code)), wire.extension(51, wire.shorts(29) + wire.vector(2, bytes(32)))]
    offered = [wire.extension(43, wire.vector(1, wire.shorts(0x0A0A, code, 0x0303)))]
    flights = wire.tls13(wire.client_hello(extensions=offered, session=b"i" * 32))
    flights[1] = ("s", wire.record(wire.server_hello(cipher=0x1301, extensions=chosen, session=b"i" * 32)) + wire.ccs)
    seen = wire.observe(flights)
    assert (seen.version, seen.cert_visible, seen.resumed, seen.established) == (name, False, False, True)


def test_after_a_retry_the_first_hello_gives_the_fingerprint_and_the_second_answer_the_facts(wire):
    first = wire.tls13()[0]
    share = wire.extension(51, wire.shorts(23) + wire.vector(2, bytes(65)))
    chosen = [wire.extension(43, wire.shorts(0x0304)), share]
    second = wire.client_hello(extensions=[wire.extension(43, wire.vector(1, wire.shorts(0x0304)))], session=b"i" * 32)
    flights = [
        first,
        ("s", wire.record(wire.retry()) + wire.ccs),
        ("c", wire.ccs + wire.record(second)),
        ("s", wire.record(wire.server_hello(cipher=0x1302, extensions=chosen, session=b"i" * 32))),
        ("s", wire.data),
        ("c", wire.data),
    ]
    seen = wire.observe(flights)
    assert (seen.ssl_history, seen.cipher, seen.curve) == ("CjiICs", "TLS_AES_256_GCM_SHA384", "secp256r1")
    assert (seen.ja3, seen.server_name) == (wire.observe(wire.tls13()).ja3, "example.org")


def test_early_data_hides_neither_the_answer_nor_its_refusal(wire):
    psk = wire.extension(41, b"\0\0")
    for extensions, resumed in (((psk,), True), ((), False)):
        flights = wire.tls13(extensions=extensions)
        early = [(flights[0][0], flights[0][1] + wire.ccs + wire.data), *flights[1:]]
        seen = wire.observe(early)
        assert (seen.version, seen.resumed, seen.established) == ("TLSv13", resumed, True)
        assert seen.ssl_history == "CIsi"
    retried = [early[0], ("s", wire.record(wire.retry())), ("c", wire.record(wire.client_hello())), *flights[1:]]
    assert wire.observe(retried).version == "TLSv13"


def test_of_an_encrypted_hello_the_outer_name_is_told(wire):
    encrypted = wire.extension(0xFE0D, b"\0" + bytes(200))
    hello = wire.client_hello(extensions=[wire.server_name(b"public.example"), encrypted])
    assert wire.observe(wire.tls13(hello)).server_name == "public.example"


def test_a_client_certificate_is_told_apart_from_the_servers(wire):
    flights = wire.full()
    flights[1] = (
        "s",
        wire.record(wire.server_hello() + wire.certificate(b"leaf") + wire.message(13) + wire.message(14)),
    )
    own = wire.record(
        wire.certificate(b"own", b"its issuer") + wire.message(16, bytes(33)) + wire.message(15, bytes(70))
    )
    flights[2] = ("c", own + wire.ccs + wire.finished)
    seen = wire.observe(flights)
    assert (len(seen.client_cert_chain_fps), len(seen.cert_chain_fps)) == (2, 1)
    assert seen.ssl_history == "CsxrnXGYIi"


def test_stapled_responses_supplemental_data_and_tickets_have_their_letters(wire):
    flights = wire.full()
    middle = wire.message(22, b"\1" + bytes(9)) + wire.message(23, bytes(9)) + wire.key_exchange + wire.message(14)
    flights[1] = ("s", wire.record(wire.server_hello() + wire.certificate(b"leaf") + middle))
    flights[3] = ("s", wire.record(wire.message(4, bytes(60))) + flights[3][1])
    assert wire.observe(flights).ssl_history == "CsxuaknGIti"


def test_a_second_hello_before_encryption_changes_no_fact(wire):
    flights = wire.full()
    again = wire.client_hello(extensions=[wire.server_name(b"other.example")])
    asked = [("s", wire.record(wire.message(0))), ("c", wire.record(again))]
    seen = wire.observe([*flights[:1], *asked, *flights[1:]])
    assert (seen.server_name, seen.ja3) == ("example.org", wire.observe(flights).ja3)
    assert seen.ssl_history.startswith("ChCs")


@pytest.mark.parametrize("ticket", [True, False])
def test_resumption_by_id_and_by_ticket(wire, ticket):
    session = b"" if ticket else b"s" * 32
    hello = wire.client_hello(session=b"c" * 32 if ticket else session, extensions=[wire.extension(35, bytes(99))])
    answer = wire.server_hello(session=session)
    tickets = wire.message(4, bytes(60)) if ticket else b""
    flights = [
        ("c", wire.record(hello)),
        ("s", wire.record(answer + tickets) + wire.ccs + wire.finished),
        ("c", wire.ccs + wire.finished),
    ]
    seen = wire.observe(flights)
    assert (seen.resumed, seen.cert_visible, seen.established) == (True, False, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (bytes.fromhex("020f7f00"), bytes.fromhex("020fff00")),
        (b"www.example", b"www\0example"),
        (b"www.example", b"www\xff\xfexample"),
        (b"250531000000Z", b"251331000000Z"),
        (bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("30082a8648ce3d030107")),
        (b"\x30\x82", b"\x30\x80"),
        (b"\x30\x82", b"what"),
    ],
)
def test_a_connection_whose_certificate_breaks_parsers_is_told_and_judged(wire, pki, old, new):
    leaf = pki.issue().der
    sensor = Sensor("x.pcap", WireSettings(), Certificates(None))
    flights = wire.full(chain=(leaf.replace(old, new, 1), leaf))
    (seen,) = sensor.feed(wire.pcap(wire.conversation(flights))) + sensor.close()
    assert (seen.established, seen.version, len(seen.cert_chain_fps)) == (True, "TLSv12", 2)
    assert "malformed_certificate" in judge(seen, Thresholds(), Lists.of(), None).anomalies
    sensor = Sensor("x.pcap", WireSettings(), Certificates(None))
    (sound,) = sensor.feed(wire.pcap(wire.conversation(wire.full(chain=(leaf,))))) + sensor.close()
    assert "malformed_certificate" not in judge(sound, Thresholds(), Lists.of(), None).anomalies


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_records_anywhere_in_a_handshake_crash_nothing_and_hide_no_hello(wire, data):
    flights = []
    for side, flight in wire.full():
        kind, body = data.draw(st.integers(20, 24)), data.draw(st.binary(max_size=30))
        flights.append((side, flight + wire.record(body, kind=kind)))
    seen = wire.observe(flights)
    assert (seen.client_hello_seen, seen.server_name, seen.ja3) == (True, "example.org", wire.observe(wire.full()).ja3)
