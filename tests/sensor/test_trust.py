import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.errors import ConfigError
from enricher.sensor.certificate import Certificates
from enricher.sensor.trust import Trust, remembered
from enricher.sensor.validation import chain_failed


@pytest.fixture(scope="module")
def root(pki):
    return pki.authority()


@pytest.fixture(scope="module")
def middle(pki, root):
    return pki.authority("CN=Middle", by=root)


@pytest.fixture(scope="module")
def trust(root):
    return Trust.from_pem(root.pem)


def verdict(trust, pki, *chain, ts=None):
    return trust.path(tuple(one.der for one in chain)).at(pki.now if ts is None else ts)


def test_a_chain_to_a_trusted_root_is_ok_in_any_order(pki, trust, root, middle):
    leaf = pki.issue(by=middle)
    assert verdict(trust, pki, leaf, middle) == (0, "ok")
    assert verdict(trust, pki, leaf, root, middle) == (0, "ok")


def test_a_missing_intermediate_is_an_unknown_issuer(pki, trust, middle):
    code, status = verdict(trust, pki, pki.issue(by=middle))
    assert code in (20, 21)
    assert status in ("unable to get local issuer certificate", "unable to verify the first certificate")


def test_a_self_signed_certificate_is_code_18(pki, trust):
    assert verdict(trust, pki, pki.issue()) == (18, "self-signed certificate")


def test_a_private_authority_is_code_19_when_it_sends_its_root(pki, trust):
    private = pki.authority("CN=Private")
    assert verdict(trust, pki, pki.issue(by=private), private)[0] == 19


def test_equal_names_signed_by_another_key_are_no_self_signature(pki, trust):
    other = pki.issue("CN=www.example.com")
    leaf = pki.issue("CN=www.example.com", by=other)
    assert verdict(trust, pki, leaf)[0] == 20


def test_a_broken_self_signature_is_no_self_signature(pki, trust):
    der = pki.issue().der
    assert trust.path((der[:-1] + bytes([der[-1] ^ 1]),)).at(pki.now)[0] == 20


def test_a_forged_signature_under_a_trusted_name_is_not_trusted(pki, trust):
    forger = pki.authority("CN=Test Root")
    assert verdict(trust, pki, pki.issue(by=forger))[0] == 7


def test_a_forged_issuer_cannot_hide_behind_a_broken_extension(pki, trust):
    forged = pki.issue(by=pki.authority("CN=Test Root"), dns=("a.example",)).der
    broken = forged.replace(b"\x82\x09a.example", b"\x82\x0aa.example")
    assert broken != forged
    validation = trust.path((broken,)).at(pki.now)
    assert chain_failed(validation.code)


def test_a_leaf_that_issues_certificates_is_not_trusted(pki, trust, middle):
    leaf = pki.issue("CN=leaf", by=middle, ca=False)
    assert verdict(trust, pki, pki.issue(by=leaf), leaf, middle)[0] not in (0, 18)


def test_a_private_authority_in_the_bundle_is_trusted(pki, root):
    private = pki.authority("CN=Private")
    assert verdict(Trust.from_pem(root.pem + b"text\n" + private.pem), pki, pki.issue(by=private)) == (0, "ok")


def test_an_intermediate_alone_in_the_bundle_is_trusted(pki, middle):
    assert verdict(Trust.from_pem(middle.pem), pki, pki.issue(by=middle)) == (0, "ok")


def test_dates_change_the_status_and_never_the_code(pki, trust, middle):
    leaf = pki.issue(by=middle, start=0, days=10)
    at = [verdict(trust, pki, leaf, middle, ts=pki.now + day * 86400) for day in (-1, 1, 11)]
    assert at == [(0, "certificate is not yet valid"), (0, "ok"), (0, "certificate has expired")]


def test_an_expired_intermediate_expires_the_chain(pki, trust, root):
    middle = pki.authority("CN=Old", by=root, start=-100, days=50)
    assert verdict(trust, pki, pki.issue(by=middle), middle) == (0, "certificate has expired")


def test_an_expired_stranger_is_a_stranger(pki, trust):
    assert verdict(trust, pki, pki.issue(start=-30, days=2)) == (18, "self-signed certificate")


def test_small_keys_do_not_hide_who_vouches(pki):
    root = pki.authority("CN=Small", key=pki.weak_rsa)
    assert verdict(Trust.from_pem(root.pem), pki, pki.issue(by=root, key=pki.weak_rsa)) == (0, "ok")


def test_a_bundle_without_certificates_is_refused_with_its_name():
    with pytest.raises(ConfigError, match=r"corp\.pem: holds no certificate"):
        Trust.from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "corp.pem")


def test_one_unreadable_certificate_does_not_spoil_the_bundle(pki, root):
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert verdict(Trust.from_pem(broken + root.pem), pki, pki.issue(by=root)) == (0, "ok")


def test_without_a_trust_store_validation_is_unknown(pki):
    assert "validation_code" not in Certificates(None).facts((pki.issue().der,), None, pki.now)


def test_an_unreadable_leaf_has_no_validation_and_an_unreadable_issuer_is_left_out(pki, trust, middle):
    assert trust.path((b"junk", middle.der)) is None
    assert "validation_code" not in Certificates(trust).facts((b"junk",), None, pki.now)
    assert trust.path((pki.issue(by=middle).der, b"junk", middle.der)).at(pki.now) == (0, "ok")
    assert trust.path(()) is None


def test_facts_carry_the_verdict(pki, trust, middle):
    facts = Certificates(trust).facts((pki.issue(by=middle).der, middle.der), None, pki.now)
    assert (facts["validation_code"], facts["validation_status"]) == (0, "ok")


def test_what_many_chains_share_is_read_once_and_what_is_too_large_for_an_authority_each_time():
    read = []
    look = remembered(lambda der: read.append(der) or len(der))
    small, large = bytes(8192), bytes(8193)
    assert [look(small), look(small), look(large), look(large)] == [8192, 8192, 8193, 8193]
    assert read == [small, large, large]


def test_authorities_without_end_are_forgotten_again():
    read = []
    look = remembered(read.append)
    for number in (*range(200), 199, 0):
        look(bytes([number]))
    assert len(read) == 201


def test_a_way_is_as_long_valid_as_its_authorities_however_often_they_were_seen(pki, trust, root):
    brief = pki.authority("CN=Brief", by=root, start=-1, days=2)
    paths = [trust.path((pki.issue(by=brief).der, brief.der)) for _ in range(2)]
    assert [path.not_after for path in paths] == [pki.now + 86400] * 2


@pytest.fixture(scope="module")
def whole(pki, middle):
    return pki.issue(by=middle, dns=("a.example",)).der


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_change_to_a_certificate_gets_a_verdict_or_none(pki, trust, middle, whole, data):
    der = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, 299))] = data.draw(st.integers(0, 255))
    path = trust.path((bytes(der), middle.der))
    assert path is None or (isinstance(path.code, int) and path.at(pki.now).status.isprintable())
