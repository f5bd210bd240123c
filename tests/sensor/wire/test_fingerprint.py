import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ja3 import ja3 as oracle

from enricher.sensor import fingerprint
from enricher.sensor.handshake import ClientHello, ServerHello, client_hello, server_hello


def ja4(found, transport="tls"):
    return fingerprint.ja4(found, transport)


GREASE = [code << 8 | code for code in range(0x0A, 0x100, 0x10)]


def hello(**fields):
    return ClientHello(**{"version": 0x0303, "session_id": b"", "ciphers": (0x1301,), **fields})


def test_ja3_of_the_example_in_its_specification():
    ciphers = (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4)
    example = hello(version=769, ciphers=ciphers, extensions=[0, 10, 11], groups=(23, 24, 25), point_formats=b"\0")
    assert fingerprint.ja3(example) == (
        "ada70206e40642a3e4461f35503241d5",
        "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
    )
    bare = hello(version=769, ciphers=(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99))
    assert fingerprint.ja3(bare) == ("de350869b8c85de67a350c8d186f11e6", "769,4-5-10-9-100-98-3-6-19-18-99,,,")


def test_ja3s_of_the_example_in_its_specification():
    example = ServerHello(
        legacy_version=769, random=bytes(32), session_id=b"", cipher=47, extensions=[65281, 0, 11, 35, 5, 16]
    )
    assert fingerprint.ja3s(example) == ("836ce314215654b5b1f85f97c73e506f", "769,47,65281-0-11-35-5-16")


def specified(**fields):
    ciphers = (
        0x1301,
        0x1302,
        0x1303,
        0xC02B,
        0xC02F,
        0xC02C,
        0xC030,
        0xCCA9,
        0xCCA8,
        0xC013,
        0xC014,
        0x9C,
        0x9D,
        0x2F,
        0x35,
    )
    extensions = [0x1B, 0, 0x33, 0x10, 0x4469, 0x17, 0x2D, 0xD, 5, 0x23, 0x12, 0x2B, 0xFF01, 0xB, 0xA, 0x15]
    algorithms = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
    example = {"ciphers": ciphers, "extensions": extensions, "signature_algorithms": algorithms}
    return hello(**{**example, "alpn": (b"h2",), "versions": (0x0304, 0x0303), **fields})


def test_ja4_of_the_example_in_its_specification():
    assert ja4(specified()) == (
        "t13d1516h2_8daaf6152771_e5627efa2ab1",
        (
            "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_"
            "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_"
            "0403,0804,0401,0503,0805,0501,0806,0601"
        ),
    )
    no_algorithms = specified(signature_algorithms=None)
    assert ja4(no_algorithms)[0].endswith("_6d807ffa2a79")
    assert not ja4(no_algorithms)[1].endswith("_")


def test_grease_counts_nowhere_wherever_it_stands():
    plain = specified(groups=(29, 23), point_formats=b"\0")
    for code in GREASE:
        greased = specified(
            ciphers=(code, *plain.ciphers),
            extensions=[code, *plain.extensions, code],
            signature_algorithms=(*plain.signature_algorithms, code),
            versions=(code, 0x0304),
            groups=(code, 29, 23),
            point_formats=b"\0",
        )
        assert ja4(greased) == ja4(plain)
        assert fingerprint.ja3(greased) == fingerprint.ja3(plain)
    assert len(GREASE) == 16


def test_ja4_does_not_depend_on_the_order_of_ciphers_and_extensions_as_ja3_does():
    turned = specified(ciphers=specified().ciphers[::-1], extensions=specified().extensions[::-1])
    assert ja4(turned) == ja4(specified())
    assert fingerprint.ja3(turned) != fingerprint.ja3(specified())


@pytest.mark.parametrize(
    ("alpn", "letters"),
    [
        (None, "00"),
        ((), "00"),
        ((b"",), "00"),
        ((b"h2",), "h2"),
        ((b"http/1.1", b"h2"), "h1"),
        ((b"x",), "xx"),
        ((b"\xab",), "ab"),
        ((b" ",), "20"),
        ((b"\xab\xcd",), "ad"),
        ((b"\x20\x61",), "21"),
        ((b"\x30\xab",), "3b"),
        ((b"\x61\x20",), "60"),
        ((b"\x30\x31\xab\xcd",), "3d"),
        ((b"\x30\xab\xcd\x31",), "01"),
        ((b"\x0a\x0a", b"h2"), "h2"),
        ((b"\xfa\xfa",), "00"),
        ((b"\x0a\x1a", b"h2"), "0a"),
    ],
)
def test_ja4_takes_the_ends_of_the_first_protocol_or_of_its_hexadecimal_form(alpn, letters):
    assert ja4(hello(alpn=alpn))[0][8:10] == letters


