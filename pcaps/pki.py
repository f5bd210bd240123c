"""Keys and certificates of the captures, good ones and every abnormal kind. Private keys stay in the work directory."""

import datetime as dt
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Pki:
    """Issues into `work`: NAME.pem (leaf first, then its intermediates) and NAME.key."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.root = self._authority("Corp Example Root CA", None)
        self.issuing = self._authority("Corp Example Issuing CA 1", self.root)
        self.unknown = self._authority("Backoffice Internal CA", None)
        (work / "ca.pem").write_bytes(_pem(self.root[0]))
        (work / "issuing.pem").write_bytes(_pem(self.issuing[0]))

    def _authority(self, name: str, parent: tuple[x509.Certificate, Key] | None) -> tuple[x509.Certificate, Key]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name, "Corp Example")
        issuer, signer = (parent[0].subject, parent[1]) if parent else (subject, key)
        builder = (
            self._dated(subject, issuer, key, -30, 3650 if parent is None else 1825)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(ca=True), critical=True)
        )
        return builder.sign(signer, hashes.SHA256()), key

    def _dated(
        self, subject: x509.Name, issuer: x509.Name, key: Key, start: float, days: float
    ) -> x509.CertificateBuilder:
        begin = self.now + start * DAY
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + days * DAY)
        )

    def issue(
        self,
        file: str,
        *names: str,
        issuer: str | None = "issuing",
        start: float = -10,
        days: float = 90,
        rsa_bits: int | None = 2048,
        ca: bool = False,
        organization: str = "Example",
    ) -> None:
        """A leaf for `names` by `issuing`, `unknown`, or itself (None); `start` and `days` count in days."""
        key: Key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0], organization)
        parent = {"issuing": self.issuing, "unknown": self.unknown, None: None}[issuer]
        by, signer = (parent[0].subject, parent[1]) if parent else (subject, key)
        leaf = (
            self._dated(subject, by, key, start, days)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(_usage(ca=ca), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        chain = [leaf, self.issuing[0]] if issuer == "issuing" else [leaf]
        self._write(file, key, b"".join(_pem(c) for c in chain))

    def _write(self, file: str, key: Key, chain: bytes) -> None:
        (self.work / f"{file}.pem").write_bytes(chain)
        (self.work / f"{file}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )

    def openssl_default(self, file: str) -> None:
        """What somebody in a hurry makes: `openssl req -x509` with every question answered by Enter."""
        _openssl(
            self.work,
            f"req -x509 -newkey rsa:2048 -nodes -days 60 -keyout {file}.key -out {file}.pem "
            "-addext basicConstraints=critical,CA:FALSE",
            b"\n" * 7,
        )

    def sha1_signed(self, file: str, name: str) -> None:
        """A leaf that the issuing CA signed with SHA-1; `cryptography` refuses to, OpenSSL does it."""
        self.issue(file, name)
        key = self.issuing[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.work / "issuing.key").write_bytes(key)
        (self.work / "sha1.ext").write_text(f"subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:FALSE\n")
        _openssl(self.work, f"req -new -key {file}.key -out {file}.csr -subj /O=Example/CN={name}")
        _openssl(
            self.work,
            f"x509 -req -sha1 -days 90 -in {file}.csr -CA issuing.pem -CAkey issuing.key -set_serial 4711 "
            f"-extfile sha1.ext -out {file}.pem",
        )
        with (self.work / f"{file}.pem").open("ab") as out:
            out.write(_pem(self.issuing[0]))


def _name(common: str, organization: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_encipherment=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _openssl(work: Path, arguments: str, stdin: bytes = b"") -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=work, input=stdin, check=True, capture_output=True)
