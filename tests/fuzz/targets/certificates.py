"""Certificates: chains, the DER under them, and names."""

import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

import seeds
from enricher.model.observation import Observation
from enricher.sensor import asn1, distinguished_name
from enricher.sensor.certificate import Certificates, CertificateSettings
from enricher.sensor.trust import Trust
from targets._target import Script, Target

_FIELDS = set(Observation.__struct_fields__)
_PRINTABLE = re.compile(r"[ -~]*")
_SETTINGS = CertificateSettings(max_chain_length=4, max_certificate_bytes=8_000, max_names=20)


@cache
def _trust():
    return Trust.from_pem((Path(__file__).resolve().parents[3] / "pcaps" / "ca.pem").read_bytes())


def check_chain(data):
    """Whatever a server sends as its chain has facts, the same ones again, and all of it can be written."""
    script = Script(data)
    chain = []
    while script:
        chain.append(script.blob())
    chain = tuple(filter(None, chain))
    certificates = Certificates(_trust(), _SETTINGS)
    facts = certificates.facts(chain, "www.example.org", 1.8e9)
    assert facts == certificates.facts(chain, "www.example.org", 1.8e9)
    assert facts.keys() <= _FIELDS
    assert len(facts.get("san_dns") or ()) + len(facts.get("san_ip") or ()) <= _SETTINGS.max_names
    assert len(facts.get("cert_chain_fps") or ()) <= _SETTINGS.max_chain_length
    for name in ("cert_subject", "cert_issuer", "cert_serial", "certificate_error"):
        assert _PRINTABLE.fullmatch(facts.get(name) or "")
    observation = Observation(ts=1.0, uid="C", orig_h="192.0.2.1", orig_p=1, resp_h="192.0.2.2", resp_p=2, **facts)
    assert msgspec.json.decode(msgspec.json.encode(observation), type=Observation) == observation


def check_der(data, depth=0):
    """Elements are the bytes they were made of, one after the other."""
    cursor = asn1.Cursor(data)
    read = b""
    with suppress(asn1.Malformed):
        for element in cursor:
            read += element.whole
            assert element.whole.endswith(element.body)
            if depth < 8:
                check_der(element.body, depth + 1)
            for value in (asn1.integer, asn1.oid, asn1.bits):
                with suppress(asn1.Malformed):
                    value(element.body)
    assert data.startswith(read)
    if not cursor.left:
        assert read == data


def check_name(data):
    """A name becomes printable text of bounded length."""
    try:
        name = distinguished_name.read(data)
    except asn1.Malformed:
        return
    assert _PRINTABLE.fullmatch(name.text)
    assert len(name.text) <= 2047
    distinguished_name.attributes(name.text)


def _chains():
    for chain in seeds.chains():
        yield b"".join(len(der).to_bytes(2, "big") + der for der in chain)


def _ders():
    return [der for chain in seeds.chains() for der in chain]


def _names():
    for der in _ders():
        with suppress(asn1.Malformed):  # a seed may be one of the captures' broken certificates
            for element in asn1.Cursor(asn1.Cursor(asn1.Cursor(der).next().body).next().body):
                if element.tag == asn1.SEQUENCE and element.body[:1] == bytes([asn1.SET]):
                    yield element.body


TARGETS = (
    Target("certificate", check_chain, _chains),
    Target("der", check_der, _ders),
    Target("name", check_name, _names),
)
