"""Syslog over UDP, TCP or TLS.

No syslog transport answers. Over TCP and TLS a batch counts as delivered when the peer's system has acknowledged all
of its bytes and has not hung up; over UDP when the datagrams were sent.
"""

import fcntl
import select
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

_LOOK: Final = 0.005
"""Seconds between two looks at what is not acknowledged yet."""

_HUNG_UP: Final = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Syslog:
    """One collector."""

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
        self._socket: socket.socket | None = None

    def send(self, records: Sequence[Record]) -> Sent:
        """Send all; on a connection that broke, all are sent again."""
        messages = map(self._message, records)
        try:
            if self._sink.transport == "udp":
                connected = self._connected(socket.SOCK_DGRAM)
                for message in messages:
                    connected.send(message)
            else:
                # RFC 6587 3.4.1 and RFC 5425 4.3: the number of octets, a blank, the message.
                stream = b"".join(b"%d %s" % (len(message), message) for message in messages)
                connected = self._connected(socket.SOCK_STREAM)
                connected.sendall(stream)
                self._wait_until_acknowledged(connected)
        except OSError as error:
            self.close()
            what = tls.explain(error) if isinstance(error, ssl.SSLError) else why(error)
            raise UnavailableError(f"{self._place}: {what}", "check that it runs, host, port and transport") from error
        return Sent()

    def _message(self, record: Record) -> bytes:
        if self.encoding.id == "rfc5424":
            return record.payload
        return wrapped(record.notice, self._origin, record.payload)

    def _connected(self, kind: socket.SocketKind) -> socket.socket:
        """The connection there is, unless the peer has left it meanwhile; else a new one."""
        if self._socket is not None and _events(self._socket) & _HUNG_UP:
            self.close()
        if self._socket is None:
            self._socket = self._datagrams() if kind == socket.SOCK_DGRAM else self._stream()
        return self._socket

    def _datagrams(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(
            self._sink.host, self._sink.port, type=socket.SOCK_DGRAM
        )[0]
        made = socket.socket(family, kind, protocol)
        made.settimeout(self._sink.timeout_seconds)
        made.connect(address)  # so that a refusal by the peer's system reaches us
        return made

    def _stream(self) -> socket.socket:
        made = socket.create_connection((self._sink.host, self._sink.port), self._sink.timeout_seconds)
        if self._tls is None:
            return made
        try:
            return self._tls.wrap_socket(made, server_hostname=self._sink.host)
        except BaseException:
            made.close()
            raise

    def _wait_until_acknowledged(self, connected: socket.socket) -> None:
        deadline = self._clock.monotonic() + self._sink.timeout_seconds
        while True:
            unsent = fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
            if _events(connected) & _HUNG_UP:
                raise ConnectionResetError(None, "it hung up")
            if struct.unpack("i", unsent)[0] == 0:
                return
            if self._clock.monotonic() > deadline:
                raise TimeoutError(None, "it takes nothing more")
            self._clock.sleep(_LOOK)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _events(connected: socket.socket) -> int:
    poll = select.poll()
    poll.register(connected, select.POLLRDHUP)
    return poll.poll(0)[0][1] if poll.poll(0) else 0
