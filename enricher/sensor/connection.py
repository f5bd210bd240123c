"""One TLS connection: what its two directions tell, up to the point where both are encrypted.

Follows Zeek's SSL analyzer in what counts as encrypted, established and resumed, and in the letters of ssl_history.
"""

from enricher.sensor import handshake, names
from enricher.sensor.handshake import CLIENT_HELLO, SERVER_HELLO, ClientHello, ServerHello, is_tls13
from enricher.sensor.reassembly import Chunk
from enricher.sensor.record import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEARTBEAT,
    MessageReader,
    RecordReader,
)

_MAX_HISTORY = 100
_MAX_ALERTS = 10
_FATAL = 2
_FRESH = 4000
"""Bytes of memory of a connection that has just begun."""
_PARSED = 8
"""Bytes of memory that a byte of a hello can take once it is parsed."""
_ABBREVIATED = (0, 2, 4)
"""What a server may send in the clear when it resumes: HelloRequest, ServerHello, NewSessionTicket."""
_LETTERS = {
    0: "h", 1: "c", 2: "s", 3: "v", 4: "t", 5: "e", 6: "j", 8: "o", 11: "x", 12: "k", 13: "r", 14: "n", 15: "y",
    16: "g", 20: "f", 21: "w", 22: "u", 23: "a", 24: "p", 254: "m",
}  # fmt: skip


class Side:
    """What one direction has sent."""

    __slots__ = ("chain", "full", "gap", "kept", "messages", "records")

    def __init__(self, max_message: int) -> None:
        self.records = RecordReader()
        self.messages = MessageReader(max_message)
        self.chain: tuple[bytes, ...] | None = None
        """Its Certificate message, leaf first."""
        self.gap = False
        """Bytes of its handshake are missing."""
        self.kept = 0
        """Memory of its hello and certificates, in bytes."""
        self.full = False
        """As a server it sent what an abbreviated handshake has not: Certificate, ServerHelloDone and the like."""

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return self.kept + self.records.buffered + self.messages.buffered


