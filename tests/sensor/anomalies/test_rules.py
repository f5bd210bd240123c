"""Each anomaly: what triggers it, what does not, and that what it needs being unknown is never abnormal."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from enricher.model.anomaly import ANOMALIES
from enricher.model.observation import Observation, Prevalence
from enricher.sensor.anomalies import judge
from enricher.sensor.lists import Lists
from enricher.sensor.thresholds import Thresholds

DAY = 86400.0
NOW = datetime(2025, 6, 1, tzinfo=UTC).timestamp()
JA3, JA4 = "a" * 32, "t13d1516h2_8daaf6152771_e5627efa2ab1"
SHA1, SHA256, CLIENT = "b" * 40, "c" * 64, "d" * 64
LISTS = Lists(
    fingerprints={"f" * 32: "a stealer", "t12d1516h2_000000000000_111111111111": "a loader"},
    certificates={"1" * 40: "a botnet", "2" * 64: "a panel", "3" * 64: "an implant"},
)

BARE = Observation(ts=NOW, uid="C", orig_h="10.0.0.1", orig_p=49152, resp_h="203.0.113.1", resp_p=443)
CLEAN = replace(
    BARE,
    version="TLSv12",
    cipher="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    server_name="www.example.com",
    established=True,
    ssl_history="CsxknGIti",
    client_hello_seen=True,
    ja3=JA3,
    ja4=JA4,
    cert_visible=True,
    cert_chain_fps=(SHA256,),
    cert_chain_sha1s=(SHA1,),
    client_cert_chain_fps=(CLIENT,),
    cert_version=3,
    cert_serial="01",
    cert_subject="CN=www.example.com",
    cert_issuer="CN=Public CA",
    cert_not_valid_before=NOW - 10 * DAY,
    cert_not_valid_after=NOW + 80 * DAY,
    cert_key_alg="rsaEncryption",
    cert_sig_alg="sha256WithRSAEncryption",
    cert_key_type="rsa",
    cert_key_length=2048,
    san_dns=("www.example.com",),
    basic_constraints_ca=False,
    validation_code=0,
    validation_status="ok",
    sni_matches_cert=True,
)


UNCHECKED = {"validation_code": None, "validation_status": None}


def lived(days: float, start: str = "2025-05-01", **more):
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp()
    return {"cert_not_valid_before": begin, "cert_not_valid_after": begin + days * DAY, **more}


def named(subject: str, issuer: str | None = None, **more):
    return {"cert_subject": subject, "cert_issuer": issuer or subject, **more}


MSF = "emailAddress=matrix@runolfsson.haley.schmidt.net,CN=runolfsson.haley.schmidt.net,OU=matrix"

ABNORMAL = [
    ("self_signed", {"validation_code": 18}, "signed by its own key: CN=www.example.com"),
    ("self_issued", named("CN=a", **UNCHECKED), "subject is issuer: CN=a"),
    *[
        ("untrusted_issuer", {"validation_code": code}, "CN=Public CA")
        for code in (2, 4, 6, 7, 19, 20, 21, 22, 24, 25, 26, 32, 34, 41, 47, 48, 51, 79, 999)
    ],
    ("expired", lived(30, "2025-01-01"), "expired 2025-01-31, 121 days before"),
    ("not_yet_valid", lived(80, "2025-06-02"), "valid from 2025-06-02, 24 hours later"),
    ("short_validity", lived(6, "2025-05-30", validation_code=20), "valid 6 days, untrusted"),
    ("short_validity", lived(1, "2025-06-01", validation_code=18), "valid 24 hours, untrusted"),
    ("short_validity", lived(6, "2025-05-30", **named("CN=a"), **UNCHECKED), "valid 6 days"),
    ("long_validity", lived(399), "valid 399 days, trusted, allowed 398"),
    ("long_validity", lived(201, "2026-03-15"), "allowed 200 (SC-081v3"),
    ("long_validity", lived(101, "2027-03-15"), "allowed 100"),
    ("long_validity", lived(48, "2029-03-15"), "allowed 47"),
    ("long_validity", lived(826, "2020-08-31"), "allowed 825"),
    ("long_validity", lived(1189, "2018-02-28"), "allowed 1188"),
    ("long_validity", lived(1828, "2013-01-01"), "allowed 1827"),
    ("long_validity", lived(3661, validation_code=20), "valid 3661 days, more than 3660"),
    ("long_validity", lived(36500, **UNCHECKED), "valid 36500 days"),
    ("sni_mismatch", {"sni_matches_cert": False}, "asked for www.example.com, got www.example.com"),
    ("weak_key", {"cert_key_length": 1024}, "rsa key of 1024 bits"),
    ("weak_key", {"cert_key_type": "dsa", "cert_key_length": 1024}, "dsa key of 1024 bits"),
    ("weak_key", {"cert_key_type": "RSA-PSS", "cert_key_length": 1024}, "RSA-PSS key of 1024 bits"),
    ("weak_key", {"cert_key_type": "ecdsa", "cert_key_length": 192}, "ecdsa key of 192 bits"),
    ("weak_signature", {"cert_sig_alg": "sha1WithRSAEncryption"}, "sha1WithRSAEncryption"),
    ("weak_signature", {"cert_sig_alg": "md5WithRSAEncryption"}, "md5"),
    ("weak_signature", {"cert_sig_alg": "ecdsa-with-SHA1"}, "ecdsa-with-SHA1"),
    ("leaf_is_ca", {"basic_constraints_ca": True}, "basic constraints say CA"),
    ("malformed_certificate", {"certificate_error": "certificate 1: ends too early"}, "certificate 1: ends too early"),
    ("malformed_certificate", lived(-1), "valid until 2025-04-30, before it is valid from 2025-05-01"),
    ("default_subject", named("O=Internet Widgits Pty Ltd,ST=Some-State,C=AU"), "O=Internet Widgits Pty Ltd"),
    ("default_subject", named("O=Default Company Ltd,L=Default City,C=XX"), "O=Default Company Ltd"),
    (
        "default_subject",
        named("C=Earth,ST=Cyberspace,L=Somewhere,O=cobaltstrike,OU=AdvancedPenTesting,CN=Major Cobalt Strike"),
        "Cobalt",
    ),
    ("default_subject", named("CN=P18055077,OU=Jethpro,O=Pajfds,L=Minnetonka,ST=Minnesota,C=US"), "P18055077"),
    ("default_subject", named("CN=AsyncRAT Server"), "CN=AsyncRAT Server"),
    ("default_subject", named("CN=example.com", "CN=Quasar Server CA"), "CN=Quasar Server CA"),
    (
        "default_subject",
        named(f"{MSF},O=Runolfsson\\, Haley and Schmidt,ST=MT,C=US"),
        "Metasploit",
    ),
    ("default_subject", named("CN=localhost", san_dns=None), "CN=localhost"),
    ("known_bad_certificate", {"cert_chain_sha1s": (SHA1, "1" * 40)}, "a botnet"),
    ("known_bad_certificate", {"cert_chain_fps": ("2" * 64,)}, "a panel"),
    ("known_bad_certificate", {"client_cert_chain_fps": ("3" * 64,)}, "an implant"),
    ("no_sni", {"server_name": None}, "no server name for 203.0.113.1"),
    *[("legacy_version", {"version": v}, v) for v in ("SSLv2", "SSLv3", "TLSv10", "TLSv11")],
    ("version_fallback", {"downgrade": "scsv"}, "RFC 7507"),
    ("version_fallback", {"downgrade": "sentinel"}, "RFC 8446"),
    *[
        ("weak_cipher", {"cipher": cipher}, cipher)
        for cipher in (
            "TLS_RSA_WITH_NULL_SHA256",
            "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
            "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA",
            "TLS_DH_ANON_WITH_AES_128_CBC_SHA",
            "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_KRB5_WITH_IDEA_CBC_MD5",
            "SSLv20_CK_RC2_128_CBC_WITH_MD5",
            "TLS_SHA256_SHA256",
        )
    ],
    ("handshake_failed", {"established": False, "last_alert": "unknown_ca"}, "alert unknown_ca"),
    ("handshake_failed", {"established": False}, "server answered"),
    ("unusual_port", {"resp_p": 6606}, "port 6606/tcp"),
    ("unusual_port", {"resp_p": 443, "proxy_target": "[2001:db8::1]:6606"}, "port 6606/tcp"),
    ("unusual_port", {"resp_p": 3128, "proxy_target": "no port:443x"}, "port 3128/tcp"),
    ("rare_fingerprint", {"prevalence": Prevalence(hosts=1, total_hosts=20)}, "on 1 of 20 hosts"),
    ("known_bad_fingerprint", {"ja3": "F" * 32}, "a stealer"),
    ("known_bad_fingerprint", {"ja4": "t12d1516h2_000000000000_111111111111"}, "a loader"),
    ("malformed_handshake", {"handshake_error": "ServerHello ends too early"}, "ServerHello ends too early"),
]

NORMAL = [
    ("self_signed", {"validation_code": 19}),
    ("self_signed", named("CN=a", validation_code=0)),
    ("self_issued", named("CN=a", validation_code=18)),
    ("self_issued", UNCHECKED),
    ("untrusted_issuer", {"validation_code": 18}),
    ("untrusted_issuer", {"validation_code": 10}),
    ("untrusted_issuer", {"validation_code": 1}),
    ("expired", lived(31, "2025-05-01")),
    ("not_yet_valid", lived(31, "2025-06-01")),
    ("short_validity", lived(6, "2025-05-30")),
    ("short_validity", lived(30, "2025-05-30", validation_code=20)),
    ("short_validity", lived(6, "2025-05-30", **UNCHECKED)),
    ("short_validity", lived(-6, validation_code=18)),
    ("long_validity", lived(398)),
    ("long_validity", lived(200, "2026-03-15")),
    ("long_validity", lived(825, "2020-08-31")),
    ("long_validity", lived(20000, "2012-06-30")),
    ("long_validity", lived(730, validation_code=20)),
    ("long_validity", lived(3653, validation_code=18)),
    ("sni_mismatch", {}),
    ("weak_key", {"cert_key_type": "ecdsa", "cert_key_length": 256}),
    ("weak_key", {"cert_key_type": "ED25519", "cert_key_length": 256}),
    ("weak_signature", {"cert_sig_alg": "rsassaPss"}),
    ("leaf_is_ca", {}),
    ("malformed_certificate", lived(0)),
    ("default_subject", named("CN=a,O=Internet Widgits Pty Ltd and Sons")),
    ("default_subject", named("CN=cobaltstrike,O=Major Cobalt Strike")),
    ("default_subject", named(f"{MSF},O=Example Inc,ST=MT,C=US")),
    ("default_subject", named(f"{MSF},O=Runolfsson Haley Schmidt,ST=MT,C=US", "CN=Public CA")),
    ("default_subject", named("CN=localhost", san_dns=("localhost",))),
    ("default_subject", named(r"CN=x\,CN=AsyncRAT Server")),
    ("known_bad_certificate", {}),
    ("no_sni", {"server_name": None, "version": "DTLSv12", "proto": "udp"}),
    ("no_sni", {"server_name": None, "version": None, "proto": "udp", "ja4": "dd2i020600_6a7d5ebe9983_e7e480e5a997"}),
    ("no_sni", {"server_name": None, "client_hello_seen": False}),
    ("legacy_version", {"version": "TLSv13"}),
    ("version_fallback", {}),
    ("weak_cipher", {"cipher": "TLS_AES_128_GCM_SHA256"}),
    ("weak_cipher", {"cipher": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"}),
    ("handshake_failed", {"last_alert": "close_notify"}),
    ("handshake_failed", {"established": False, "version": None, "cipher": None, "ssl_history": "C"}),
    ("unusual_port", {"resp_p": 993}),
    ("unusual_port", {"resp_p": 3128, "proxy_target": "example.org:443"}),
    ("unusual_port", {"resp_p": 50000, "client_hello_seen": False}),
    ("unusual_port", {"resp_p": 50000, "version": "DTLSv12", "proto": "udp"}),
    ("rare_fingerprint", {"prevalence": Prevalence(hosts=2, total_hosts=50)}),
    ("rare_fingerprint", {"prevalence": Prevalence(hosts=1, total_hosts=19)}),
    ("known_bad_fingerprint", {}),
    ("malformed_handshake", {}),
]

NEEDS = {
    "self_signed": "validation_code",
    "self_issued": "cert_subject",
    "untrusted_issuer": "validation_code",
    "expired": "cert_not_valid_after",
    "not_yet_valid": "cert_not_valid_before",
    "short_validity": "cert_not_valid_before",
    "long_validity": "cert_not_valid_after",
    "sni_mismatch": "sni_matches_cert",
    "weak_key": "cert_key_length",
    "weak_signature": "cert_sig_alg",
    "leaf_is_ca": "basic_constraints_ca",
    "malformed_certificate": "cert_not_valid_after",
    "default_subject": "cert_subject",
    "known_bad_certificate": None,
    "no_sni": "client_hello_seen",
    "legacy_version": "version",
    "version_fallback": "downgrade",
    "weak_cipher": "cipher",
    "handshake_failed": "established",
    "unusual_port": None,
    "rare_fingerprint": "ja4",
    "known_bad_fingerprint": None,
    "malformed_handshake": "handshake_error",
}
"""The fact without which the anomaly cannot be known; None: several, each tested as abnormal above."""


def judged(changes, thresholds=None):
    facts = {key: value for key, value in changes.items() if key != "prevalence"}
    result = judge(replace(CLEAN, **facts), thresholds or Thresholds(), LISTS, changes.get("prevalence"))
    return dict(zip(result.anomalies or (), result.anomaly_facts or (), strict=True))


def test_a_clean_session_has_no_anomaly():
    assert judged({}) == {}


@pytest.mark.parametrize(("name", "changes", "fact"), ABNORMAL)
def test_what_is_abnormal_is_told_with_its_fact(name, changes, fact):
    assert fact in judged(changes).get(name, "nothing")


@pytest.mark.parametrize(("name", "changes"), NORMAL)
def test_what_is_normal_is_not_told(name, changes):
    assert name not in judged(changes)


@pytest.mark.parametrize("name", ANOMALIES)
def test_what_is_unknown_is_not_abnormal(name):
    for wanted, changes, _ in ABNORMAL:
        if wanted == name and NEEDS[name] and "certificate_error" not in changes:
            assert name not in judged({**changes, NEEDS[name]: None, "validation_status": None})


def test_every_anomaly_is_tested_both_ways():
    assert {name for name, *_ in ABNORMAL} == {name for name, _ in NORMAL} == NEEDS.keys() == ANOMALIES.keys()


def test_an_invisible_certificate_has_no_certificate_anomaly():
    bare = judge(replace(BARE, cert_visible=False, version="TLSv13"), Thresholds(), LISTS, None)
    assert bare.anomalies == ()


def test_an_inherited_certificate_is_judged():
    assert "self_signed" in judged({"validation_code": 18, "cert_visible": False, "cert_inherited_from": "C0"})


@pytest.mark.parametrize(
    ("status", "code", "names"),
    [
        ("self signed certificate", 18, {"self_signed"}),
        ("self-signed certificate", 18, {"self_signed"}),
        ("self signed certificate in certificate chain", 19, {"untrusted_issuer"}),
        ("unable to get local issuer certificate", 20, {"untrusted_issuer"}),
        ("ok", 0, set()),
        ("certificate has expired", None, {"self_issued"}),
    ],
)
def test_a_validation_known_by_its_text_alone_gets_its_code(status, code, names):
    leaf = replace(CLEAN, validation_code=None, validation_status=status, cert_issuer=CLEAN.cert_subject)
    result = judge(leaf, Thresholds(), LISTS, None)
    assert (result.validation_code, set(result.anomalies or ())) == (code, names)


def test_a_private_authority_in_the_bundle_can_be_exempted_from_the_public_limits():
    assert judged(lived(730), Thresholds(public_validity_limits=False)) == {}
