import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.handshake import client_hello, key_exchange_group, server_hello
from enricher.sensor.hellos import Hellos
from enricher.sensor.negotiation import Negotiation


def test_a_client_hello_gives_all_that_was_offered(wire):
    extensions = [
        wire.extension(0x1A1A),
        wire.server_name(b"www.example.org"),
        wire.extension(10, wire.vector(2, wire.shorts(0x2A2A, 29, 23))),
        wire.extension(11, wire.vector(1, b"\0\1")),
        wire.extension(13, wire.vector(2, wire.shorts(0x0403, 0x0804))),
        wire.extension(16, wire.vector(2, b"\2h2\x08http/1.1")),
        wire.extension(43, wire.vector(1, wire.shorts(0x3A3A, 0x0304, 0x0303))),
    ]
    hello = client_hello(wire.client_hello(ciphers=(0x4A4A, 0x1301), extensions=extensions, session=b"abc")[4:])
    assert hello.version == 0x0303
    assert hello.session_id == b"abc"
    assert hello.ciphers == (0x4A4A, 0x1301)
    assert hello.extensions == [0x1A1A, 0, 10, 11, 13, 16, 43]
    assert hello.server_name == b"www.example.org"
    assert hello.groups == (0x2A2A, 29, 23)
    assert hello.point_formats == b"\0\1"
    assert hello.signature_algorithms == (0x0403, 0x0804)
    assert hello.alpn == (b"h2", b"http/1.1")
    assert hello.versions == (0x3A3A, 0x0304, 0x0303)
    assert hello.error is None


def test_an_encrypted_hello_tells_the_algorithms_that_hide_it(wire):
    outer = b"\0" + wire.shorts(1, 3) + b"\x2a" + wire.vector(2, bytes(32)) + wire.vector(2, bytes(100))
    for body, ech, error in (
        (outer, (1, 3), None),
        (b"\1", None, "extension 65037, byte 49: ECH type of an inner ClientHello"),
        (outer[:-1], (1, 3), "extension 65037, byte 91: ECH payload needs 100 bytes, 99 are left"),
    ):
        hello = client_hello(wire.client_hello(extensions=[wire.extension(0xFE0D, body), wire.server_name()])[4:])
        assert (hello.ech, hello.server_name, hello.error) == (ech, b"example.org", error)


def test_a_protocol_list_of_any_length_takes_time_in_proportion(wire):
    """Copied anew with each name, it took most of a second."""
    body = wire.client_hello(extensions=[wire.extension(16, wire.vector(2, b"\1x" * 32_000))])[4:]
    before = time.process_time()
    assert len(client_hello(body).alpn) == 32_000
    assert time.process_time() - before < 0.2


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("what", ["ciphers", "algorithms", "extensions", "protocols"])
def test_what_a_hello_takes_once_it_is_parsed_is_counted(wire, kind, what):
    many = range(300, 15_300)
    extensions = {
        "algorithms": [wire.extension(13, wire.vector(2, wire.shorts(*many)))],
        "extensions": [wire.extension(code) for code in many],
        "protocols": [wire.extension(16, wire.vector(2, b"".join(b"\2" + wire.shorts(code) for code in many)))],
    }.get(what, [])
    ciphers = many if what == "ciphers" else (1,)
    hello = (
        wire.client_hello(ciphers=ciphers, extensions=extensions)
        if kind == 1
        else wire.server_hello(extensions=extensions)
    )
    negotiation = Negotiation("tls", Hellos())
    tracemalloc.start()
    negotiation.message(0, kind, hello[4:], 0.0, 1)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert negotiation.client == kind - 1
    assert taken <= negotiation.held


def test_of_a_protocol_list_that_breaks_off_the_names_before_are_kept(wire):
    hello = client_hello(wire.client_hello(extensions=[wire.extension(16, wire.vector(2, b"\2h2\5http"))])[4:])
    assert hello.alpn == (b"h2",)
    assert "protocol name needs 5 bytes, 4 are left" in hello.error


