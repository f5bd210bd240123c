"""Syslog over UDP, TCP or TLS.

No syslog transport answers. Over TCP and TLS each batch has a connection of its own: we end our side, and the batch
is delivered when the receiver, having read to that end, ends its own. A receiver that dies before has not got it.
Over UDP a batch is delivered when its datagrams are sent and nobody has refused one.
"""

import contextlib
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections.abc import Sequence
from typing import Final

from enricher.service.delivery import tls
from enricher.service.delivery.writer import Clock, Record, Sent, UnavailableError
from enricher.service.inputs import why
from enricher.sinks.encoding import ENCODINGS, Origin
from enricher.sinks.encoding.rfc5424 import wrapped
from enricher.sinks.settings import SyslogSink

_PIECE: Final = 4096


class Syslog:
    """One receiver."""

    def __init__(self, sink: SyslogSink, origin: Origin, clock: Clock) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: roots or certificate cannot be used.
        """
        self.encoding = ENCODINGS[sink.format]
        self._sink = sink
        self._origin = origin
        self._clock = clock
        self._place = f"syslog at {sink.host}:{sink.port}/{sink.transport}"
        self._tls = tls.context(sink.ca_file, sink.certificate, sink.key) if sink.transport == "tls" else None

    def send(self, records: Sequence[Record]) -> Sent:
        """Send all and wait until they are read; else all are sent again."""
        messages = [self._message(record) for record in records]
        try:
            if self._sink.transport == "udp":
                self._send_datagrams(messages)
            else:
                self._send_stream(messages)
        except OSError as error:
            what = tls.explain(error) if isinstance(error, ssl.SSLError) else why(error)
            raise UnavailableError(f"{self._place}: {what}", "check that it runs, host, port and transport") from error
        return Sent()

    def _message(self, record: Record) -> bytes:
        if self.encoding.id == "rfc5424":
            return record.payload
        return wrapped(record.notice, self._origin, record.payload)

    def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        host, port = self._sink.host, self._sink.port
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as connected:
            connected.settimeout(self._sink.timeout_seconds)
            connected.connect(address)  # so that a refusal by the peer's system reaches us
            for message in messages:
                connected.send(message)
            if refused := connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(refused, os.strerror(refused))

    def _send_stream(self, messages: Sequence[bytes]) -> None:
        # RFC 6587 3.4.1 and RFC 5425 4.3: the number of octets, a blank, the message.
        stream = b"".join(b"%d %s" % (len(message), message) for message in messages)
        plain = socket.create_connection((self._sink.host, self._sink.port), self._sink.timeout_seconds)
        with plain:
            if self._tls is None:
                plain.sendall(stream)
                self._wait_for_end(plain)
                return
            with self._tls.wrap_socket(plain, server_hostname=self._sink.host) as secure:
                secure.sendall(stream)
                self._wait_for_end(secure)

    def _wait_for_end(self, connected: socket.socket) -> None:
        """End our side and wait for the other's; a reset raises."""
        if isinstance(connected, ssl.SSLSocket):
            # rsyslog, for one, ends the connection without the close_notify that RFC 5425 4.4 asks for.
            with contextlib.suppress(ssl.SSLEOFError):
                connected = connected.unwrap()
        connected.shutdown(socket.SHUT_WR)
        deadline = self._clock.monotonic() + self._sink.timeout_seconds
        while connected.recv(_PIECE):
            if self._clock.monotonic() > deadline:
                raise TimeoutError(None, "it does not end the connection")
        # A receiver that went away before it had our bytes will not acknowledge them.
        if struct.unpack("i", fcntl.ioctl(connected, termios.TIOCOUTQ, bytes(4)))[0]:
            raise ConnectionResetError(None, "it hung up before it had all")

    def close(self) -> None:
        """Nothing is kept open."""