class Connection:
    """Takes the bytes of two directions, 0 and 1; holds the facts. Which of them is the client's, the hellos say."""

    def __init__(self, max_message: int) -> None:
        self.sides = (Side(max_message), Side(max_message))
        self.client: int | None = None
        """The direction of the client; None before a hello."""
        self.not_tls = False
        """It only looked like TLS; nothing is to be reported."""
        self.established = False
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
        """The server switched to encryption without finishing its part of a full handshake."""
        self.last_alert: str | None = None
        self.errors: list[str] = []
        """The first thing that did not parse, with its frame."""
        self.certificate_error: str | None = None
        self._history: list[tuple[str, int]] = []

    @property
    def version(self) -> int | None:
        """The version the server chose, as far as is known."""
        hello = self.server_hello or self.retry
        return hello.version if hello else None

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return _FRESH + self.sides[0].buffered + self.sides[1].buffered

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
        letters = (letter.upper() if side == self.client else letter for letter, side in self._history)
        return ("^" if self.client != originator else "") + "".join(letters)

    def feed(self, index: int, chunk: Chunk) -> None:
        """Take the next bytes of a direction."""
        side = self.sides[index]
        records = side.records
        if records.lost or self.over:
            return
        for kind, body in records.feed(*chunk):
            self._record(index, side, kind, body)
            if self.over:
                return
        if records.lost:
            if self.client is None:
                self.not_tls = True
            else:
                self._error(records.frame, f"{self._name(index)} sent what is no TLS record")

    def gap(self, index: int, missing: int) -> None:
        """Bytes of a direction are missing."""
        side = self.sides[index]
        if not side.records.gap(missing):
            side.gap = True
            side.messages.clear()

    def _record(self, index: int, side: Side, kind: int, body: bytes | None) -> None:
        if self.client is None and kind not in {ALERT, HANDSHAKE}:
            self.not_tls = True
        elif body is None:
            self._unread(index, side, kind)
        elif kind == HANDSHAKE:
            for message, content in side.messages.feed(body, side.records.ts, side.records.frame):
                self._message(index, side, message, content)
                if self.not_tls:
                    return
        elif kind == ALERT:
            self._alert(index, body)
        elif kind == CHANGE_CIPHER_SPEC:
            self._letter("i", index)
            if not is_tls13(self.version):
                side.records.encrypted = True
                self.abbreviated |= index != self.client and not side.full and not side.gap

    def _unread(self, index: int, side: Side, kind: int) -> None:
        """Ciphertext, or a record whose body does not matter."""
        if side.records.encrypted or (kind == APPLICATION_DATA and (self.version or 0xFFFF) > 0x0303):
            side.records.encrypted = True
            self.established = self.sides[0].records.encrypted and self.sides[1].records.encrypted
        elif kind == HEARTBEAT:
            self._letter("b", index)

    def _alert(self, index: int, body: bytes) -> None:
        count = 1 if is_tls13(self.version) else _MAX_ALERTS
        for offset in range(0, min(len(body) - 1, 2 * count), 2):
            self._letter("l", index)
            self.last_alert = names.alert_name(body[offset + 1])
            self.fatal |= body[offset] == _FATAL

    def _message(self, index: int, side: Side, kind: int, body: bytes | None) -> None:
        if self.client is None and kind not in {CLIENT_HELLO, SERVER_HELLO}:
            self.not_tls = True
            return
        if body is None:
            self._error(side.messages.frame, f"handshake message {kind} is too long")
            self.not_tls = self.client is None
            self._letter(_LETTERS.get(kind, "z"), index)
            return
        letter = _LETTERS.get(kind, "z")
        side.full |= kind not in _ABBREVIATED
        if kind == CLIENT_HELLO:
            self._client_hello(index, side, body)
        elif kind == SERVER_HELLO:
            letter = self._server_hello(index, side, body)
        elif kind == handshake.CERTIFICATE:
            self._certificate(index, side, body)
        elif kind == handshake.SERVER_KEY_EXCHANGE and self.server_hello is not None:
            group = handshake.key_exchange_group(body, names.cipher_name(self.server_hello.cipher))
            self.group = self.group if group is None else group
        self._letter(letter, index)

    def _client_hello(self, index: int, side: Side, body: bytes) -> None:
        hello = handshake.client_hello(body)
        if self._is_from(index, side, hello is not None, "ClientHello") and self.client_hello is None:
            self.client_hello = hello
            side.kept += _PARSED * len(body)
            self.hello_at[CLIENT_HELLO] = side.messages.ts, side.messages.frame
            if hello is not None and hello.error:
                self._error(side.messages.frame, f"ClientHello, {hello.error}")

    def _server_hello(self, index: int, side: Side, body: bytes) -> str:
        hello = handshake.server_hello(body)
        if not self._is_from(1 - index, side, hello is not None, "ServerHello") or hello is None:
            return "s"
        self.hello_at.setdefault(SERVER_HELLO, (side.messages.ts, side.messages.frame))
        if hello.error:
            self._error(side.messages.frame, f"ServerHello, {hello.error}")
        if hello.is_retry:
            self.retry = self.retry or hello
        elif self.server_hello is None:
            self.server_hello = hello
        self.group = self.group if hello.group is None else hello.group
        return "j" if hello.is_retry else "s"

    def _is_from(self, client: int, side: Side, parses: bool, what: str) -> bool:  # noqa: FBT001
        """Whether a hello is one, and from the direction from which it has to come."""
        if not parses:
            self._error(side.messages.frame, f"{what} does not parse")
            self.not_tls = self.client is None
        elif self.client is None:
            self.client = client
        elif self.client != client:
            self._error(side.messages.frame, f"{what} from the wrong side")
            return False
        return parses

    def _certificate(self, index: int, side: Side, body: bytes) -> None:
        if side.chain is not None or is_tls13(self.version):
            return
        side.chain, error = handshake.certificates(body)
        side.kept += len(body)
        if error:
            self._error(side.messages.frame, error)
            if index != self.client:
                self.certificate_error = error

    def _name(self, index: int) -> str:
        return "client" if index == self.client else "server"

    def _letter(self, letter: str, index: int) -> None:
        if len(self._history) < _MAX_HISTORY:
            self._history.append((letter, index))

    def _error(self, frame: int, what: str) -> None:
        if not self.errors:
            self.errors.append(f"frame {frame}: {what}")
