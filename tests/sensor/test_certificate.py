from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.model.observation import Observation
from enricher.sensor.certificate import Certificates, CertificateSettings
from enricher.sensor.x509 import Certificate

SHA256_RSA = bytes.fromhex("2a864886f70d01010b")
SHA1_RSA = bytes.fromhex("2a864886f70d010105")


def facts_of(*chain, server_name=None, ts=1748736000.0, **how):
    return Certificates(None, CertificateSettings(**how)).facts(chain, server_name, ts)


def test_the_facts_are_fields_of_an_observation(pki):
    facts = facts_of(pki.issue(dns=("a.example",), ca=False).der, server_name="a.example")
    o = Observation(ts=0.0, uid="C", orig_h="10.0.0.1", orig_p=1, resp_h="10.0.0.2", resp_p=443, **facts)
    assert o.cert_subject == "CN=www.example.com"
    assert o.sni_matches_cert is True
    assert o.certificate_error is None
    assert o.validation_code is None


def test_an_empty_chain_has_no_facts():
    assert Certificates(None).facts((), "a.example", 0.0) == {}


def test_serial_version_dates_and_constraints_are_written_as_zeek_writes_them(pki):
    facts = facts_of(pki.issue(serial=0xABC, days=10, ca=True, path_length=3).der)
    assert facts["cert_serial"] == "0ABC"
    assert facts["cert_version"] == 3
    assert facts["cert_not_valid_before"] == datetime(2025, 5, 31, tzinfo=UTC).timestamp()
    assert facts["cert_not_valid_after"] == datetime(2025, 6, 10, tzinfo=UTC).timestamp()
    assert (facts["basic_constraints_ca"], facts["basic_constraints_path_len"]) == (True, 3)


def test_a_date_after_2049_is_a_generalized_time(pki):
    assert facts_of(pki.issue(days=40000).der)["cert_not_valid_after"] == pki.now + 39999 * 86400


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda p: {"key": p.rsa}, ("rsaEncryption", "sha256WithRSAEncryption", "rsa", 2048, "65537", None)),
        (
            lambda p: {"key": p.rsa, "padding": padding.PSS(padding.MGF1(hashes.SHA256()), 32)},
            ("rsaEncryption", "rsassaPss", "rsa", 2048, "65537", None),
        ),
        (lambda p: {}, ("id-ecPublicKey", "ecdsa-with-SHA256", "ecdsa", 256, None, "prime256v1")),
        (
            lambda p: {"key": ec.generate_private_key(ec.SECP521R1())},
            ("id-ecPublicKey", "ecdsa-with-SHA256", "ecdsa", 521, None, "secp521r1"),
        ),
        (
            lambda p: {"key": dsa.generate_private_key(1024)},
            ("dsaEncryption", "dsa_with_SHA256", "dsa", 1024, None, None),
        ),
        (
            lambda p: {"key": ed25519.Ed25519PrivateKey.generate(), "algorithm": None},
            ("ED25519", "ED25519", "ED25519", 256, None, None),
        ),
        (
            lambda p: {"key": ed448.Ed448PrivateKey.generate(), "algorithm": None},
            ("ED448", "ED448", "ED448", 456, None, None),
        ),
    ],
)
def test_keys_and_signatures_have_openssls_names(pki, make, expected):
    facts = facts_of(pki.issue(**make(pki)).der)
    names = ("cert_key_alg", "cert_sig_alg", "cert_key_type", "cert_key_length", "cert_exponent", "cert_curve")
    assert tuple(facts.get(name) for name in names) == expected
    assert facts["certificate_error"] is None


