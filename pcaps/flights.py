"""Server flights no honest stack would send: a real one, made in memory, then damaged."""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


def honest(work: Path, cert: str) -> bytes:
    """ServerHello to ServerHelloDone of OpenSSL, TLS 1.2."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(work / f"{cert}.pem", work / f"{cert}.key")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    hello, flight, unused = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    for side in (client.wrap_bio(unused, hello), server.wrap_bio(hello, flight, server_side=True)):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return flight.read()


def broken_certificate(work: Path, cert: str) -> bytes:
    """The leaf's inner SEQUENCE claims more bytes than the certificate has."""
    leaf = x509.load_pem_x509_certificate((work / f"{cert}.pem").read_bytes()).public_bytes(Encoding.DER)
    assert leaf[4:6] == b"\x30\x82"
    return honest(work, cert).replace(leaf, leaf[:6] + b"\x7f\xff" + leaf[8:])


def broken_hello(work: Path, cert: str) -> bytes:
    """The ServerHello's extensions claim more bytes than the message has."""
    flight = bytearray(honest(work, cert))
    assert flight[:1] == b"\x16"
    assert flight[5:6] == b"\x02"
    session_id = flight[43]
    extensions = 44 + session_id + 3
    flight[extensions : extensions + 2] = b"\x7f\xff"
    return bytes(flight)
