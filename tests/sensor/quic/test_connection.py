"""QUIC connections from the datagram table to the Observation."""

import struct

import pytest

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.datagram_table import DatagramTable
from enricher.sensor.facts import Observer
from enricher.sensor.hellos import Hellos
from enricher.sensor.packet import reverse

KEY = bytes((10, 0, 0, 1, 203, 0, 113, 9)) + struct.pack(">HH", 40000, 443)


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def extension(kind, body):
    return struct.pack(">H", kind) + vector(2, body)


def client_hello(random=bytes(32), psk=b""):
    extensions = [
        extension(0, vector(2, b"\0" + vector(2, b"quic.example"))),
        extension(16, vector(2, b"\2h3")),
        extension(43, b"\2\3\4"),
        extension(57, bytes(20)),
        psk,
    ]
    body = b"\3\3" + random + b"\0" + vector(2, b"\x13\x01") + b"\1\0" + vector(2, b"".join(extensions))
    return b"\1" + vector(3, body)


def server_hello(psk=b""):
    extensions = [extension(43, b"\3\4"), extension(51, struct.pack(">H", 29) + vector(2, bytes(32))), psk]
    body = b"\3\3" + bytes(32) + b"\0" + b"\x13\x01\0" + vector(2, b"".join(extensions))
    return b"\2" + vector(3, body)


@pytest.fixture
def sender(quic):
    """Builds QUIC packets with hellos that can be read."""
    made = type(quic)()
    made.hello, made.answer = client_hello(), server_hello()
    return made


class Report:
    def __init__(self, **settings):
        self.seen, self.counters, self.frame = [], Counters(), 0
        self.observer = Observer("x", None)
        self.table = DatagramTable(WireSettings(**settings), self.counters, Hellos(), self.take)

    def take(self, *connection):
        self.seen.append(self.observer.observe(*connection))

    def feed(self, datagrams):
        for side, data in datagrams:
            self.frame += 1
            key = reverse(KEY) if side else KEY
            self.table.packet(self.frame, 1.7e9 + self.frame / 100, key, b"head" + data, 4, 4 + len(data))
        return self

    def close(self):
        self.table.close()
        assert self.table.buffered == 0
        return self.seen


def sense(datagrams, **settings):
    return Report(**settings).feed(datagrams).close()


def test_a_version_that_the_server_does_not_speak_makes_no_failed_connection_of_the_one_that_follows(sender):
    refused = [*sender.handshake(version=sender.draft_29)[:2], (1, sender.negotiation(sender.v1))]
    (seen,) = sense([*refused, *sender.handshake(version=sender.v1)])
    assert (seen.version, seen.established, seen.ssl_history) == ("TLSv13", True, "Cs")


def test_a_client_that_finds_no_common_version_is_reported(sender):
    (seen,) = sense([*sender.handshake(version=sender.draft_29)[:2], (1, sender.negotiation(sender.v1))])
    assert (seen.server_name, seen.ssl_history, seen.version) == ("quic.example", "C", None)


def test_a_handshake_gives_the_facts_of_its_hellos(sender):
    (seen,) = sense(sender.handshake())
    assert (seen.proto, seen.orig_p, seen.resp_p, seen.source, seen.ts) == ("udp", 40000, 443, "x:1", 1.7e9 + 0.01)
    assert (seen.version, seen.cipher, seen.curve) == ("TLSv13", "TLS_AES_128_GCM_SHA256", "x25519")
    assert (seen.server_name, seen.ssl_history, seen.cert_visible) == ("quic.example", "Cs", False)
    assert (seen.established, seen.resumed, seen.last_alert, seen.handshake_error) == (True, False, None, None)
    assert seen.ja4.startswith("q13d0104h3_")
    assert seen.ja3_raw == "771,4865,0-16-43-57,,"
    assert seen.ja3s_raw == "771,4865,43-51"


@pytest.mark.parametrize("version", ["v1", "v2", "draft_29"])
def test_every_version_of_quic_is_tls_13(sender, version):
    (seen,) = sense(sender.handshake(version=getattr(sender, version)))
    assert (seen.version, seen.established) == ("TLSv13", True)


def test_who_opened_it_is_the_client_even_if_the_server_is_seen_first(sender):
    first, second, answer, *rest = sender.handshake()
    (seen,) = sense([answer, first, second, *rest])
    assert (seen.orig_p, seen.resp_p, seen.established) == (40000, 443, True)
    assert sorted(seen.ssl_history) == ["C", "s"]