def test_remote_desktops_key_under_a_signature_algorithm_is_an_rsa_key(pki):
    rsa = bytes.fromhex("2a864886f70d010101")
    der = pki.issue(key=pki.rsa).der.replace(rsa, bytes.fromhex("2a864886f70d010104"))
    facts = facts_of(der)
    assert (facts["cert_key_alg"], facts["cert_key_type"]) == ("md5WithRSAEncryption", "rsa")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("C=DE,O=Example,CN=a", "C=DE,O=Example,CN=a"),
        ("CN=a+OU=b", "OU=b+CN=a"),
        (r"O=Tom \, Sons\; \<x\>\+\"\\", r"O=Tom \, Sons\; \<x\>\+\"\\"),
        (r"CN=\ a\ ", r"CN=\ a\ "),
        (r"CN=\#1 #2", r"CN=\#1 #2"),
        ("CN=Müller", r"CN=M\C3\BCller"),
        (r"CN=a\0A\1B[31m", r"CN=a\0A\1B[31m"),
        ("1.2.3.4=x", "1.2.3.4=#0C0178"),
        ("2.5.4.97=VATDE-1", "organizationIdentifier=VATDE-1"),
    ],
)
def test_names_are_rfc_2253_with_openssls_escapes(pki, subject, text):
    facts = facts_of(pki.issue(subject).der)
    assert (facts["cert_subject"], facts["cert_issuer"]) == (text, text)


@pytest.mark.parametrize(
    ("old", "new", "error", "field", "value"),
    [
        ("a003020102", "a003020107", "version: 8 does not exist", "cert_version", None),
        ("020f7f00", "020fff00", "serial number: negative", "cert_serial", "-FFFFFFFFFFFFFFFFFFFFFFFFFF55"),
        (
            b"250531000000Z".hex(),
            b"251331000000Z".hex(),
            "not_valid_before: is no date that exists",
            "cert_not_valid_before",
            None,
        ),
        (b"250531000000Z".hex(), b"25053100000xZ".hex(), "not_valid_before: is no time", "cert_not_valid_before", None),
        (
            b"www.example".hex(),
            b"www\xff\xfexample".hex(),
            "CN does not decode",
            "cert_subject",
            r"CN=www\FF\FExample.com",
        ),
        (b"www.example".hex(), b"www\0example".hex(), "CN has a NUL", "cert_subject", r"CN=www\00example.com"),
        ("06072a8648ce3d0201", "06072a8648ce3d027f", None, "cert_key_alg", "1.2.840.10045.2.127"),
        ("06082a8648ce3d030107", "06082a8648ce3d03017f", None, "cert_curve", None),
    ],
)
def test_a_flawed_certificate_yields_the_rest_and_says_what_is_wrong(pki, old, new, error, field, value):
    good = pki.issue().der
    bad = good.replace(bytes.fromhex(old), bytes.fromhex(new))
    assert bad != good
    facts = facts_of(bad)
    assert facts.get(field) == value
    assert facts["cert_not_valid_after"] == datetime(2026, 5, 31, tzinfo=UTC).timestamp()
    assert facts["certificate_error"] is None if error is None else error in facts["certificate_error"]


def test_algorithms_that_contradict_each_other_are_malformed(pki):
    der = pki.issue(key=pki.rsa).der.replace(SHA256_RSA, SHA1_RSA, 1)
    assert "another than the outer one" in facts_of(der)["certificate_error"]
    assert facts_of(der)["cert_sig_alg"] == "sha256WithRSAEncryption"


def test_bytes_after_a_certificate_are_malformed_and_its_facts_are_read(pki):
    facts = facts_of(pki.issue().der + b"\0\0")
    assert facts["certificate_error"] == "certificate 0: 2 bytes follow it"
    assert facts["cert_subject"] == "CN=www.example.com"


def test_a_certificate_cut_short_yields_what_is_there(pki):
    der = pki.issue().der
    facts = facts_of(der[:-40])
    assert facts["certificate_error"] == "certificate 0: its last 40 bytes are missing"
    assert (facts["cert_subject"], facts["cert_sig_alg"]) == ("CN=www.example.com", "ecdsa-with-SHA256")
    assert facts_of(der[:120])["cert_issuer"] == "CN=www.example.com"


def test_the_error_names_the_certificate_of_the_chain(pki):
    assert facts_of(pki.issue().der, b"\x30\x03abc")["certificate_error"].startswith("certificate 1: ")


def test_an_oversized_certificate_is_hashed_only(pki):
    facts = facts_of(pki.issue().der, max_certificate_bytes=100)
    assert "more than are read" in facts["certificate_error"]
    assert len(facts["cert_chain_fps"][0]) == 64
    assert "cert_subject" not in facts


