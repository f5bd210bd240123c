"""DTLS, as real stacks send it and as a test wants to spoil it.

The recordings were made through a relay on loopback that wrote down each datagram: OpenSSL 3.0 (`s_server -listen
-Verify 1` and `s_client -cert`; `-dtls1`; `-cipher` without overlap; the second and sixth datagram not passed on) and
GnuTLS 3.7 (`gnutls-serv --udp`, `gnutls-cli --udp`).
"""

import hashlib
import json
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor.flow_id import community_id

RECORDINGS = json.loads((Path(__file__).parent / "recordings" / "dtls.json").read_text())
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def recorded(name):
    return [(line[0], bytes.fromhex(line[2:])) for line in RECORDINGS[name]]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def test_openssl_with_cookie_and_client_certificate_gives_all_facts(udp):
    seen = udp.observe(recorded("openssl_12_client_certificate"))
    assert (seen.proto, seen.orig_p, seen.resp_p, seen.source) == ("udp", 40000, 4433, "x:1")
    assert seen.community_id == community_id(udp.key, 17)
    assert (seen.version, seen.cipher, seen.curve) == ("DTLSv12", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "x25519")
    assert (seen.server_name, seen.next_protocol) == ("dtls.example", "webrtc")
    assert (seen.established, seen.resumed, seen.ssl_history) == (True, False, "CvCsxkrnXGYIti")
    assert (len(seen.cert_chain_fps), len(seen.client_cert_chain_fps)) == (1, 1)
    assert (seen.cert_visible, seen.last_alert, seen.handshake_error, seen.downgrade) == (True, None, None, None)
    assert seen.ja4 == "dd2d2808wc_d943125447b4_e7e480e5a997"
    assert seen.ja3_raw.startswith("65277,49196-")
    assert seen.ja3s_raw == "65277,49196,65281-11-35-16-23"


def test_gnutls_with_one_message_per_datagram_is_read(udp):
    seen = udp.observe(recorded("gnutls_12"))
    assert (seen.version, seen.curve, seen.server_name) == ("DTLSv12", "secp256r1", "gnu.example")
    assert (seen.established, seen.ssl_history, seen.client_cert_chain_fps) == (True, "CvCsxkrnXGIti", None)


def test_dtls_10_with_its_certificate_in_fragments_is_read(udp):
    seen = udp.observe(recorded("openssl_10"))
    assert (seen.version, seen.established, seen.ssl_history) == ("DTLSv10", True, "CvCsxknGIti")
    assert (seen.ja4[:3], len(seen.cert_chain_fps)) == ("dd1", 1)


def test_lost_datagrams_and_whole_flights_sent_again_change_nothing(udp):
    seen = udp.observe(recorded("openssl_12_two_datagrams_lost"))
    assert (seen.established, seen.resumed, seen.ssl_history) == (True, False, "CvCsxknGIti")
    assert seen.handshake_error is None


def test_a_fatal_alert_is_a_failed_handshake(udp):
    seen = udp.observe(recorded("openssl_12_no_common_cipher"))
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, "handshake_failure", "CvCl")
    assert (seen.version, seen.cert_visible) == (None, None)


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_datagram_captured_twice_changes_nothing(udp, name):
    once = udp.observe(recorded(name))
    twice = udp.observe([datagram for datagram in recorded(name) for _ in (1, 2)])
    for fact in ("ssl_history", "established", "cert_chain_fps", "client_cert_chain_fps", "ja3", "ja4", "last_alert"):
        assert getattr(twice, fact) == getattr(once, fact)


@pytest.mark.parametrize(("version", "name"), [(0xFEFD, "DTLSv12"), (0xFEFF, "DTLSv10"), (0x0100, "DTLSv10")])
def test_every_version_of_the_record_layer_is_read(udp, version, name):
    seen = udp.observe(udp.datagrams(udp.full(version), version))
    assert (seen.version, seen.established, seen.ssl_history) == (name, True, "CvCsxknGIi")
    assert seen.cert_chain_fps == (digest(b"leaf"), digest(b"issuer"))