def test_it_is_established_only_once_the_client_sends_with_the_final_keys(sender):
    *start, (_, _last), _ = sender.handshake()
    finished = sender.initial(b"\2\0\0\0\0", number=2, destination=sender.server_id) + sender.other("handshake")
    (seen,) = sense([*start, (0, finished)])
    assert seen.established is None
    (seen,) = sense([*start, (0, finished), (0, sender.short(sender.server_id))])
    assert seen.established is True


def test_a_selected_psk_is_a_resumption(sender):
    sender.hello = client_hello(psk=extension(41, bytes(40)))
    sender.answer = server_hello(psk=extension(41, b"\0\0"))
    (seen,) = sense(sender.handshake())
    assert (seen.resumed, seen.cert_visible) == (True, False)


def test_an_alert_that_closes_it_is_a_failed_handshake(sender):
    first, second, *_ = sender.handshake()
    refusal = sender.initial(sender.close(0x100 + 120), server=True)
    (seen,) = sense([first, second, (1, refusal), (1, refusal)])
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, "no_application_protocol", "Cl")


def test_the_last_of_several_alerts_is_the_last(sender):
    first, second, *_ = sender.handshake()
    closes = sender.close(0x128) + sender.close(0x12A) + sender.close(0x0A)
    (seen,) = sense([first, second, (1, sender.initial(closes, server=True))])
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, "bad_certificate", "Cll")


def test_a_close_without_alert_is_a_failed_handshake(sender):
    first, second, *_ = sender.handshake()
    (seen,) = sense([first, second, (1, sender.initial(sender.close(2), server=True))])
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, None, "C")


def test_a_retry_does_not_tell_the_same_hello_twice(sender):
    again = {"origin": b"retried!", "token": b"token"}
    flight = [
        (0, sender.initial(sender.crypto(0, sender.hello), pad=1150)),
        (1, sender.retry(b"retried!")),
        (0, sender.initial(sender.crypto(0, sender.hello), number=1, pad=1150, **again)),
        (1, sender.initial(sender.crypto(0, sender.answer), server=True, origin=b"retried!")),
        (0, sender.short(sender.server_id)),
        (1, sender.short(sender.client_id)),
    ]
    (seen,) = sense(flight)
    assert (seen.ssl_history, seen.established, seen.version) == ("Cs", True, "TLSv13")


def test_the_servers_side_alone_is_counted_as_unread(sender):
    report = Report().feed([one for one in sender.handshake() if one[0] == 1])
    assert report.close() == []
    assert report.counters.initials_unread == 1


def test_the_clients_side_alone_leaves_it_open_whether_it_was_established(sender):
    (seen,) = sense([one for one in sender.handshake() if one[0] == 0])
    assert (seen.established, seen.ssl_history, seen.version) == (None, "C", None)


def test_a_hello_that_is_not_answered_has_not_failed(sender):
    report = Report(idle_timeout=1).feed(sender.handshake()[:2])
    report.frame = 10_000
    report.feed([(0, sender.initial(sender.crypto(0, sender.hello), origin=b"anotherone", source=b"other"))])
    assert [one.established for one in report.close()] == [None, None]


def test_a_frame_that_breaks_the_rules_is_told(sender):
    first, second, *_ = sender.handshake()
    (seen,) = sense([first, second, (1, sender.initial(b"\x0a" * 8, server=True))])
    assert seen.handshake_error == "frame 3: Initial packet, byte 1: frame type 0xa"


def test_another_connection_on_the_same_ports_is_another_observation(sender):
    before = sender.handshake()
    sender.hello = client_hello(b"again" * 6 + b"!!")
    options = {"origin": b"another-one", "source": b"another-client"}
    after = [
        (0, sender.initial(sender.crypto(0, sender.hello), pad=1150, **options)),
        (1, sender.initial(sender.crypto(0, sender.answer), server=True, origin=b"another-one")),
    ]
    for cut in (2, 3, len(before)):
        one, two = sense([*before[:cut], *after])
        assert one.established is {2: None, 3: False, len(before): True}[cut]
        assert (two.ssl_history, two.version, two.source) == ("Cs", "TLSv13", f"x:{cut + 1}")


def test_late_packets_of_a_finished_connection_begin_nothing(sender):
    report = Report().feed(sender.handshake()).feed(sender.handshake())
    assert len(report.seen) == 1
    assert (len(report.close()), report.counters.flows) == (1, 1)


def test_the_transport_bytes_after_the_hello_may_be_altered_without_harm(sender):
    for at in range(0, 400, 3):
        datagrams = sender.handshake()
        side, data = datagrams[at % 3]
        datagrams[at % 3] = side, data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :] if at < len(data) else data
        assert len(sense(datagrams)) <= 1