def test_a_long_chain_is_read_up_to_its_bound(pki):
    facts = facts_of(*[pki.issue().der] * 30, max_chain_length=5)
    assert len(facts["cert_chain_fps"]) == len(facts["cert_chain_sha1s"]) == 5
    assert facts["certificate_error"] == "chain: 5 of 30 certificates were read"


def test_the_cache_is_bounded_and_gives_the_same_facts(pki):
    chains = [(pki.issue(f"CN=h{n}").der,) for n in range(4)]
    room = sum(len(der) for (der,) in chains[2:]) + 100
    certificates = Certificates(None, CertificateSettings(max_cached_bytes=room))
    first = [certificates.facts(chain, None, 0.0) for chain in chains]
    assert [certificates.facts(chain, None, 0.0) for chain in chains] == first
    assert len(certificates._chains) == 2


@pytest.mark.parametrize(
    ("dns", "ips", "server_name", "matches"),
    [
        (("a.example",), (), "A.EXAMPLE.", True),
        (("a.example",), (), "b.example", False),
        (("*.b.example",), (), "a.b.example", True),
        (("*.b.example",), (), "b.example", False),
        (("*.b.example",), (), "x.a.b.example", False),
        (("*.example",), (), "a.example", False),
        (("a.*.example",), (), "a.b.example", False),
        (("w*.b.example",), (), "www.b.example", True),
        (("xn--mller-kva.example",), (), "xn--mller-kva.example", True),
        (("a.example",), ("192.0.2.1", "2001:db8::1"), "192.0.2.1", True),
        (("a.example",), ("2001:db8::1",), "2001:0db8:0::1", True),
        (("*.0.2.1",), (), "192.0.2.1", False),
        (("a.example",), ("192.0.2.1",), "192.0.2.2", False),
        ((), (), "www.example.com", True),
        ((), (), "a.example", False),
        (("a.example",), (), "www.example.com", False),
        (("a.example",), (), None, None),
    ],
)
def test_server_names_match_as_zeek_and_rfc_6125_say(pki, dns, ips, server_name, matches):
    facts = facts_of(pki.issue(dns=dns, ips=ips).der, server_name=server_name)
    assert facts.get("sni_matches_cert") is matches


def test_a_common_name_in_letters_beyond_ascii_matches_its_a_label(pki):
    assert facts_of(pki.issue("CN=müller.example").der, server_name="xn--mller-kva.example")["sni_matches_cert"] is True


def test_names_beyond_the_bound_leave_a_mismatch_unknown(pki):
    der = pki.issue(dns=("a.example", "b.example", "c.example")).der
    assert facts_of(der, server_name="a.example", max_names=2)["sni_matches_cert"] is True
    assert facts_of(der, server_name="c.example", max_names=2)["sni_matches_cert"] is None
    assert facts_of(der, server_name="x.example", max_names=3)["sni_matches_cert"] is False


def test_an_unreadable_certificate_leaves_the_match_unknown():
    assert facts_of(b"junk", server_name="a.example")["sni_matches_cert"] is None


def test_alternative_names_are_free_of_control_characters(pki):
    der = pki.issue(dns=("a.example\\evil",)).der.replace(b"a.example", b"a.\x1b\xffample")
    assert facts_of(der)["san_dns"] == (r"a.\x1b\xffample\x5cevil",)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=4), st.none() | st.text(max_size=30), st.floats())
def test_any_bytes_are_a_chain(chain, server_name, ts):
    facts = Certificates(None).facts(tuple(chain), server_name, ts)
    assert ("certificate_error" in facts) is bool(chain)


@pytest.fixture(scope="module")
def whole(pki):
    return pki.issue("CN=www.example.com,O=x", dns=("a.example",), ips=("192.0.2.1",), ca=False).der


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_change_to_a_certificate_is_survived_without_control_characters(whole, data):
    der = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, 299))] = data.draw(st.integers(0, 255))
    facts = Certificate(bytes(der[: data.draw(st.integers(0, 400))]), 500).facts
    texts = [v for v in facts.values() if isinstance(v, str)] + list(facts.get("san_dns") or ())
    assert all(0x20 <= ord(character) < 0x7F for text in texts for character in text)
