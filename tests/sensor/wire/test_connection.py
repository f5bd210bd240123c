"""What a TLS handshake tells, from whole captures."""

import hashlib

import pytest


def digest(data):
    return hashlib.sha256(data).hexdigest()


def test_a_full_handshake_gives_all_facts_under_the_names_zeek_uses(wire):
    seen = wire.observe(wire.full())
    assert (seen.ts, seen.source) == (1.7e9 + 0.002, "x.pcap:3")
    assert (seen.orig_h, seen.orig_p, seen.resp_h, seen.resp_p) == (*wire.client, *wire.server)
    assert seen.community_id.startswith("1:")
    assert len(seen.uid) == 18
    assert seen.uid[0] == "C"
    assert (seen.version, seen.cipher, seen.curve) == ("TLSv12", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "x25519")
    assert seen.server_name == "example.org"
    assert (seen.established, seen.resumed, seen.ssl_history) == (True, False, "CsxknGIi")
    assert (seen.client_hello_seen, seen.cert_visible) == (True, True)
    assert seen.cert_chain_fps == (digest(b"leaf"), digest(b"issuer"))
    assert (seen.last_alert, seen.downgrade, seen.handshake_error, seen.certificate_error) == (None,) * 4
    assert seen.ja3_raw == "771,49199-156,0-10,29-23,"
    assert seen.ja3s_raw == "771,49199,"
    assert seen.ja4.startswith("t12d020200_")
    assert seen.anomalies is None


def test_a_connection_over_ipv6_is_seen_alike(wire):
    four = wire.observe(wire.full())
    six = wire.observe(wire.full(), client=wire.client6, server=wire.server6)
    assert (six.orig_h, six.resp_h) == (wire.client6[0], wire.server6[0])
    assert (six.ssl_history, six.ja4, six.cert_chain_fps) == (four.ssl_history, four.ja4, four.cert_chain_fps)


def test_any_port_is_looked_at(wire):
    assert wire.observe(wire.full(), server=("203.0.113.9", 31337)).resp_p == 31337


def test_tls_13_hides_the_certificate_and_names_its_version_in_an_extension(wire):
    seen = wire.observe(wire.tls13())
    assert (seen.version, seen.cipher, seen.curve) == ("TLSv13", "TLS_AES_128_GCM_SHA256", "x25519")
    assert (seen.established, seen.resumed, seen.cert_visible, seen.ssl_history) == (True, False, False, "CsiI")


def test_a_psk_that_the_server_selects_is_a_resumption(wire):
    assert wire.observe(wire.tls13(extensions=[wire.extension(41, wire.shorts(0))])).resumed is True


def test_the_first_hello_gives_the_fingerprints_and_the_last_answer_the_parameters_after_a_retry(wire):
    first, *rest = wire.tls13()
    second = wire.record(wire.client_hello(ciphers=(0x1301,)))
    share = wire.extension(51, wire.shorts(29) + wire.vector(2, bytes(32)))
    answer = wire.server_hello(cipher=0x1302, extensions=[wire.extension(43, wire.shorts(0x0304)), share])
    flights = [first, ("s", wire.record(wire.retry()) + wire.ccs), ("c", wire.ccs + second), ("s", wire.record(answer))]
    seen = wire.observe([*flights, ("s", wire.data), ("c", wire.data)])
    assert seen.ssl_history == "CjiICs"
    assert (seen.cipher, seen.curve, seen.established) == ("TLS_AES_256_GCM_SHA384", "x25519", True)
    assert seen.ja4 == wire.observe([first, *rest]).ja4
    assert seen.ja3s_raw == "771,4866,43-51"


def test_a_retry_without_a_second_hello_tells_what_was_chosen_so_far(wire):
    seen = wire.observe([wire.tls13()[0], ("s", wire.record(wire.retry()))])
    assert (seen.version, seen.curve, seen.ja3s, seen.resumed, seen.established) == (
        "TLSv13",
        "secp256r1",
        None,
        None,
        False,
    )


def abbreviated(wire, session=b"", answer=b"", extra=()):
    hello = wire.client_hello(session=session, extensions=[wire.server_name(), wire.extension(35, b"ticket")])
    flight = wire.record(wire.server_hello(session=answer)) + b"".join(extra) + wire.ccs + wire.finished
    return [("c", wire.record(hello)), ("s", flight), ("c", wire.ccs + wire.finished)]


def test_a_session_id_that_comes_back_is_a_resumption_without_a_visible_certificate(wire):
    seen = wire.observe(abbreviated(wire, b"i" * 32, b"i" * 32))
    assert (seen.resumed, seen.cert_visible, seen.established, seen.ssl_history) == (True, False, True, "CsiI")


