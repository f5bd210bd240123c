"""Certificates made on the spot, so that each test says what is odd about its own."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

NOW = datetime(2025, 6, 1, tzinfo=UTC)


class Issued(NamedTuple):
    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


class Pki:
    """Issues certificates valid from a day before `now` unless told otherwise."""

    now = NOW.timestamp()

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.weak_rsa = rsa.generate_private_key(65537, 1024)

    @staticmethod
    def name(text: str) -> x509.Name:
        return x509.Name.from_rfc4514_string(text)

    def issue(
        self,
        subject: str = "CN=www.example.com",
        *,
        by: Issued | None = None,
        issuer: str | None = None,
        key: Any = None,
        start: float = -1,
        days: float = 365,
        dns: tuple[str, ...] = (),
        ips: tuple[str, ...] = (),
        ca: bool | None = None,
        path_length: int | None = None,
        algorithm: Any = "default",
        padding: Any = None,
        serial: int = 0x7F00000000000000000000000000AB,
    ) -> Issued:
        key = key or ec.generate_private_key(ec.SECP256R1())
        begin = NOW + timedelta(days=start)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name(subject))
            .issuer_name(self.name(issuer) if issuer else by.certificate.subject if by else self.name(subject))
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=days))
        )
        names = [*map(x509.DNSName, dns), *(x509.IPAddress(ip_address(ip)) for ip in ips)]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        algorithm = hashes.SHA256() if algorithm == "default" else algorithm
        extra = {"rsa_padding": padding} if padding else {}
        return Issued(builder.sign(by.key if by else key, algorithm, **extra), key)

    def authority(self, subject: str = "CN=Test Root", *, by: Issued | None = None, **how: Any) -> Issued:
        return self.issue(subject, by=by, ca=True, **{"start": -1000, "days": 4000, **how})


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()
