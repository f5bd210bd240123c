"""Certificates that break parsers: crafted byte by byte, or made by OpenSSL where it is installed."""

import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor import distinguished_name
from enricher.sensor.asn1 import Cursor
from enricher.sensor.x509 import Certificate

OPENSSL = shutil.which("openssl")
COMMON_NAME, SAN = bytes.fromhex("0603550403"), bytes.fromhex("0603551d11")


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + (length if size < 65536 else b"\x83" + size.to_bytes(3, "big")) + body


def name(value, tag=0x0C):
    return der(0x30, der(0x31, der(0x30, COMMON_NAME, der(tag, value))))


def alternative(*names):
    return der(0xA3, der(0x30, der(0x30, SAN, der(0x04, der(0x30, *names)))))


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_of(algorithm, parameters=b"", key=b"\0\4"):
    return der(0x30, der(0x30, algorithm, parameters), der(0x03, key))


EC, DSA = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce380401")
PLAIN = spki(ec.derive_private_key(7, ec.SECP256R1()))


SUBJECT = name(b"a.example")


def craft(
    serial=b"\1",
    subject=SUBJECT,
    start=(0x17, b"250101000000Z"),
    end=(0x17, b"260101000000Z"),
    key=PLAIN,
    extensions=b"",
):
    """A certificate of these parts, with a signature that is none."""
    algorithm = der(0x30, bytes.fromhex("06082a8648ce3d040302"))
    validity = der(0x30, der(*start), der(*end))
    version = der(0xA0, der(0x02, b"\2"))
    signed = der(0x30, version, der(0x02, serial), algorithm, name(b"issuer"), validity, subject, key, extensions)
    return der(0x30, signed, algorithm, der(0x03, b"\0sig"))


def read(certificate):
    found = Certificate(certificate, 500)
    return found.facts, found.flaw


def test_the_crafted_certificate_has_no_flaw_by_itself():
    facts, flaw = read(craft())
    assert flaw is None
    assert facts["cert_subject"] == "CN=a.example"
    assert (facts["cert_key_type"], facts["cert_key_length"]) == ("ecdsa", 256)


@pytest.mark.parametrize(
    ("joint", "parts"), [("+", lambda one: der(0x31, one * 4000)), (",", lambda one: der(0x31, one) * 4000)]
)
def test_of_a_name_of_absurdly_many_parts_those_are_read_that_are_told(joint, parts, monkeypatch):
    seen = []
    monkeypatch.setattr(distinguished_name, "Cursor", lambda data: seen.append(data) or Cursor(data))
    name = distinguished_name.read(parts(der(0x30, COMMON_NAME, der(0x0C, b"a"))))
    assert name.text == (f"CN=a{joint}" * 500)[:2047]
    assert (name.common_name, name.flaw) == ("a", None)
    assert len(seen) < 2000


def test_of_several_common_names_the_last_one_counts_and_of_several_flaws_the_first():
    one = [der(0x31, der(0x30, COMMON_NAME, der(0x0C, value))) for value in (b"\xff", b"b\0", b"c", b"d")]
    name = distinguished_name.read(b"".join(one))
    assert (name.common_name, name.flaw) == ("d", "CN does not decode")


def test_of_absurdly_many_extensions_the_first_are_read_and_nothing_is_claimed_of_the_names():
    many = [der(0x30, der(0x06, bytes([0x2A, 3, number >> 6, number & 63])), der(0x04)) for number in range(300)]
    san = der(0x30, SAN, der(0x04, der(0x30, der(0x82, b"a.example"))))
    for extensions in ([*many, san], [san, *many]):
        found = Certificate(craft(extensions=der(0xA3, der(0x30, *extensions))), 500)
        assert found.flaw == "extensions: more than 200"
        assert not found.names_complete
    assert found.facts["san_dns"] == ("a.example",)