def test_a_ticket_that_leads_to_an_abbreviated_handshake_is_a_resumption(wire):
    ticket = wire.record(wire.message(4, bytes(6)))
    seen = wire.observe(abbreviated(wire, extra=[ticket]))
    assert (seen.resumed, seen.cert_visible, seen.ssl_history) == (True, False, "CstiI")


def test_a_session_id_of_zeros_is_no_resumption(wire):
    flights = wire.full(wire.client_hello(session=bytes(32)), wire.server_hello(session=bytes(32)))
    assert wire.observe(flights).resumed is False


@pytest.mark.parametrize(
    ("version", "name"), [(0x0300, "SSLv3"), (0x0301, "TLSv10"), (0x0302, "TLSv11"), (0x0303, "TLSv12")]
)
def test_old_versions_are_read_and_named(wire, version, name):
    seen = wire.observe(
        wire.full(wire.client_hello(version=version, extensions=[]), wire.server_hello(version=version))
    )
    assert (seen.version, seen.server_name, seen.ja4[3], seen.established) == (name, None, "i", True)


def test_messages_may_span_records_and_share_them(wire):
    whole = wire.full()
    messages = whole[1][1][5:]
    shredded = b"".join(wire.record(messages[i : i + 7]) for i in range(0, len(messages), 7))
    seen = wire.observe([whole[0], ("s", shredded), *whole[2:]])
    assert seen == wire.observe(whole)


def test_a_client_certificate_is_kept_apart_from_the_servers(wire):
    flights = wire.full()
    flights[2] = (
        "c",
        wire.record(wire.certificate(b"mine") + wire.message(16) + wire.message(15)) + wire.ccs + wire.finished,
    )
    seen = wire.observe(flights)
    assert seen.client_cert_chain_fps == (digest(b"mine"),)
    assert seen.cert_chain_fps == (digest(b"leaf"), digest(b"issuer"))
    assert seen.ssl_history == "CsxknXGYIi"


def test_a_fatal_alert_is_a_failed_handshake(wire):
    seen = wire.observe([wire.full()[0], ("s", wire.alert(2, 40))], end=0)
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, "handshake_failure", "Cl")
    assert (seen.version, seen.resumed, seen.cert_visible) == (None, None, None)


def test_a_warning_does_not_fail_a_handshake(wire):
    flights = wire.full()
    flights[1] = ("s", wire.alert(1, 112) + flights[1][1])
    seen = wire.observe(flights)
    assert (seen.established, seen.last_alert, seen.ssl_history) == (True, "unrecognized_name", "ClsxknGIi")


@pytest.mark.parametrize("end", [1, 4])
def test_a_connection_closed_or_reset_before_the_end_of_its_handshake_has_failed(wire, end):
    seen = wire.observe(wire.full()[:2], end=end)
    assert (seen.established, seen.ssl_history, seen.cert_visible) == (False, "Csxkn", True)


def test_of_a_handshake_cut_off_by_the_end_of_the_capture_nobody_knows_whether_it_failed(wire):
    assert wire.observe(wire.full()[:2], end=0).established is None


@pytest.mark.parametrize("side", "cs")
def test_of_half_a_conversation_nobody_knows_whether_it_was_established(wire, side):
    packets = wire.conversation(wire.full())
    port = {"c": wire.client[1], "s": wire.server[1]}[side].to_bytes(2, "big")
    (seen,) = wire.sense(wire.pcap([packet for packet in packets if packet[1][20:22] == port]))
    assert seen.established is None
    assert (seen.orig_h, seen.resp_h) == (wire.client[0], wire.server[0])
    assert seen.client_hello_seen is (side == "c")
    if side == "c":
        assert (seen.ssl_history, seen.version, seen.cert_visible) == ("CGI", None, None)
    else:
        assert (seen.ssl_history, seen.ja3, seen.ja4, seen.server_name) == ("sxkni", None, None, None)
        assert seen.cert_visible is True


def test_a_server_without_certificate_shows_none_in_a_full_handshake(wire):
    anonymous = wire.record(wire.server_hello(cipher=0x0034) + wire.message(12, bytes(9)) + wire.message(14))
    flights = wire.full()
    flights[1] = ("s", anonymous)
    seen = wire.observe(flights)
    assert (seen.cert_visible, seen.resumed, seen.cert_chain_fps) == (False, False, None)


