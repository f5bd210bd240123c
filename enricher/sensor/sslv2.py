"""SSLv2 (Hickman, "The SSL Protocol", 1995), and the hello in its format with which clients offered SSLv3 and TLS.

RFC 5246 appendix E.2. Version and ciphers get Zeek's names. A cipher is the one that the client's master key names, the
first of the server's list where that was not seen. JA3 and JA4 are defined on TLS' own hello: such a hello has none.
"""

from typing import Final

from enricher.sensor.handshake import ClientHello, ServerHello
from enricher.sensor.negotiation import Negotiation
from enricher.sensor.reader import MalformedError, Reader
from enricher.sensor.reassembly import Chunk

SSLV2: Final = 2

_ERROR, _CLIENT_HELLO, _CLIENT_MASTER_KEY, _SERVER_HELLO = 0, 1, 2, 4
_VERSIONS: Final = (0x0002, 0x0300, 0x0301, 0x0302, 0x0303)
_FATAL: Final = 2
_HEADER: Final = 2


def is_hello(data: bytes) -> bool:
    """Whether a CLIENT-HELLO or SERVER-HELLO may start with these bytes; true of a prefix as far as it goes."""
    if not data[0] & 0x80 or data[2:3] not in {b"", b"\1", b"\4"}:
        return False
    if len(data) < 11:
        return data[2:3] == b"\4" or len(data) < 5 or data[3] << 8 | data[4] in _VERSIONS
    length, client = (data[0] & 0x7F) << 8 | data[1], data[2] == _CLIENT_HELLO
    first, second, third = (data[at] << 8 | data[at + 1] for at in (5, 7, 9))
    if client:
        fits = first and first % 3 == 0 and second in {0, 16} and 16 <= third <= 32
        return bool(fits) and (data[3] << 8 | data[4]) in _VERSIONS and length == 9 + first + second + third
    if len(data) < 13:
        return first == SSLV2 and data[3] < 2 and data[4] < 2
    fourth = data[11] << 8 | data[12]
    return first == SSLV2 and third % 3 == 0 and fourth <= 32 and length == 11 + second + third + fourth


class _Side:
    __slots__ = ("at", "pending", "tls", "told")

    def __init__(self) -> None:
        self.pending = b""
        self.at = (0.0, 0)
        """Time and frame number of the packet in which the pending message starts."""
        self.told = False
        """Its hello was read."""
        self.tls = False
        """It goes on in TLS, or bytes are missing."""


class Sslv2:
    """Takes the bytes of a connection that began with such a hello; tells the negotiation, and gives what is TLS.

    `begun`: the sides that speak TLS already.
    """

    def __init__(self, negotiation: Negotiation, begun: tuple[bool, bool]) -> None:
        self._negotiation = negotiation
        self._sides = (_Side(), _Side())
        for side, tls in zip(self._sides, begun, strict=True):
            side.tls = tls
        self._keyed = False
        """Both sides have the keys: all that follows is ciphertext."""

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return sum(len(side.pending) for side in self._sides)

    def feed(self, index: int, chunk: Chunk) -> Chunk | None:
        """Take the next bytes of a side; give those with which it has turned to TLS."""
        side, negotiation = self._sides[index], self._negotiation
        if side.tls:
            return chunk
        if not side.pending:
            side.at = chunk[1:]
        data, side.pending = side.pending + chunk[0], b""
        negotiation.not_tls |= negotiation.client is None and not is_hello(data)
        while data and not negotiation.over:
            if self._keyed and side.told:
                negotiation.ciphertext(index)
                break
            if not data[0] & 0x80 or not (side.told or _may_come_first(data)):
                side.tls = True
                return (data, *side.at)
            end = _HEADER + ((data[0] & 0x7F) << 8 | data[1]) if len(data) >= _HEADER else _HEADER
            if len(data) < end:
                side.pending = data
                break
            try:
                self._message(index, Reader(data[:end], _HEADER, end))
            except MalformedError as error:
                negotiation.error(side.at[1], f"SSLv2 message, {error}")
                negotiation.not_tls = negotiation.client is None
            side.at, data = chunk[1:], data[end:]
        return None

    def gap(self, index: int) -> None:
        """Bytes of a side are missing; where its next message starts, nobody knows."""
        side = self._sides[index]
        side.pending, side.tls = b"", not (self._keyed and side.told)

    def _message(self, index: int, message: Reader) -> None:
        negotiation, side = self._negotiation, self._sides[index]
        kind = message.number(1, "type")
        size = len(message)
        if kind == _CLIENT_HELLO and not side.told:
            negotiation.client_hello_read(index, _client_hello(message), size, *side.at)
            side.told = True
        elif kind == _SERVER_HELLO and not side.told:
            hello, certificate = _server_hello(message)
            negotiation.server_hello_read(index, hello, size - len(certificate), *side.at)
            if certificate:
                negotiation.sides[index].chain = (certificate,)
                negotiation.held += len(certificate)
            side.told, self._keyed = True, self._keyed or hello.psk
        elif kind == _CLIENT_MASTER_KEY and negotiation.client == index:
            cipher = message.number(3, "cipher")
            if negotiation.server_hello is not None:
                negotiation.server_hello.cipher = cipher
            self._keyed = True
        elif kind == _ERROR and negotiation.client is not None:
            negotiation.alert(index, bytes([_FATAL, message.number(2, "error") & 0xFF]))
        else:
            raise MalformedError(f"byte {_HEADER}: type {kind} out of place")


def _may_come_first(data: bytes) -> bool:
    """Whether a side's first message may start with these bytes."""
    return is_hello(data) or data[2:3] == bytes([_ERROR])


def _ciphers(message: Reader, size: int) -> tuple[int, ...]:
    data = message.take(size, "cipher specs")
    return tuple(int.from_bytes(data[at : at + 3], "big") for at in range(0, size - size % 3, 3))


def _client_hello(message: Reader) -> ClientHello:
    version, ciphers, session, challenge = (
        message.number(2, what) for what in ("version", "cipher specs", "session id", "challenge")
    )
    offered = _ciphers(message, ciphers)
    hello = ClientHello(version=version, session_id=message.take(session, "session id"), ciphers=offered, sslv2=True)
    message.take(challenge, "challenge")
    return hello


def _server_hello(message: Reader) -> tuple[ServerHello, bytes]:
    hit, _kind = message.number(1, "session id hit"), message.number(1, "certificate type")
    version, certificate, ciphers, _connection = (
        message.number(2, what) for what in ("version", "certificate", "cipher specs", "connection id")
    )
    der = message.take(certificate, "certificate")
    offered = _ciphers(message, ciphers)
    cipher = offered[0] if offered else None
    return ServerHello(legacy_version=version, random=b"", session_id=b"", cipher=cipher, psk=bool(hit)), der