@pytest.mark.parametrize(
    ("tag", "text", "seconds"),
    [
        (0x17, b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC).timestamp()),
        (0x17, b"690101000000Z", datetime(1969, 1, 1, tzinfo=UTC).timestamp()),
        (0x17, b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()),
        (0x17, b"2501010000Z", datetime(2025, 1, 1, tzinfo=UTC).timestamp()),
        (0x17, b"250101000000+0100", datetime(2024, 12, 31, 23, tzinfo=UTC).timestamp()),
        (0x18, b"19500101000000Z", datetime(1950, 1, 1, tzinfo=UTC).timestamp()),
        (0x18, b"20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC).timestamp()),
        (0x18, b"99991231235959Z", 253402300799.0),
        (0x18, b"00010101000000Z", -62135596800.0),
        (0x18, b"20250101000000.999Z", datetime(2025, 1, 1, tzinfo=UTC).timestamp()),
        (0x18, b"20250101020000-0230", datetime(2025, 1, 1, 4, 30, tzinfo=UTC).timestamp()),
        (0x18, b"202501010000Z", datetime(2025, 1, 1, tzinfo=UTC).timestamp()),
        (0x18, b"20161231235960Z", datetime(2017, 1, 1, tzinfo=UTC).timestamp()),
        (0x18, b"20250101000000", None),
        (0x18, b"20250230000000Z", None),
        (0x18, b"20250101240000Z", None),
        (0x18, b"00000101000000Z", None),
        (0x18, b"2025010100000\xb2Z", None),
        (0x17, b"", None),
        (0x0C, b"250101000000Z", None),
    ],
)
def test_dates_of_any_form_are_read_or_said_to_be_none(tag, text, seconds):
    facts, flaw = read(craft(start=(tag, text)))
    assert facts.get("cert_not_valid_before") == seconds
    assert (flaw is None) is (seconds is not None)
    assert facts["cert_not_valid_after"] == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert facts["cert_subject"] == "CN=a.example"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (spki(x25519.X25519PrivateKey.generate()), ("X25519", "X25519", 253, None)),
        (spki(x448.X448PrivateKey.generate()), ("X448", "X448", 448, None)),
        (key_of(bytes.fromhex("06032a0304")), ("1.2.3.4", None, None, None)),
        (key_of(bytes.fromhex("06082a85030701010101")), ("GOST R 34.10-2012 with 256 bit modulus", None, None, None)),
        (key_of(EC, bytes.fromhex("06082a811ccf5501822d")), ("id-ecPublicKey", "ecdsa", 256, "SM2")),
        (key_of(EC, bytes.fromhex("06052b81040004")), ("id-ecPublicKey", "ecdsa", 113, "sect113r1")),
        (key_of(EC, bytes.fromhex("06032a0304")), ("id-ecPublicKey", "ecdsa", None, None)),
        (key_of(DSA), ("dsaEncryption", "dsa", None, None)),
        (spki(dsa.generate_private_key(1024)), ("dsaEncryption", "dsa", 1024, None)),
    ],
)
def test_keys_of_any_kind_are_named_and_no_flaw(key, expected):
    facts, flaw = read(craft(key=key))
    names = ("cert_key_alg", "cert_key_type", "cert_key_length", "cert_curve")
    assert tuple(facts.get(name) for name in names) == expected
    assert flaw is None


RSA = bytes.fromhex("06092a864886f70d010101")
PRIME = der(0x30, bytes.fromhex("06072a8648ce3d0101"), der(0x02, b"\x17"))
EXPLICIT = der(
    0x30, der(0x02, b"\1"), PRIME, der(0x30, der(4, b"\1"), der(4, b"\1")), der(4, b"\2ab"), der(0x02, b"\x01\xff")
)


@pytest.mark.parametrize(
    ("key", "flaw", "length"),
    [
        (key_of(EC, EXPLICIT), "curve is described, not named", 9),
        (key_of(EC, EXPLICIT[:2]), "public key: ", None),
        (key_of(EC, b"\5\0"), "curve is not named", None),
        (key_of(EC), "curve is not named", None),
        (key_of(RSA, b"\5\0", b"\0" + der(0x30, der(2, b"\0"), der(2, b"\3"))), "modulus is not positive", None),
        (key_of(RSA, b"\5\0", b"\0" + der(0x30, der(2, b"\x80"), der(2, b"\3"))), "modulus is not positive", None),
        (key_of(RSA, b"\5\0", b"\3" + der(0x30, der(2, b"\3"))), "not made of whole bytes", None),
        (key_of(RSA, b"\5\0", b"\0" + der(0x30, der(2, bytes(5000) + b"\1"), der(2, b"\3"))), "integer of 5001", None),
        (key_of(RSA, b"\5\0", b"\0" + der(0x30, der(2, b"\1" * 128), der(2, b"\1" * 1500))), "exponent of 1500", 1017),
        (key_of(DSA, der(0x30, b"\2\0")), "integer of 0 bytes", None),
    ],
)
def test_keys_that_are_none_say_why_and_spoil_nothing_else(key, flaw, length):
    facts, found = read(craft(key=key))
    assert flaw in found
    assert facts.get("cert_key_length") == length
    assert (facts["cert_subject"], facts["cert_sig_alg"]) == ("CN=a.example", "ecdsa-with-SHA256")