@pytest.mark.parametrize(
    ("offered", "version", "mark", "sign"),
    [
        ((0x0304, 0x0303), 0x0303, b"DOWNGRD\x01", "sentinel"),
        ((0x0304, 0x0303), 0x0302, b"DOWNGRD\x00", "sentinel"),
        ((), 0x0302, b"DOWNGRD\x00", "sentinel"),
        ((), 0x0303, b"DOWNGRD\x01", None),
        ((0x0304, 0x0303), 0x0303, b"DOWNGRD\x00", None),
        ((0x0304, 0x0303), 0x0303, b"12345678", None),
    ],
)
def test_a_servers_downgrade_mark_counts_where_the_client_offered_more(wire, offered, version, mark, sign):
    extensions = [wire.extension(43, wire.vector(1, wire.shorts(*offered)))] if offered else []
    answer = wire.server_hello(version=version, random=bytes(24) + mark)
    assert wire.observe(wire.full(wire.client_hello(extensions=extensions), answer)).downgrade == sign


def test_the_fallback_scsv_is_told(wire):
    assert wire.observe(wire.full(wire.client_hello(ciphers=(0xC02F, 0x5600)))).downgrade == "scsv"


def test_a_malformed_extension_is_told_with_frame_and_byte_and_the_rest_is_kept(wire):
    hello = wire.client_hello(extensions=[wire.extension(10, b"\0\x40\0"), wire.server_name()])
    seen = wire.observe(wire.full(hello))
    assert seen.handshake_error == "frame 3: ClientHello, extension 10, byte 51: group list needs 64 bytes, 1 are left"
    assert (seen.server_name, seen.established) == ("example.org", True)


def test_a_certificate_message_that_contradicts_itself_is_visible_and_told(wire):
    flights = wire.full()
    broken = wire.record(wire.server_hello() + wire.message(11, b"\0\0\xff\0\0\4leaf\0\0\x50cut"))
    seen = wire.observe([flights[0], ("s", broken)])
    assert seen.cert_visible is True
    assert seen.cert_chain_fps == (digest(b"leaf"),)
    assert seen.certificate_error == "Certificate, byte 0: list of 255 bytes in a message with room for 13"
    assert seen.handshake_error == f"frame 4: {seen.certificate_error}"


def test_an_answer_that_is_not_tls_is_told(wire):
    seen = wire.observe([wire.full()[0], ("s", b"HTTP/1.1 400 Bad Request\r\n\r\n")])
    assert (seen.established, seen.ssl_history) == (False, "C")
    assert seen.handshake_error == "frame 4: server sent what is no TLS record"


def test_text_from_the_wire_carries_no_control_characters(wire):
    hello = wire.client_hello(extensions=[wire.server_name(b"a\x1b[31m\n\xff\\.org")])
    assert wire.observe(wire.full(hello)).server_name == r"a\x1b[31m\x0a\xff\x5c.org"


def test_a_client_hello_from_the_accepting_side_flips_the_direction_in_the_history_only(wire):
    other = {"c": "s", "s": "c"}
    seen = wire.observe([(other[side], data) for side, data in wire.full()])
    assert seen.ssl_history == "^CsxknGIi"
    assert (seen.orig_h, seen.established) == (wire.client[0], True)


def test_an_encrypted_client_hello_is_told_beside_the_outer_name(wire):
    ech = wire.extension(
        0xFE0D, b"\0" + wire.shorts(1, 2) + b"\7" + wire.vector(2, bytes(32)) + wire.vector(2, b"sealed")
    )
    seen = wire.observe(wire.full(wire.client_hello(extensions=[wire.server_name(b"public.example"), ech])))
    assert (seen.server_name, seen.ech_kdf_id, seen.ech_aead_id) == ("public.example", 1, 2)
    assert wire.observe(wire.full()).ech_kdf_id is None


def test_the_protocol_that_the_server_chose_is_told(wire):
    answer = wire.server_hello(extensions=[wire.extension(16, wire.vector(2, b"\2h2"))])
    assert wire.observe(wire.full(server=answer)).next_protocol == "h2"


def test_the_history_is_bounded(wire):
    seen = wire.observe([wire.full()[0], ("s", wire.record(wire.message(0) * 500))])
    assert len(seen.ssl_history) == 100


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\x00\x28\x01\x00\x00\x24\x03\x03" + bytes(34),
        b"\x16\x03\x01\x00\x05\x0b\x00\x00\x01\x00",
        b"\x17\x03\x03\x00\x04data",
        b"\x14\x03\x03\x00\x01\x01",
        b"\x16\x03\x01\xff\xff" + bytes(100),
        b"SSH-2.0-OpenSSH\r\n",
        b"\x16",
    ],
)
def test_what_only_looks_like_tls_is_not_reported(wire, data):
    assert wire.sense(wire.pcap(wire.conversation([("c", data), ("s", b"reply")]))) == []
