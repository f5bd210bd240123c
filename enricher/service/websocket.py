"""A WebSocket's client end over one blocking socket.

`websockets` does the protocol (RFC 6455). Its own client would start threads, read proxies from the environment and
follow redirections; here whoever waits reads, and nobody sends us elsewhere.
"""

import socket
import ssl
import time
from typing import Final, Self
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

_READ: Final = 1 << 14
LARGEST_MESSAGE: Final = 1 << 16
"""Bytes of a message, unless more are expected."""


class HangupError(Exception):
    """The other end closed the connection, or broke the protocol; says which."""


class WebSocket:
    """One connection; every wait has an end, and raises `TimeoutError` there."""

    def __init__(self, url: str, tls: ssl.SSLContext | None, timeout: float, largest: int = LARGEST_MESSAGE) -> None:
        """Connect.

        Raises:
            OSError: nobody is there, or cannot prove who it is.
            HangupError: whoever is there speaks no WebSocket.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._socket = socket.create_connection((host, parts.port or (443 if tls else 80)), timeout)
        self._protocol = ClientProtocol(parse_uri(url), max_size=largest)
        self._frames: list[Frame] = []
        self._parts: list[bytes] = []
        """Of a message that has not come whole."""
        try:
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
            self._protocol.send_request(self._protocol.connect())
            while not self._read(deadline):
                pass
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, text: bytes) -> None:
        """Send one message.

        Raises:
            OSError: the connection is broken.
            HangupError: it was closed.
        """
        self._check()
        self._protocol.send_text(text)
        self._flush(time.monotonic() + self._timeout)

    def receive(self, deadline: float) -> bytes:
        """The next message, until a time of the monotonic clock.

        Raises:
            OSError: the connection is broken.
            HangupError: it was closed, also for breaking the protocol or for a message that is too long.
        """
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                    self._parts.append(bytes(frame.data))
                    if frame.fin:
                        parts, self._parts = self._parts, []
                        return b"".join(parts)
            self._check()
            self._read(deadline)

    def close(self) -> None:
        """Say goodbye and hang up, without waiting for an answer."""
        try:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                self._flush(time.monotonic() + self._timeout)
        except OSError:
            pass  # it is gone already
        finally:
            self._socket.close()

    def _check(self) -> None:
        if self._protocol.state is not State.OPEN:
            raise HangupError(str(self._protocol.close_rcvd or self._protocol.close_sent or "without a goodbye"))

    def _read(self, deadline: float) -> bool:
        """Take what came, answer what the protocol answers by itself. Returns: whether the handshake is done."""
        self._flush(deadline)
        self._socket.settimeout(_left(deadline))
        data = self._socket.recv(_READ)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        events = self._protocol.events_received()
        self._frames += (event for event in events if isinstance(event, Frame))
        self._flush(deadline)
        if self._protocol.handshake_exc is not None:
            raise HangupError(str(self._protocol.handshake_exc)) from self._protocol.handshake_exc
        return any(isinstance(event, Response) for event in events)

    def _flush(self, deadline: float) -> None:
        for data in self._protocol.data_to_send():
            self._socket.settimeout(_left(deadline))
            if data:
                self._socket.sendall(data)
            else:
                self._socket.shutdown(socket.SHUT_WR)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
