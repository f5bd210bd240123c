"""What the messages of a TLS handshake tell, up to the point where both sides encrypt. Whatever carries them.

Follows Zeek's SSL analyzer in what counts as established and resumed, and in the letters of ssl_history.
"""

from collections.abc import Callable
from typing import Literal

from enricher.sensor import handshake, names
from enricher.sensor.certificate_message import CERTIFICATE, COMPRESSED_CERTIFICATE, certificates, decompress
from enricher.sensor.handshake import CLIENT_HELLO, SERVER_HELLO, ClientHello, ServerHello, is_tls13
from enricher.sensor.hellos import Hellos

Transport = Literal["tls", "dtls", "quic"]

_MAX_HISTORY = 100
_MAX_ALERTS = 10
_FATAL = 2
_FRESH = 4000
"""Bytes of memory of a connection that has just begun."""
_PARSED = 19
"""Bytes of memory that a byte of a hello can take once it is parsed: two bytes become a number in a tuple."""
_ABBREVIATED = (0, 1, 2, 3, 4)
"""What is sent in the clear when a session is resumed: hellos, HelloRequest, HelloVerifyRequest, ticket."""
_LETTERS = {
    0: "h", 1: "c", 2: "s", 3: "v", 4: "t", 5: "e", 6: "j", 8: "o", 11: "x", 12: "k", 13: "r", 14: "n", 15: "y",
    16: "g", 20: "f", 21: "w", 22: "u", 23: "a", 24: "p", 254: "m",
}  # fmt: skip


class Side:
    """What one side has told."""

    __slots__ = ("chain", "encrypted", "full", "gap", "key")

    def __init__(self) -> None:
        self.chain: tuple[bytes, ...] | None = None
        """Its Certificate message, leaf first."""
        self.key: bytes | None = None
        """The bare public key that it sent in a certificate's place."""
        self.encrypted = False
        """What it sends from here on is ciphertext."""
        self.gap = False
        """Bytes of its handshake are missing."""
        self.full = False
        """It sent what an abbreviated handshake has not: Certificate, ClientKeyExchange and the like."""