def test_several_records_share_a_datagram_and_several_messages_a_record(udp):
    parts = udp.datagrams(udp.full())
    whole = udp.observe(parts)
    flights = []
    for side, data in parts:
        if flights and flights[-1][0] == side:
            flights[-1] = (side, flights[-1][1] + data)
        else:
            flights.append((side, data))
    assert udp.observe(flights).ssl_history == whole.ssl_history
    messages = [part for side, part in udp.full() if side == "s" and isinstance(part, bytes)]
    one = udp.record(b"".join(messages[1:]), number=1)
    seen = udp.observe([*parts[:3], ("s", one), *parts[7:]])
    assert (seen.ssl_history, seen.cert_chain_fps) == (whole.ssl_history, whole.cert_chain_fps)


def shredded(udp, part, size):
    message = part[:4] + part[12:]
    number = int.from_bytes(part[4:6], "big")
    offsets = range(0, max(1, len(message) - 4), size)
    return [udp.fragment(message, number, offset, size) for offset in offsets]


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 90), seed=st.integers(0, 2**32), again=st.integers(0, 20))
def test_fragments_of_a_flight_may_come_in_any_order_repeated_and_interleaved(udp, size, seed, again):
    shuffle = random.Random(seed).shuffle
    whole = udp.observe(udp.datagrams(udp.full(chain=(b"leaf" * 40, b"issuer" * 30))))
    parts, flight = [], []
    for side, part in [*udp.full(chain=(b"leaf" * 40, b"issuer" * 30)), ("end", "")]:
        if isinstance(part, bytes) and (not flight or flight[-1][0] == side):
            flight += [(side, piece) for piece in shredded(udp, part, size)]
            continue
        flight += random.Random(seed).choices(flight, k=min(again, len(flight))) if flight else []
        shuffle(flight)
        parts += flight
        flight = [(side, piece) for piece in shredded(udp, part, size)] if isinstance(part, bytes) else []
        if isinstance(part, str) and part:
            parts.append((side, part))
    seen = udp.observe(udp.datagrams(parts))
    for fact in ("ssl_history", "established", "resumed", "cert_chain_fps", "ja3", "ja4", "ja3s", "curve"):
        assert getattr(seen, fact) == getattr(whole, fact), fact


def test_of_bytes_that_come_twice_the_first_ones_count(udp, wire):
    message = wire.certificate(b"first" * 4)
    forged = wire.certificate(b"other" * 4)
    pieces = [udp.fragment(message, 2, 10), udp.fragment(forged, 2, 10, 12), udp.fragment(message, 2, 0, 12)]
    parts = [*udp.full()[:4], *(("s", piece) for piece in pieces)]
    seen = udp.observe(udp.datagrams([*parts, *udp.full()[5:]]))
    assert seen.cert_chain_fps == (digest(b"first" * 4),)


def test_a_message_that_never_came_whole_leaves_the_others_readable_and_the_end_unknown(udp):
    parts = udp.full()
    parts[5] = ("s", udp.fragment(parts[5][1][:4] + parts[5][1][12:], 3, 5))
    table, counters, seen = udp.table()
    udp.feed(table, udp.datagrams(parts[:-3]))
    table.close()
    assert (seen[0].established, seen[0].ssl_history) == (None, "CvCsxGIn")
    assert seen[0].cert_chain_fps == (digest(b"leaf"), digest(b"issuer"))
    assert counters.bytes_missing > 0


def test_a_resumption_is_seen_by_what_the_server_leaves_out(udp, wire):
    hello = udp.client_hello(extensions=[wire.extension(35, b"ticket")])
    parts = [
        ("c", udp.fragment(hello, 0)),
        ("s", udp.fragment(wire.server_hello(version=0xFEFD), 0)),
        ("s", "ccs"),
        ("s", "finished"),
        ("c", "ccs"),
        ("c", "finished"),
    ]
    seen = udp.observe(udp.datagrams(parts))
    assert (seen.resumed, seen.cert_visible, seen.established, seen.ssl_history) == (True, False, True, "CsiI")


def test_a_server_whose_certificate_was_not_captured_is_not_taken_for_one_that_resumes(udp):
    parts = [part for at, part in enumerate(udp.datagrams(udp.full())) if at not in {4, 5, 6}]
    seen = udp.observe(parts)
    assert (seen.resumed, seen.established, seen.cert_visible) == (False, True, None)


