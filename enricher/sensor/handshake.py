"""Handshake messages that travel in the clear, SSLv3 to TLS 1.3: RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066.

DTLS differs in its version numbers and by the cookie in its ClientHello (RFC 6347 section 4.2.1).

A message that cannot be read to its end keeps what was read, and says in `error` what was wrong and at which byte of
its body. Only a hello whose fixed part does not parse is no hello: None.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from enricher.sensor.reader import MalformedError, Reader

CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST, SERVER_KEY_EXCHANGE = 1, 2, 3, 12
FALLBACK_SCSV: Final = 0x5600
TLS13: Final = 0x0304

_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
DTLS: Final = {0x0100: 0x0302, 0xFEFF: 0x0302, 0xFEFD: 0x0303, 0xFEFC: 0x0304}
"""DTLS versions (0x0100 is OpenSSL's of before RFC 4347) and the TLS version that each is made from."""
_NAMED_CURVE: Final = 3


Fingerprint = tuple[str, str]
"""A fingerprint, and the string that it is the hash of."""


class ClientHello(msgspec.Struct, kw_only=True):
    """RFC 8446 section 4.1.2. Lists are as sent, GREASE included; None: the extension was not sent."""

    version: int
    """legacy_version."""
    session_id: bytes
    ciphers: tuple[int, ...]
    extensions: list[int] = []
    server_name: bytes | None = None
    alpn: tuple[bytes, ...] | None = None
    groups: tuple[int, ...] | None = None
    point_formats: bytes | None = None
    signature_algorithms: tuple[int, ...] | None = None
    versions: tuple[int, ...] | None = None
    ech: tuple[int, int] | None = None
    """KDF and AEAD of an encrypted ClientHello, which this one hides; those of GREASE look the same (RFC 9849)."""
    sslv2: bool = False
    """It was sent in the format of SSLv2; its ciphers have three bytes."""
    error: str | None = None
    fingerprints: dict[str, Fingerprint] = {}
    """Those that were made of it; hellos like each other share them."""


class ServerHello(msgspec.Struct, kw_only=True):
    """RFC 8446 section 4.1.3, also as HelloRetryRequest."""

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher: int | None
    """None: an SSLv2 session that is resumed does not name it."""
    extensions: list[int] = []
    selected_version: int | None = None
    group: int | None = None
    alpn: bytes | None = None
    psk: bool = False
    error: str | None = None
    fingerprints: dict[str, Fingerprint] = {}
    """Those that were made of it; hellos like each other share them."""

    @property
    def version(self) -> int:
        """The version that holds: supported_versions, else legacy_version."""
        return self.legacy_version if self.selected_version is None else self.selected_version

    @property
    def is_retry(self) -> bool:
        """HelloRetryRequest, which is a ServerHello with a certain random."""
        return self.random == _RETRY


def tls_version(version: int) -> int:
    """The TLS version that a DTLS version is made from; a TLS version itself."""
    return DTLS.get(version, version)


def is_tls13(version: int | None) -> bool:
    """TLS 1.3 or one of its drafts, DTLS 1.3."""
    return version is not None and (DTLS.get(version, version) == TLS13 or version // 0xFF == 0x7F)


def client_hello(body: bytes) -> ClientHello | None:
    """Read a ClientHello."""
    reader = Reader(body, 0, len(body))
    try:
        version = reader.number(2, "version")
        reader.take(32, "random")
        session_id = reader.opaque(1, "session id")
        if version in DTLS:
            reader.vector(1, "cookie")
        ciphers = reader.codes(2, "cipher suites")
        compressions = reader.opaque(1, "compression methods")
    except MalformedError:
        return None
    if tls_version(version) >> 8 != 3 or len(session_id) > 32 or not ciphers or not compressions:
        return None
    hello = ClientHello(version=version, session_id=session_id, ciphers=ciphers)
    hello.error = _extensions(reader, hello, _CLIENT)
    return hello


def server_hello(body: bytes) -> ServerHello | None:
    """Read a ServerHello or HelloRetryRequest; drafts of TLS 1.3 up to 21 have no session id and no compression."""
    reader = Reader(body, 0, len(body))
    try:
        version = reader.number(2, "version")
        random = reader.take(32, "random")
        draft = version >> 8 == 0x7F
        session_id = b"" if draft else reader.opaque(1, "session id")
        cipher = reader.number(2, "cipher suite")
        if not draft:
            reader.number(1, "compression method")
    except MalformedError:
        return None
    if tls_version(version) >> 8 not in {3, 0x7E, 0x7F} or len(session_id) > 32:
        return None
    hello = ServerHello(legacy_version=version, random=random, session_id=session_id, cipher=cipher)
    hello.error = _extensions(reader, hello, _SERVER)
    return hello


def key_exchange_group(body: bytes, cipher: str) -> int | None:
    """The named curve in a ServerKeyExchange (RFC 8422 section 5.4); None where the suite or the message has none."""
    if "_ECDHE_" not in cipher and "_ECDH_ANON_" not in cipher:
        return None
    reader = Reader(body, 0, len(body))
    try:
        if "_PSK_" in cipher:
            reader.vector(2, "identity hint")
        kind = reader.number(1, "curve type")
        return reader.number(2, "named curve") if kind == _NAMED_CURVE else None
    except MalformedError:
        return None


def end_of(reader: Reader) -> None:
    """Raises MalformedError where something is left."""
    if reader:
        raise MalformedError(f"byte {reader.offset}: {len(reader)} bytes too many")


H = TypeVar("H", ClientHello, ServerHello)


def _extensions(reader: Reader, hello: H, parsers: dict[int, Callable[[H, Reader], None]]) -> str | None:
    """Read the extensions of a hello into it; the first thing that was wrong. The others stay readable."""
    if not reader:
        return None  # before RFC 3546, and still allowed
    errors = []
    try:
        extensions = reader.vector(2, "extensions")
        if reader:
            errors.append(f"byte {reader.offset}: {len(reader)} bytes after the extensions")
    except MalformedError as error:
        errors.append(str(error))
        extensions = reader
    try:
        for kind, body in extensions.entries("extension", parsers):
            hello.extensions.append(kind)
            if body is not None:
                try:
                    parsers[kind](hello, body)
                    end_of(body)
                except MalformedError as error:
                    errors.append(f"extension {kind}, {error}")
    except MalformedError as error:
        errors.append(str(error))
    return errors[0] if errors else None


def server_name(hello: ClientHello, body: Reader) -> None:
    """Read the extension with the name (RFC 6066 section 3)."""
    if not body:
        raise MalformedError(f"byte {body.offset}: no name")
    names = body.vector(2, "server name list")
    while names:
        kind = names.number(1, "name type")
        name = names.opaque(2, "host name")
        if kind == 0 and hello.server_name is None:
            hello.server_name = name


def _client_alpn(hello: ClientHello, body: Reader) -> None:
    names = body.vector(2, "protocol name list")
    found: list[bytes] = []
    try:
        while names:
            found.append(names.opaque(1, "protocol name"))
    finally:
        hello.alpn = tuple(found)


def _groups(hello: ClientHello, body: Reader) -> None:
    hello.groups = body.codes(2, "group list")


def _point_formats(hello: ClientHello, body: Reader) -> None:
    hello.point_formats = body.opaque(1, "point format list")


def _signature_algorithms(hello: ClientHello, body: Reader) -> None:
    hello.signature_algorithms = body.codes(2, "signature algorithm list")


def _client_versions(hello: ClientHello, body: Reader) -> None:
    hello.versions = body.codes(1, "version list")


def ech(hello: ClientHello, body: Reader) -> None:
    """Read the extension that an encrypted ClientHello, or its imitation, is known by (RFC 9849 section 5)."""
    if body.number(1, "ECH type") != 0:
        raise MalformedError(f"byte {body.offset - 1}: ECH type of an inner ClientHello")
    hello.ech = body.number(2, "ECH KDF"), body.number(2, "ECH AEAD")
    body.number(1, "ECH configuration")
    body.vector(2, "ECH key")
    body.vector(2, "ECH payload")


def _server_alpn(hello: ServerHello, body: Reader) -> None:
    hello.alpn = body.vector(2, "protocol name list").opaque(1, "protocol name")


def _server_version(hello: ServerHello, body: Reader) -> None:
    hello.selected_version = body.number(2, "selected version")


def _server_share(hello: ServerHello, body: Reader) -> None:
    hello.group = body.number(2, "group")
    if body:
        body.vector(2, "key share")


def _server_psk(hello: ServerHello, body: Reader) -> None:
    body.number(2, "selected identity")
    hello.psk = True


_CLIENT: Final[dict[int, Callable[[ClientHello, Reader], None]]] = {
    0: server_name,
    10: _groups,
    11: _point_formats,
    13: _signature_algorithms,
    16: _client_alpn,
    43: _client_versions,
    0xFE0D: ech,
}
_SERVER: Final[dict[int, Callable[[ServerHello, Reader], None]]] = {
    16: _server_alpn,
    40: _server_share,  # key_share in drafts of TLS 1.3
    41: _server_psk,
    43: _server_version,
    51: _server_share,
}
