"""One TLS connection as the network saw it: facts first, then what is abnormal about them."""

from typing import Literal

import msgspec


class Observation(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Facts of one TLS connection, under the names of Zeek's ssl.log and x509.log. The same from every sensor.

    Unset fields were not seen; they are left out of JSON, as Zeek leaves them out. Times are seconds since 1970 UTC.
    """

    ts: float
    """First packet of the TLS handshake that was seen (Zeek: ssl.log `ts`)."""
    uid: str
    """The connection's id in Zeek's logs; the sensor makes one of the same form."""
    orig_h: str = msgspec.field(name="id.orig_h")
    """Address of the side that opened the connection."""
    orig_p: int = msgspec.field(name="id.orig_p")
    """Its port."""
    resp_h: str = msgspec.field(name="id.resp_h")
    """Address of the other side."""
    resp_p: int = msgspec.field(name="id.resp_p")
    """Its port."""
    proto: Literal["tcp", "udp"] = "tcp"
    """Transport protocol; `udp` for DTLS and QUIC."""
    community_id: str | None = None
    """Community ID v1, seed 0."""
    sensor: str = "embedded"
    """Who observed: `embedded`, `an1496.log`, `ssl.log` or `suricata`."""
    source: str | None = None
    """The record this came from: `file:frame` for captures, `file:line` for logs."""

    version: str | None = None
    """`SSLv3`, `TLSv10` … `TLSv13`, or `unknown-NNNNN`, as Zeek writes it."""
    cipher: str | None = None
    """The chosen cipher suite, under IANA's name."""
    curve: str | None = None
    """The chosen key exchange group, as Zeek writes it."""
    server_name: str | None = None
    """SNI: the name that the client asked for."""
    next_protocol: str | None = None
    """ALPN: the protocol that the server chose."""
    resumed: bool | None = None
    """Whether an earlier session was resumed, so that no certificate was sent."""
    established: bool | None = None
    """True: both sides finished. False: it is known to have failed. None: half the conversation was not seen."""
    last_alert: str | None = None
    """The last alert that could be read, under its RFC's name."""
    ssl_history: str | None = None
    """Zeek's letters: upper case from the client, lower case from the server."""
    client_hello_seen: bool | None = None
    """False: what the client offered is unknown, and so are its fingerprints."""
    downgrade: str | None = None
    """Sign of a forced lower version: `scsv` (RFC 7507 offered), `sentinel` (RFC 8446 4.1.3 in the server random)."""
    proxy_target: str | None = None
    """`host:port` that the client asked a proxy for (HTTP CONNECT, SOCKS), if the handshake went through one.

    `resp_h` and `resp_p` are the proxy's.
    """
    ech_kdf_id: int | None = None
    """HPKE KDF of an encrypted ClientHello (RFC 9849) or its imitation: `server_name` is the outer one's."""
    ech_aead_id: int | None = None
    """HPKE AEAD of an encrypted ClientHello or its imitation."""
    handshake_error: str | None = None
    """What in the handshake did not parse, and where."""

    ja3: str | None = None
    """MD5 of the client's offer, in its order."""
    ja3_raw: str | None = None
    """What `ja3` is the hash of."""
    ja3s: str | None = None
    """MD5 of the server's choice."""
    ja3s_raw: str | None = None
    """What `ja3s` is the hash of."""
    ja4: str | None = None
    """Fingerprint of the client's offer, sorted."""
    ja4_raw: str | None = None
    """What `ja4` has the hashes of."""

    cert_visible: bool | None = None
    """False: encrypted (TLS 1.3) or not sent (resumption). None: the server's flight was not seen."""
    cert_chain_fps: tuple[str, ...] | None = None
    """SHA-256 of each certificate, leaf first, lower-case hex."""
    cert_chain_sha1s: tuple[str, ...] | None = None
    """SHA-1 of the same, for lists that have no other."""
    client_cert_chain_fps: tuple[str, ...] | None = None
    """SHA-256 of the client's certificates, leaf first."""
    cert_inherited_from: str | None = None
    """uid of the full handshake whose certificate this resumed session uses."""
    certificate_error: str | None = None
    """Which certificate did not parse, and why."""
    cert_version: int | None = msgspec.field(name="certificate.version", default=None)
    """X.509 version of the leaf, 3 as a rule."""
    cert_serial: str | None = msgspec.field(name="certificate.serial", default=None)
    """Upper-case hex without leading zeros beyond a whole byte, as Zeek writes it."""
    cert_subject: str | None = msgspec.field(name="certificate.subject", default=None)
    """Of the leaf, RFC 2253."""
    cert_issuer: str | None = msgspec.field(name="certificate.issuer", default=None)
    """Of the leaf, RFC 2253."""
    cert_not_valid_before: float | None = msgspec.field(name="certificate.not_valid_before", default=None)
    """First valid moment."""
    cert_not_valid_after: float | None = msgspec.field(name="certificate.not_valid_after", default=None)
    """Last valid moment."""
    cert_key_alg: str | None = msgspec.field(name="certificate.key_alg", default=None)
    """Algorithm of the key, under OpenSSL's name."""
    cert_sig_alg: str | None = msgspec.field(name="certificate.sig_alg", default=None)
    """Algorithm of the signature, under OpenSSL's name."""
    cert_key_type: str | None = msgspec.field(name="certificate.key_type", default=None)
    """Such as `rsa`, `dsa` or `ecdsa`, as Zeek writes it."""
    cert_key_length: int | None = msgspec.field(name="certificate.key_length", default=None)
    """Bits."""
    cert_exponent: str | None = msgspec.field(name="certificate.exponent", default=None)
    """Public exponent of an RSA key."""
    cert_curve: str | None = msgspec.field(name="certificate.curve", default=None)
    """Named curve of an elliptic curve key."""
    san_dns: tuple[str, ...] | None = msgspec.field(name="san.dns", default=None)
    """DNS names that the certificate is for."""
    san_ip: tuple[str, ...] | None = msgspec.field(name="san.ip", default=None)
    """Addresses that the certificate is for."""
    basic_constraints_ca: bool | None = msgspec.field(name="basic_constraints.ca", default=None)
    """Whether the leaf may sign others."""
    basic_constraints_path_len: int | None = msgspec.field(name="basic_constraints.path_len", default=None)
    """How many authorities may follow below it."""
    validation_code: int | None = None
    """X509_V_ERR_* of OpenSSL's chain building, dates left out.

    0 trusted, 18 self-signed, 19 self-signed in chain, 20/21 unknown issuer.
    """
    validation_status: str | None = None
    """The code's meaning, with the dates judged at `ts`."""
    sni_matches_cert: bool | None = None
    """Whether the certificate is for the name asked for; None where either is missing."""

    anomalies: tuple[str, ...] | None = None
    """Ids of `model.anomaly`, sorted. None: nobody judged yet."""
    anomaly_facts: tuple[str, ...] | None = None
    """For each anomaly, the fact that triggered it."""


class Unread(Observation, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An Observation from a log that holds what only the sensor can read; before anything else is done, it is."""

    chain: tuple[bytes, ...] = ()
    """The server's certificates, DER, leaf first."""
    chain_is_whole: bool = False
    """False: the server may have sent more than the leaf."""
    cipher_code: int | None = None
    """IANA's number of the chosen cipher."""


class CertificateRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Facts of one certificate from a log that keeps them apart from connections (Zeek's x509.log).

    Field names are those of `Observation`, so that the facts of a leaf can be laid over it.
    """

    fingerprint: str
    """SHA-256, lower-case hex."""
    source: str | None = None
    cert_version: int | None = None
    cert_serial: str | None = None
    cert_subject: str | None = None
    cert_issuer: str | None = None
    cert_not_valid_before: float | None = None
    cert_not_valid_after: float | None = None
    cert_key_alg: str | None = None
    cert_sig_alg: str | None = None
    cert_key_type: str | None = None
    cert_key_length: int | None = None
    cert_exponent: str | None = None
    cert_curve: str | None = None
    san_dns: tuple[str, ...] | None = None
    san_ip: tuple[str, ...] | None = None
    basic_constraints_ca: bool | None = None
    basic_constraints_path_len: int | None = None


class ConnectionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a connection log adds to an Observation of the same uid (Zeek's conn.log)."""

    uid: str
    ts: float
    proto: str
    community_id: str | None = None
    history: str | None = None
    source: str | None = None


class Prevalence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """In how many distinct client hosts a JA4 was seen, and how many hosts were seen at all."""

    hosts: int
    total_hosts: int