@pytest.mark.parametrize("at", [{0}, {0, 2}, {4, 5, 6, 7}, {3, 4, 5, 6, 7}])
def test_records_that_the_capture_cuts_short_are_missing_and_prove_nothing(udp, at):
    table, counters, seen = udp.table()
    whole = udp.datagrams(udp.full())
    udp.feed(table, [(side, data[:28]) if place in at else (side, data) for place, (side, data) in enumerate(whole)])
    table.close()
    assert counters.bytes_missing == sum(max(0, len(whole[place][1]) - 28) for place in at)
    assert (seen[0].resumed or False, seen[0].established) == (False, True)
    assert seen[0].cert_visible is (True if 4 not in at else None)


def test_a_flight_with_a_hole_that_ends_in_silence_has_not_failed(udp):
    table, _, seen = udp.table(idle_timeout=10)
    for key, left_out in ((udp.key, {5}), (udp.key[:-1] + b"\1", {})):
        parts = [part for at, part in enumerate(udp.datagrams(udp.full()[:7])) if at not in left_out]
        udp.feed(table, parts, key=key)
    udp.feed(table, udp.datagrams(udp.full()[:1]), start=1.7e9 + 60, key=udp.key[:-1] + b"\2")
    assert [(one.established, one.ssl_history) for one in seen] == [(None, "CvCsxn"), (False, "CvCsxkn")]


def test_a_change_of_keys_sent_again_in_a_new_record_is_told_once(udp):
    parts = udp.full()
    again = [*parts[:9], ("c", "ccs"), ("c", "finished"), ("c", "ccs"), ("s", "ccs"), ("s", "ccs"), ("s", "finished")]
    assert udp.observe(udp.datagrams(again)).ssl_history == "CvCsxknGIi"


def test_the_hello_with_the_cookie_begins_nothing_even_if_its_random_is_new(udp):
    parts = udp.full()
    changed = udp.client_hello(cookie=b"cook", random=b"changed!" * 4)
    assert udp.observe(udp.datagrams([*parts[:2], ("c", udp.fragment(changed, 1)), *parts[3:]])).established is True


def test_ciphertext_that_looks_like_a_hello_begins_nothing(udp):
    assert udp.sense([("c", udp.record(udp.fragment(udp.client_hello(), 0), epoch=1))]) == []


def dtls13(udp, wire, extension=()):
    versions = wire.extension(43, wire.vector(1, wire.shorts(0xFEFC, 0xFEFD)))
    chosen = [wire.extension(43, wire.shorts(0xFEFC)), wire.extension(51, wire.shorts(29) + wire.vector(2, bytes(32)))]
    retried = [wire.extension(43, wire.shorts(0xFEFC)), wire.extension(51, wire.shorts(23))]
    hello = udp.client_hello(extensions=[wire.server_name(), versions, *extension])
    answer = {"version": 0xFEFD, "cipher": 0x1301}
    parts = [
        ("c", udp.fragment(hello, 0)),
        ("s", udp.fragment(wire.server_hello(extensions=retried, random=RETRY, **answer), 0)),
        ("c", udp.fragment(hello, 1)),
        ("s", udp.fragment(wire.server_hello(extensions=[*chosen, *extension], **answer), 1)),
    ]
    return udp.datagrams(parts)


UNIFIED = b"\x2e\x00\x01\x00\x20" + bytes(32)
UNIFIED_WITH_ID = b"\x3f" + bytes(60)


@pytest.mark.parametrize("ciphertext", [UNIFIED, UNIFIED_WITH_ID, b"\x20\x01" + bytes(30)])
def test_dtls_13_is_established_once_both_sides_sent_ciphertext(udp, wire, ciphertext):
    hellos = dtls13(udp, wire)
    started = udp.observe([*hellos, ("s", ciphertext)])
    assert started.established is None
    seen = udp.observe([*hellos, ("s", ciphertext), ("c", ciphertext)])
    assert (seen.version, seen.cipher, seen.curve) == ("DTLSv13", "TLS_AES_128_GCM_SHA256", "x25519")
    assert (seen.established, seen.resumed, seen.cert_visible, seen.ssl_history) == (True, False, False, "CjCs")
    assert seen.ja4.startswith("dd2d0202")


