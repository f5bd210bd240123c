"""Certificates that a log holds unread are judged as captured ones are."""

import base64
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from enricher.config import Config
from enricher.model.observation import Observation
from enricher.service.engine import Engine

DAY = datetime.timedelta(days=1)
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def certificate(subject: str, issuer: str, key: Any, signer: Any) -> bytes:
    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    made = (
        x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(NOON - DAY)
        .not_valid_after(NOON + 30 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
SELF_SIGNED = certificate("a.example", "a.example", KEY, KEY)
ISSUED = certificate("a.example", "Some CA", KEY, OTHER)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Config())


def judged(engine: Engine, **tls: Any) -> Observation:
    event = {
        "timestamp": "2026-03-01T12:00:00.000000+0000",
        "flow_id": 1,
        "event_type": "tls",
        "src_ip": "192.0.2.7",
        "src_port": 49678,
        "dest_ip": "198.51.100.9",
        "dest_port": 443,
        "proto": "TCP",
        "tls": {"sni": "a.example", "version": "TLS 1.2", "subject": "CN=a.example", **tls},
    }
    (found,) = engine.reader_for("suricata", "eve.json").feed(json.dumps(event).encode() + b"\n")
    assert type(found) is Observation
    return engine.judge(found, None)


def text(der: bytes) -> str:
    return base64.b64encode(der).decode()


def test_a_whole_chain_is_checked(engine: Engine) -> None:
    found = judged(engine, chain=[text(ISSUED)])
    assert found.validation_code == 20
    assert "untrusted_issuer" in (found.anomalies or ())
    assert (found.cert_key_length, found.cert_curve, found.sni_matches_cert) == (256, "prime256v1", True)


def test_a_leaf_alone_accuses_no_issuer_of_being_unknown(engine: Engine) -> None:
    found = judged(engine, certificate=text(ISSUED))
    assert (found.validation_code, found.validation_status) == (None, None)
    assert "untrusted_issuer" not in (found.anomalies or ())
    assert found.cert_key_length == 256


def test_a_self_signed_leaf_is_known_without_its_chain(engine: Engine) -> None:
    assert "self_signed" in (judged(engine, certificate=text(SELF_SIGNED)).anomalies or ())


def test_the_name_asked_for_is_compared_with_the_certificates(engine: Engine) -> None:
    assert "sni_mismatch" in (judged(engine, chain=[text(ISSUED)], sni="b.example").anomalies or ())


def test_a_cipher_has_its_name(engine: Engine) -> None:
    assert judged(engine, server_handshake={"cipher": 5}).cipher == "TLS_RSA_WITH_RC4_128_SHA"


def test_bytes_that_are_no_certificate_are_a_malformed_one(engine: Engine) -> None:
    found = judged(engine, chain=[text(b"no certificate")])
    assert "malformed_certificate" in (found.anomalies or ())
    assert found.cert_subject == "CN=a.example"


def test_without_certificate_nothing_is_made_up(engine: Engine, tmp_path: Path) -> None:
    found = judged(engine)
    assert (found.cert_key_type, found.validation_code, found.sni_matches_cert, found.cipher) == (None,) * 4
