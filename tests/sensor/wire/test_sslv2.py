"""SSLv2, and its hello as clients sent it to offer more."""

import struct

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from enricher.sensor import sslv2

DES, RC4 = 0x0700C0, 0x010080


def specs(*codes):
    return b"".join(code.to_bytes(3, "big") for code in codes)


def message(body):
    return struct.pack(">H", 0x8000 | len(body)) + body


def client_hello(version=2, ciphers=(RC4, DES), session=b"", challenge=bytes(16)):
    offered = specs(*ciphers)
    sizes = struct.pack(">HHHH", version, len(offered), len(session), len(challenge))
    return message(b"\1" + sizes + offered + session + challenge)


def server_hello(certificate=b"a certificate", ciphers=(DES, RC4), hit=0):
    offered = specs(*ciphers)
    sizes = struct.pack(">BBHHHH", hit, int(bool(certificate)), 2, len(certificate), len(offered), 16)
    return message(b"\4" + sizes + certificate + offered + bytes(range(16)))


MASTER_KEY = message(b"\2" + specs(DES) + struct.pack(">HHH", 0, 64, 8) + bytes(72))
SECRET = b"\0\x28\x07" + bytes(40)
SSLV2 = [("c", client_hello()), ("s", server_hello()), ("c", MASTER_KEY), ("s", SECRET), ("c", SECRET), ("s", SECRET)]


def compatible(wire):
    """A TLS 1.0 handshake whose client says hello as SSLv2 would."""
    rest = wire.full(server=wire.server_hello(version=0x0301))[1:]
    return [("c", client_hello(0x0301, (RC4, 0x00002F, 0x000005))), *rest]


@pytest.mark.parametrize("mss", [1460, 1, 2, 13])
def test_sslv2_is_told_under_zeeks_names(wire, mss):
    seen = wire.observe(SSLV2, mss=mss)
    assert (seen.version, seen.cipher) == ("SSLv2", "SSLv20_CK_DES_192_EDE3_CBC_WITH_MD5")
    assert (seen.established, seen.ssl_history, seen.resumed, seen.cert_visible) == (True, "Cs", False, True)
    assert len(seen.cert_chain_fps) == 1
    assert (seen.ja3, seen.ja3s, seen.ja4, seen.server_name, seen.handshake_error) == (None,) * 5


@pytest.mark.parametrize("mss", [1460, 1, 2, 13])
@pytest.mark.parametrize(
    "hello", [client_hello(version=0x0200), client_hello(session=b"odd"), client_hello(ciphers=())]
)
def test_what_cannot_be_a_hello_is_none_however_short_its_first_segment(wire, hello, mss):
    assert wire.sense(wire.pcap(wire.conversation([("c", hello), ("s", server_hello())], mss=mss))) == []


@pytest.mark.parametrize("mss", [1460, 1, 2, 13])
@pytest.mark.parametrize("junk", [b"\xff\3\1\2\0\1", b"\x80\x2e\1\0\2\0\x10\1\0\x80\2\0\x80", b"\x80\x80\x2e\1\0"])
def test_what_waits_for_its_rest_is_known_to_be_no_hello_as_soon_as_it_can_be(wire, junk, mss):
    flights = [("s", junk.ljust(40, b"\1")), ("c", wire.record(wire.client_hello()))]
    assert wire.sense(wire.pcap(wire.conversation(flights, mss=mss))) == []


def test_the_cipher_is_the_one_that_the_client_took(wire):
    flights = [SSLV2[0], ("s", server_hello(ciphers=(RC4, DES))), *SSLV2[2:]]
    assert wire.observe(flights).cipher == "SSLv20_CK_DES_192_EDE3_CBC_WITH_MD5"
    assert wire.observe(flights[:2]).cipher == "SSLv20_CK_RC4_128_WITH_MD5"


def test_sslv2_is_established_once_both_sides_used_the_keys(wire):
    assert [wire.observe(SSLV2[:count]).established for count in (2, 3, 4, 5)] == [False, False, False, True]


def test_a_resumed_sslv2_session_has_neither_certificate_nor_known_cipher(wire):
    flights = [("c", client_hello(session=bytes(16))), ("s", server_hello(b"", (), 1)), ("c", SECRET), ("s", SECRET)]
    seen = wire.observe(flights)
    assert (seen.resumed, seen.cipher, seen.cert_visible, seen.established) == (True, None, False, True)


def test_an_error_of_sslv2_ends_it(wire):
    seen = wire.observe([SSLV2[0], ("s", message(b"\0\0\1"))], end=0)
    assert (seen.established, seen.last_alert, seen.ssl_history) == (False, "unknown-1", "Cl")