def test_dtls_13_may_send_its_ciphertext_in_the_datagram_of_the_hello_and_before_it(udp, wire):
    *hellos, (side, last) = dtls13(udp, wire)
    assert udp.observe([*hellos, (side, last + UNIFIED), ("c", UNIFIED)]).established is True
    early = [hellos[0], (side, UNIFIED), (side, b"junk"), (side, last), ("c", UNIFIED)]
    assert udp.observe(early).established is True


def test_what_looks_like_a_dtls_13_header_is_nothing_in_dtls_12(udp):
    parts = udp.datagrams(udp.full())
    assert udp.observe([*parts[:-2], ("s", UNIFIED), ("c", UNIFIED)]).established is None


def test_a_record_with_connection_id_is_ciphertext(udp):
    parts = udp.datagrams(udp.full())
    header = struct.pack(">BHHHI", 25, 0xFEFD, 1, 0, 0) + b"identity\0\x20" + bytes(32)
    assert udp.observe([*parts[:-1], ("s", header)]).established is True
    opaque = header[:11] + bytes(2) + udp.record(b"\2\x28", kind=21, number=99)
    assert udp.observe([*parts[:9], ("c", opaque)]).last_alert is None


def test_the_first_hello_gives_the_fingerprints(udp, wire):
    parts = udp.full()
    other = udp.client_hello(cookie=b"cook", ciphers=(0xC02B,))
    changed = [*parts[:2], ("c", udp.fragment(other, 1)), *parts[3:]]
    seen, plain = udp.observe(udp.datagrams(changed)), udp.observe(udp.datagrams(parts))
    assert (seen.ja3, seen.ja4) == (plain.ja3, plain.ja4)


@pytest.mark.parametrize("side", "cs")
def test_of_half_a_conversation_nobody_knows_whether_it_was_established(udp, side):
    seen = udp.observe([part for part in udp.datagrams(udp.full()) if part[0] == side])
    assert seen.established is None
    assert (seen.orig_p, seen.resp_p, seen.client_hello_seen) == (40000, 4433, side == "c")
    assert seen.ssl_history == ("CCGI" if side == "c" else "sxkni")


def test_a_servers_downgrade_mark_counts_in_dtls_too(udp, wire):
    answer = wire.server_hello(version=0xFEFD, random=bytes(24) + b"DOWNGRD\x01")
    versions = wire.extension(43, wire.vector(1, wire.shorts(0xFEFC, 0xFEFD)))
    for extensions, sign in (([versions], "sentinel"), ([wire.server_name()], None)):
        hello = udp.fragment(udp.client_hello(extensions=extensions), 0)
        assert udp.observe(udp.datagrams([("c", hello), ("s", udp.fragment(answer, 0))])).downgrade == sign


def test_a_fragment_that_does_not_fit_its_message_is_told(udp):
    parts = udp.full()
    broken = parts[4][1][:9] + b"\xff\xff\xff" + parts[4][1][12:]
    seen = udp.observe(udp.datagrams([*parts[:4], ("s", broken)]))
    assert seen.handshake_error == "frame 5: server sent a handshake fragment that does not fit"


def test_a_message_too_long_to_read_is_told_and_not_stored(udp, wire):
    long = wire.message(11, bytes(3000))
    parts = [*udp.full()[:4], ("s", udp.fragment(long, 2, 0, 900)), *udp.full()[5:]]
    seen = udp.observe(udp.datagrams(parts), max_message=2000)
    assert seen.handshake_error == "frame 5: handshake message 11 is too long"
    assert (seen.established, seen.ssl_history) == (True, "CvCsxknGIi")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(RECORDINGS)), st.data())
def test_altered_datagrams_are_data_and_never_harm(udp, name, data):
    datagrams = recorded(name)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(datagrams) - 1))
        side, body = datagrams[at]
        place = data.draw(st.integers(0, len(body) - 1))
        change = data.draw(st.binary(max_size=6))
        datagrams[at] = side, body[:place] + change + body[place + data.draw(st.integers(0, 6)) :]
    table, _, seen = udp.table(max_message=4096)
    for datagram in datagrams:
        udp.feed(table, [datagram])
        assert table.buffered <= 2 * (4096 + 40_000)
    table.close()
    assert table.buffered == 0
    assert len(seen) <= len(datagrams)