@pytest.mark.parametrize(
    ("subject", "text", "flaw"),
    [
        (name(b"M\xfcller", 0x14), r"CN=M\C3\BCller", None),
        (name("Müller".encode("utf-16-be"), 0x1E), r"CN=M\C3\BCller", None),
        (name("a😀".encode("utf-32-be"), 0x1C), r"CN=a\F0\9F\98\80", None),
        (name(b"odd", 0x1E), "CN=odd", "CN does not decode"),
        (name(b"\xd8\x00", 0x1E), r"CN=\D8\00", "CN does not decode"),
        (name(b"\0\x11\0\0", 0x1C), r"CN=\00\11\00\00", "CN does not decode"),
        (name(b"a\xc0\x80b"), r"CN=a\C0\80b", "CN does not decode"),
        (name(b"bank.example\0.evil.example"), r"CN=bank.example\00.evil.example", "CN has a NUL"),
        (name(b"\3\1", 0x03), "CN=#03020301", "CN does not decode"),
        (name(b""), "CN=", None),
        (der(0x30), "", None),
        (der(0x30, der(0x31)), "", None),
    ],
)
def test_names_in_any_encoding_are_told_without_a_character_that_acts(subject, text, flaw):
    facts, found = read(craft(subject=subject))
    assert (facts["cert_subject"], facts["cert_subject"].isprintable()) == (text, True)
    assert found == (flaw and f"subject: {flaw}")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (b"bank.example\0.evil.example", r"bank.example\x00.evil.example"),
        ("bücher.example".encode(), r"b\xc3\xbccher.example"),
        (b"a\x1b[2J", r"a\x1b[2J"),
    ],
)
def test_an_alternative_name_that_is_no_host_name_is_malformed(host, text):
    facts, flaw = read(craft(extensions=alternative(der(0x82, b"a.example"), der(0x82, host))))
    assert facts["san_dns"] == ("a.example", text)
    assert flaw == f"subject alternative name: {text} is no host name"


def test_serial_numbers_that_are_none_are_malformed():
    for serial, text in ((b"\xff", "-01"), (b"\x80" + bytes(19), "-80" + "00" * 19), (b"\0", "00"), (b"", None)):
        facts, flaw = read(craft(serial=serial))
        assert facts.get("cert_serial") == text
        assert (flaw is None) is (serial == b"\0")


def test_what_is_nested_or_repeated_absurdly_costs_neither_stack_nor_facts():
    deep = b""
    for _ in range(5000):
        deep = der(0x30, deep)
    facts, flaw = read(craft(subject=deep))
    assert flaw.startswith("subject: ")
    assert facts["cert_key_length"] == 256
    many = der(0x30, *[der(0x31, der(0x30, COMMON_NAME, der(0x0C, b"x")))] * 4000)
    facts, flaw = read(craft(subject=many))
    assert len(facts["cert_subject"]) == 2047
    assert flaw is None
    hosts = [der(0x82, b"%d.example" % i) for i in range(4000)]
    facts, flaw = read(craft(extensions=alternative(*hosts)))
    assert len(facts["san_dns"]) == 500


@settings(max_examples=200, deadline=None)
@given(part=st.sampled_from(["subject", "key", "extensions"]), junk=st.binary(max_size=60), tag=st.integers(0, 255))
def test_junk_in_one_part_leaves_the_others_readable(part, junk, tag):
    facts, _ = read(craft(**{part: der(tag, junk)}))
    assert facts["cert_issuer"] == "CN=issuer"
    assert facts["cert_serial"] == "01"
    assert facts["cert_not_valid_before"] == datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    assert facts["cert_sig_alg"] == "ecdsa-with-SHA256"


def openssl(*arguments, given=b""):
    return subprocess.run([OPENSSL, *arguments], input=given, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
@pytest.mark.parametrize("form", ["named_curve", "explicit"])
@pytest.mark.parametrize("curve", ["secp112r1", "secp160k1", "sect239k1", "c2pnb176v1", "brainpoolP320t1", "SM2"])
def test_odd_curves_have_the_name_and_length_that_openssl_gives_them(curve, form):
    if curve not in openssl("ecparam", "-list_curves").decode():
        pytest.skip("this openssl was built without the curve")
    key = openssl("ecparam", "-name", curve, "-genkey", "-noout", "-param_enc", form)
    certificate = openssl("req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", "-outform", "DER", given=key)
    text = openssl("x509", "-inform", "DER", "-noout", "-text", given=certificate).decode()
    facts, flaw = read(certificate)
    assert facts["cert_key_length"] == int(re.search(r"Public-Key: \((\d+) bit", text)[1])
    named = re.search(r"ASN1 OID: (\S+)", text)
    assert facts.get("cert_curve") == (named and named[1])
    assert (flaw is None) is (form == "named_curve")


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
def test_an_rsa_pss_key_is_told_apart_from_rsa():
    pss = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
    certificate = openssl("req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", "-outform", "DER", given=pss)
    facts, flaw = read(certificate)
    assert flaw is None
    assert (facts["cert_key_alg"], facts["cert_key_length"]) == ("rsassaPss", 2048)
    assert facts["cert_key_type"] != read(craft(key=spki(rsa.generate_private_key(65537, 1024))))[0]["cert_key_type"]
