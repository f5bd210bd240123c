"""Certificate messages, and what stands in their place."""

import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor import negotiation
from enricher.sensor.certificate_message import CertificateMessage, certificates, decompress, key_facts


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def compressed(message, algorithm=1, length=None, packed=None):
    packed = zlib.compress(message) if packed is None else packed
    size = len(message) if length is None else length
    return algorithm.to_bytes(2, "big") + size.to_bytes(3, "big") + len(packed).to_bytes(3, "big") + packed


def test_a_certificate_message_gives_the_chain(wire):
    assert certificates(wire.certificate(b"leaf", b"issuer")[4:], []) == ((b"leaf", b"issuer"), None, None)
    assert certificates(wire.certificate()[4:], []) == CertificateMessage()


def test_a_certificate_message_cut_short_gives_the_certificates_that_are_whole(wire):
    body = wire.certificate(b"leaf", b"issuer")[4:]
    found = certificates(body[:-2], [])
    assert found.chain == (b"leaf",)
    assert found.error == "Certificate, byte 0: list of 16 bytes in a message with room for 14"
    assert certificates(b"", []).chain == ()


def test_a_raw_public_key_is_no_malformed_certificate(wire):
    key = spki(ec.generate_private_key(ec.SECP256R1()))
    flights = wire.full()
    raw = wire.message(11, wire.vector(3, key))
    flights[1] = ("s", wire.record(wire.server_hello() + raw + wire.key_exchange + wire.message(14)))
    seen = wire.observe(flights)
    assert (seen.cert_key_type, seen.cert_key_length, seen.cert_curve) == ("ecdsa", 256, "prime256v1")
    assert (seen.cert_chain_fps, seen.certificate_error, seen.handshake_error) == (None, None, None)
    assert (seen.cert_visible, seen.established, seen.ssl_history) == (False, True, "CsxknGIi")


def test_a_raw_public_key_tells_what_a_certificates_key_tells():
    rsa_key = spki(rsa.generate_private_key(65537, 1024))
    assert key_facts(rsa_key) == {
        "cert_key_alg": "rsaEncryption",
        "cert_key_type": "rsa",
        "cert_key_length": 1024,
        "cert_exponent": "65537",
    }
    assert key_facts(spki(ed25519.Ed25519PrivateKey.generate()))["cert_key_type"] == "ED25519"
    assert key_facts(rsa_key[:40])["certificate_error"].startswith("raw public key: ")


def test_a_hash_in_the_chains_place_is_one_only_where_that_was_agreed(wire):
    cached = wire.message(11, wire.vector(1, bytes(32)))
    rest = cached + wire.key_exchange + wire.message(14)
    for extensions, error in ([(wire.extension(25, b"\0\1\1"),), False], [(), True]):
        flights = wire.full()
        flights[1] = ("s", wire.record(wire.server_hello(extensions=extensions) + rest))
        seen = wire.observe(flights)
        assert (seen.certificate_error is not None) is error
        assert seen.established is True


def test_a_compressed_chain_that_lies_is_decompressed_once(wire, monkeypatch):
    seen = []
    monkeypatch.setattr(negotiation, "decompress", lambda body: seen.append(body) or decompress(body))
    lie = wire.message(25, compressed(b"x" * 99, length=50))
    flights = wire.full()
    flights[1] = "s", wire.record(wire.server_hello() + lie * 50 + wire.message(14))
    assert "promises 50 bytes" in wire.observe(flights).certificate_error
    assert len(seen) == 1


def test_a_compressed_chain_is_read(wire):
    flights = wire.full()
    message = wire.message(25, compressed(wire.certificate(b"leaf", b"issuer")[4:]))
    flights[1] = ("s", wire.record(wire.server_hello() + message + wire.key_exchange + wire.message(14)))
    assert wire.observe(flights).cert_chain_fps == wire.observe(wire.full()).cert_chain_fps


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (compressed(b"x" * 99, algorithm=2), None),
        (compressed(b"x", length=(1 << 20) + 1), None),
        (compressed(b"x" * 99, length=50), "promises 50 bytes and holds 51"),
        (compressed(b"x" * 99, length=100), "promises 100 bytes and holds 99"),
        (compressed(b"x" * (1 << 24), length=1000), "promises 1000 bytes and holds 1001"),
        (compressed(b"x", packed=b"junk"), "does not decompress"),
        (b"\0\1\0", "uncompressed length needs 3 bytes"),
    ],
)
def test_what_cannot_be_decompressed_says_why_and_costs_nothing(body, error):
    message, found = decompress(body)
    assert message is None
    assert found is None if error is None else error in found


@given(junk=st.binary(max_size=200), extensions=st.sampled_from([[], [25]]))
def test_any_bytes_are_read_without_a_crash(junk, extensions):
    for body in (junk, b"\0\0" + bytes([len(junk)]) + junk, b"\0\0" + bytes([len(junk) + 1]) + b"\x30" + junk):
        found = certificates(body, extensions)
        assert sum(map(len, found.chain)) <= len(body)
    message, _ = decompress(compressed(junk))
    assert message == junk
    decompress(junk)
    key_facts(junk)