class Negotiation:
    """Takes the messages of two sides, 0 and 1; holds the facts. Which of them is the client, the hellos say."""

    def __init__(self, transport: Transport, hellos: Hellos) -> None:
        self.transport = transport
        self._hellos = hellos
        self.sides = (Side(), Side())
        self.client: int | None = None
        """The side of the client; None before a hello."""
        self.not_tls = False
        """Nothing is to be reported: it only looked like TLS, or only asked for a version of QUIC."""
        self.established = False
        self.held = _FRESH
        """Bytes of memory."""
        self.fatal = False
        """A fatal alert was seen."""
        self.client_hello: ClientHello | None = None
        """The first one; a second one answers a HelloRetryRequest or renegotiates."""
        self.server_hello: ServerHello | None = None
        self.retry: ServerHello | None = None
        """The HelloRetryRequest."""
        self.hello_at: dict[int, tuple[float, int]] = {}
        """Message type of each hello to time and frame number of the packet in which the first one starts."""
        self.group: int | None = None
        self.abbreviated = False
        """The server switched to encryption, and neither side sent a part of a full handshake."""
        self.last_alert: str | None = None
        self.handshake_error: str | None = None
        """The first thing that did not parse, with its frame."""
        self.certificate_error: str | None = None
        self.proxy_target: bytes | None = None
        """The `host:port` that the client asked a proxy for."""
        self._history: list[tuple[str, int]] = []

    @property
    def version(self) -> int | None:
        """The version the server chose, as far as is known."""
        hello = self.server_hello or self.retry
        return hello.version if hello else None

    @property
    def over(self) -> bool:
        """Nothing more can be learnt."""
        return self.established or self.not_tls

    def outcome(self, *, over: bool) -> bool | None:
        """`established` as in Observation; `over`: both directions were seen whole, and their end."""
        if self.established:
            return True
        if self.fatal or (over and not any(side.gap for side in self.sides)):
            return False
        return None

    def history(self, originator: int) -> str:
        """Zeek's ssl_history: upper case from the client; `^` first where the client is not the originator."""
        letters = [letter.upper() if side == self.client else letter for letter, side in self._history]
        return ("^" if self.client != originator else "") + "".join(letters)

    def name(self, index: int) -> str:
        """`client` or `server`."""
        return "client" if index == self.client else "server"

    def message(self, index: int, kind: int, body: bytes | None, ts: float, frame: int) -> None:
        """Take a handshake message, None for one too long to read; `ts` and `frame` of the packet where it starts."""
        if self.client is None and kind not in {CLIENT_HELLO, SERVER_HELLO}:
            self.not_tls = True
            return
        letter = _LETTERS.get(kind, "z")
        if body is None:
            self.error(frame, f"handshake message {kind} is too long")
            self.not_tls = self.client is None
            self._letter(letter, index)
            return
        side = self.sides[index]
        side.full |= kind not in _ABBREVIATED
        if kind == CLIENT_HELLO:
            self.client_hello_read(index, self._hellos.client(body), len(body), ts, frame)
            return
        if kind == SERVER_HELLO:
            self.server_hello_read(index, self._hellos.server(body), len(body), ts, frame)
            return
        if kind in {CERTIFICATE, COMPRESSED_CERTIFICATE}:
            self._certificate(index, kind, body, frame)
        elif kind == handshake.SERVER_KEY_EXCHANGE and self.server_hello and self.server_hello.cipher is not None:
            group = handshake.key_exchange_group(body, names.cipher_name(self.server_hello.cipher))
            self.group = self.group if group is None else group
        self._letter(letter, index)

    def alert(self, index: int, body: bytes) -> None:
        """Take the body of an alert record; several alerts may share it before TLS 1.3."""
        count = 1 if is_tls13(self.version) else _MAX_ALERTS
        for offset in range(0, min(len(body) - 1, 2 * count), 2):
            self._letter("l", index)
            self.last_alert = names.alert_name(body[offset + 1])
            self.fatal |= body[offset] == _FATAL

    def change_cipher_spec(self, index: int) -> None:
        """A side switches to encryption; in TLS 1.3 it only says so."""
        self._letter("i", index)
        if not is_tls13(self.version):
            self.sides[index].encrypted = True
            self.abbreviated |= index != self.client and not any(side.full or side.gap for side in self.sides)

    def heartbeat(self, index: int) -> None:
        """A side sent a heartbeat in the clear."""
        self._letter("b", index)

    def ciphertext(self, index: int) -> None:
        """A side sent something encrypted, from the handshake or after it."""
        self.sides[index].encrypted = True
        self.established = self.sides[0].encrypted and self.sides[1].encrypted

    def error(self, frame: int, what: str) -> None:
        """Keep the first thing that did not parse."""
        self.handshake_error = self.handshake_error or f"frame {frame}: {what}"

    def client_hello_read(self, index: int, hello: ClientHello | None, size: int, ts: float, frame: int) -> None:
        """Take a ClientHello of `size` bytes, None: it does not parse."""
        if self._is_from(index, frame, hello is not None, "ClientHello") and self.client_hello is None:
            self.client_hello = hello
            self.held += _PARSED * size
            self.hello_at[CLIENT_HELLO] = ts, frame
            if hello is not None and hello.error:
                self.error(frame, f"ClientHello, {hello.error}")
        self._letter("c", index)

    def server_hello_read(self, index: int, hello: ServerHello | None, size: int, ts: float, frame: int) -> None:
        """Take a ServerHello of `size` bytes, None: it does not parse."""
        self._letter("j" if hello and hello.is_retry else "s", index)
        if not self._is_from(1 - index, frame, hello is not None, "ServerHello") or hello is None:
            return
        self.hello_at.setdefault(SERVER_HELLO, (ts, frame))
        if hello.error:
            self.error(frame, f"ServerHello, {hello.error}")
        if (self.retry if hello.is_retry else self.server_hello) is None:
            self.held += _PARSED * size
            if hello.is_retry:
                self.retry = hello
            else:
                self.server_hello = hello
        self.group = self.group if hello.group is None else hello.group

    def _is_from(self, client: int, frame: int, parses: bool, what: str) -> bool:  # noqa: FBT001
        """Whether a hello is one, and from the side from which it has to come."""
        if not parses:
            self.error(frame, f"{what} does not parse")
            self.not_tls = self.client is None
        elif self.client is None:
            self.client = client
        elif self.client != client:
            self.error(frame, f"{what} from the wrong side")
            return False
        return parses

    def _certificate(self, index: int, kind: int, body: bytes, frame: int) -> None:
        side = self.sides[index]
        if side.chain is not None or is_tls13(self.version):
            return
        message, error = decompress(body) if kind == COMPRESSED_CERTIFICATE else (body, None)
        if error:
            side.chain = ()  # the next one would cost as much
        if message is not None:
            agreed = self.server_hello.extensions if self.server_hello else []
            side.chain, side.key, error = certificates(message, agreed)
            self.held += len(message)
        if error:
            self.error(frame, error)
            if index != self.client:
                self.certificate_error = error

    def _letter(self, letter: str, index: int) -> None:
        if len(self._history) < _MAX_HISTORY:
            self._history.append((letter, index))


Report = Callable[[bytes, int | None, Negotiation, bool | None], None]
"""Takes a connection that is over and in which a hello was read: its key as seen from side 0 (see `packet`), the side
that opened it where that was seen, the facts, and `established` as in Observation."""