@pytest.mark.parametrize("mss", [1460, 1, 13])
def test_a_hello_in_the_old_format_may_lead_to_tls(wire, mss):
    seen = wire.observe(compatible(wire), mss=mss)
    plain = wire.observe(wire.full(server=wire.server_hello(version=0x0301)))
    assert (seen.version, seen.ssl_history, seen.established) == ("TLSv10", "CsxknGIi", True)
    assert (seen.ja3, seen.ja4, seen.server_name, seen.client_hello_seen) == (None, None, None, True)
    assert (seen.ja3s, seen.cert_chain_fps) == (plain.ja3s, plain.cert_chain_fps)


def test_the_answer_may_be_captured_before_the_hello_in_the_old_format(wire):
    packets = wire.conversation(compatible(wire), end=0)
    swapped = [*packets[:2], packets[3], packets[2], *packets[4:]]
    (seen,) = wire.sense(wire.pcap(swapped))
    assert (seen.ssl_history, seen.established, seen.handshake_error) == ("sxknCGIi", True, None)


def test_half_of_sslv2_is_told(wire):
    source = bytes(map(int, wire.client[0].split(".")))
    packets = wire.conversation(SSLV2, end=0)
    (client,) = wire.sense(wire.pcap([p for p in packets if p[1][12:16] == source]))
    (server,) = wire.sense(wire.pcap([p for p in packets if p[1][12:16] != source]))
    assert (client.client_hello_seen, client.version, client.established) == (True, None, None)
    assert (server.client_hello_seen, server.version, server.established) == (False, "SSLv2", None)
    assert server.orig_h == wire.client[0]


@pytest.mark.parametrize("syn", [True, False])
def test_sslv2_is_found_without_its_syn_and_behind_starttls(wire, syn):
    smtp = [("s", b"220 x\r\n"), ("c", b"STARTTLS\r\n"), ("s", b"220 go\r\n")]
    for flights in (SSLV2, compatible(wire), smtp + compatible(wire)):
        assert wire.observe(flights, syn=syn).established is True


def test_a_segment_missing_after_the_hello_in_the_old_format_is_told(wire):
    packets = wire.conversation(compatible(wire), mss=40, end=0)
    lost = next(i for i, p in enumerate(packets) if p[1][12:13] != b"\n" and len(p[1]) == 80)
    sensor = wire.sensor(max_out_of_order=50)
    (seen,) = sensor.feed(wire.pcap(packets[:lost] + packets[lost + 2 :])) + sensor.close()
    assert seen.client_hello_seen is True
    assert seen.ssl_history.startswith("C")


def test_what_only_begins_like_sslv2_is_none(wire):
    for junk in (
        b"\x80\x2e\x01\0\2" + bytes(60),
        client_hello(ciphers=()),
        client_hello(version=0x0404),
        client_hello(challenge=bytes(5)),
        client_hello()[:1] + b"\xff" + client_hello()[2:],
        b"\x80\0" * 40,
        b"\x83\xb4\4\0\1\0\2" + b"\xff" * 200,
        message(MASTER_KEY[2:]),
    ):
        for side in "cs":
            assert wire.sense(wire.pcap(wire.conversation([(side, junk), ("c", junk)]))) == []


@settings(max_examples=200, deadline=None)
@example(flights=[("c", b"\x80\x02\x00"), ("s", client_hello())], mss=1)
@given(
    flights=st.lists(
        st.tuples(
            st.sampled_from("cs"),
            st.one_of(
                st.sampled_from([client_hello(), server_hello(), MASTER_KEY, SECRET, client_hello(0x0303)]),
                st.binary(max_size=30),
                st.binary(max_size=30).map(message),
            ),
        ),
        max_size=8,
    ),
    mss=st.integers(1, 60),
)
def test_any_messages_in_any_pieces_tell_the_same_and_never_crash(wire, flights, mss):
    def told(**how):
        seen = wire.sense(wire.pcap(wire.conversation(flights, **how)))
        return [msgspec.structs.replace(o, ts=0.0, uid="", source=None, handshake_error=None) for o in seen]

    assert told(mss=mss) == told()


@settings(max_examples=200, deadline=None)
@given(data=st.binary(min_size=1, max_size=40))
def test_what_a_prefix_refuses_the_whole_is_not(data):
    for whole in (client_hello(), server_hello(), data):
        found = [sslv2.is_hello(whole[:size]) for size in range(1, len(whole) + 1)]
        assert found == sorted(found, reverse=True)
    assert sslv2.is_hello(client_hello())
    assert sslv2.is_hello(server_hello())