@pytest.mark.parametrize(
    ("version", "versions", "letters"),
    [
        (0x0304, None, "13"),
        (0x0303, None, "12"),
        (0x0302, None, "11"),
        (0x0301, None, "10"),
        (0x0300, None, "s3"),
        (0x0303, (0x0A0A, 0x0303, 0x0304), "13"),
        (0x0303, (0x0A0A,), "12"),
        (0x0399, None, "00"),
        (0xFEFF, None, "d1"),
        (0xFEFD, None, "d2"),
        (0xFEFD, (0xFEFC,), "d3"),
        (0xFEFD, (0xFEFC, 0xFEFD), "d2"),
        (0xFEFD, (0xFEFD, 0xFEFC), "d2"),
        (0xFEFD, (0xFEFF, 0xFEFD), "d1"),
        (0xFEFD, (0x0A0A, 0xFEFF), "d1"),
    ],
)
def test_ja4_takes_the_highest_number_of_a_version_offered(version, versions, letters):
    assert ja4(hello(version=version, versions=versions))[0][1:3] == letters


@pytest.mark.parametrize(("transport", "letter"), [("tls", "t"), ("dtls", "d"), ("quic", "q")])
def test_ja4_begins_with_what_carried_the_hello(transport, letter):
    assert ja4(specified(), transport)[0] == letter + ja4(specified())[0][1:]
    assert ja4(specified(), transport)[1] == letter + ja4(specified())[1][1:]


def test_ja4_of_no_extensions_but_name_and_protocol_has_nothing_to_hash():
    assert ja4(hello(extensions=[0, 16], alpn=(b"h2",)))[0].endswith("_000000000000")
    assert ja4(hello(extensions=[13], signature_algorithms=(0x0A0A,)))[1] == "t12i010100_1301_000d"


def test_ja4_of_a_hello_without_extensions_has_zeros_where_nothing_is_to_hash():
    assert ja4(hello()) == (
        f"t12i010000_{hashlib.sha256(b'1301').hexdigest()[:12]}_000000000000",
        "t12i010000_1301_",
    )
    assert ja4(hello(ciphers=(0x0A0A,)))[0] == "t12i000000_000000000000_000000000000"


def test_ja4_counts_no_further_than_99():
    many = hello(ciphers=tuple(range(1, 150)), extensions=list(range(100, 250)))
    assert ja4(many)[0].startswith("t12i999900_")


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_ja3_agrees_with_the_reference_implementation(wire, data):
    codes = st.one_of(st.integers(0, 0xFFFF), st.sampled_from(GREASE))
    extensions = [wire.server_name()]
    extensions += [wire.extension(kind) for kind in data.draw(st.lists(codes.filter(lambda c: c > 100), max_size=5))]
    groups = data.draw(st.lists(codes, min_size=1, max_size=5))
    extensions.append(wire.extension(10, wire.vector(2, wire.shorts(*groups))))
    extensions.append(wire.extension(11, wire.vector(1, bytes(data.draw(st.lists(st.integers(0, 9), max_size=3))))))
    ciphers = data.draw(st.lists(codes, min_size=1, max_size=10))
    message = wire.client_hello(
        version=data.draw(st.sampled_from([0x0301, 0x0303])), ciphers=ciphers, extensions=extensions
    )
    packet = wire.tcp(wire.client, wire.server, 1, wire.ack, wire.record(message))
    (record,) = oracle.process_pcap([(0.0, wire.ethernet(packet))], any_port=True)
    assert fingerprint.ja3(client_hello(message[4:])) == (record["ja3_digest"], record["ja3"])


@given(st.binary(max_size=100))
def test_whatever_parses_as_a_hello_has_fingerprints(wire, junk):
    found = client_hello(wire.client_hello(extensions=[])[4:] + junk)
    assert len(ja4(found)[0]) == 36
    assert len(fingerprint.ja3(found)[0]) == 32
    answer = server_hello(wire.server_hello()[4:] + junk)
    assert len(fingerprint.ja3s(answer)[0]) == 32