def test_a_client_hello_needs_no_extensions(wire):
    hello = client_hello(wire.client_hello(version=0x0300, extensions=[])[4:])
    assert (hello.extensions, hello.server_name, hello.alpn, hello.error) == ([], None, None, None)


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (0, b"\0\x10\0\0\x0dexa", "extension 0, byte 51: server name list needs 16 bytes, 6 are left"),
        (10, b"\0\3\0\x1d\0", "extension 10, byte 51: group list has an odd length of 3"),
        (16, b"\0\5\2h2", "extension 16, byte 51: protocol name list needs 5 bytes, 3 are left"),
        (43, b"\2\3\4\3\3", "extension 43, byte 52: 2 bytes too many"),
    ],
)
def test_a_malformed_extension_is_told_with_its_place_and_leaves_the_others_readable(wire, kind, body, error):
    extensions = [wire.extension(kind, body), wire.extension(11, wire.vector(1, b"\0")), wire.extension(23)]
    hello = client_hello(wire.client_hello(extensions=extensions)[4:])
    assert hello.error == error
    assert hello.extensions == [kind, 11, 23]
    assert hello.point_formats == b"\0"


def test_bytes_after_the_extensions_are_told(wire):
    hello = client_hello(wire.client_hello(tail=b"tail")[4:])
    assert hello.error.endswith("4 bytes after the extensions")
    assert hello.server_name == b"example.org"


def test_a_hello_cut_anywhere_keeps_what_was_read(wire):
    body = wire.client_hello()[4:]
    whole = client_hello(body)
    fixed = len(wire.client_hello(extensions=[])[4:])
    for length in range(len(body)):
        hello = client_hello(body[:length])
        if length < fixed:
            assert hello is None
        else:
            assert hello.ciphers == whole.ciphers
            assert (hello.error is None) == (length == fixed)


def test_what_has_not_the_fixed_part_of_a_hello_is_none(wire):
    assert client_hello(wire.client_hello(version=0x0203)[4:]) is None
    assert client_hello(wire.client_hello(ciphers=())[4:]) is None
    assert client_hello(wire.client_hello(session=bytes(33))[4:]) is None
    assert server_hello(wire.server_hello(version=0x4854)[4:]) is None
    assert server_hello(b"") is None


def test_a_server_hello_gives_what_was_chosen(wire):
    extensions = [
        wire.extension(43, wire.shorts(0x0304)),
        wire.extension(51, wire.shorts(29) + wire.vector(2, bytes(32))),
        wire.extension(41, wire.shorts(0)),
        wire.extension(16, wire.vector(2, b"\2h2")),
    ]
    hello = server_hello(wire.server_hello(cipher=0x1302, extensions=extensions, session=b"abc")[4:])
    assert (hello.legacy_version, hello.version, hello.cipher) == (0x0303, 0x0304, 0x1302)
    assert (hello.session_id, hello.group, hello.psk, hello.alpn) == (b"abc", 29, True, b"h2")
    assert hello.extensions == [43, 51, 41, 16]
    assert not hello.is_retry
    assert hello.error is None


def test_a_hello_retry_request_is_a_server_hello_with_a_certain_random(wire):
    hello = server_hello(wire.retry()[4:])
    assert hello.is_retry
    assert hello.group == 23


def test_early_drafts_of_tls_13_have_no_session_id_in_the_server_hello(wire):
    share = wire.extension(40, wire.shorts(29) + wire.vector(2, bytes(32)))
    body = b"\x7f\x10" + bytes(32) + b"\x13\x01" + wire.vector(2, share)
    hello = server_hello(body)
    assert (hello.version, hello.cipher, hello.group, hello.error) == (0x7F10, 0x1301, 29, None)


def test_the_group_of_a_key_exchange_is_read_where_the_suite_has_one(wire):
    body = wire.key_exchange[4:]
    assert key_exchange_group(body, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") == 29
    assert key_exchange_group(wire.vector(2, b"hint") + body, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA") == 29
    assert key_exchange_group(body, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA") is None
    assert key_exchange_group(b"\1" + bytes(20), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") is None
    assert key_exchange_group(b"\3\0", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") is None


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_parsed_without_a_crash(wire, junk, cut):
    for body in (junk, wire.client_hello()[4:][:cut] + junk):
        client_hello(body)
    for body in (junk, wire.retry()[4:][:cut] + junk):
        server_hello(body)
    key_exchange_group(junk, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA")
