"""A Zeek that has the package, over its WebSocket API: one notice at a time, each until Zeek has it.

The package answers every notice, repeated ones too, so sending one again does no harm.
"""

import ssl
import time
from collections.abc import Sequence
from typing import Final, NoReturn
from urllib.parse import urlsplit, urlunsplit

from enricher.errors import ConfigError
from enricher.model.text import visible
from enricher.service.delivery import tls
from enricher.service.delivery.writer import Record, RefusedError, Sent, UnavailableError, one_by_one
from enricher.service.inputs import why
from enricher.service.websocket import HangupError, WebSocket
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.encoding.zeek_event import Ack, Receipt, Refusal, reply, subscriptions
from enricher.sinks.settings import ZeekSink

_PATH: Final = "/v1/messages/json"
_UNREADABLE: Final = "deserialization_failed"
"""Zeek's code for an event that it does not know, or whose arguments it cannot read."""

_LOAD: Final = "load the AN1496 package in Zeek, in the same version"
_CHECK: Final = "check the address, and that Zeek listens there (AN1496::feedback_port)"


class Zeek:
    """One Zeek. The connection is kept, though Zeek closes it when we are silent for some seconds."""

    encoding = ENCODINGS["zeek_event"]

    def __init__(self, sink: ZeekSink) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: the address is no WebSocket's, or a certificate file cannot be used.
        """
        self._url, self._place = address(sink.url)
        secure = self._url.startswith("wss:")
        self._tls = tls.context(sink.ca_file, sink.certificate, sink.key) if secure else None
        self._timeout = sink.timeout_seconds
        self._link: WebSocket | None = None
        self._confirmed = False
        """On this connection; then what Zeek has is our package."""

    def send(self, records: Sequence[Record]) -> Sent:
        """Publish each and wait until it is confirmed; the first that is not ends the batch."""
        return one_by_one(records, self._publish)

    def _publish(self, record: Record) -> None:
        kept = self._link
        try:
            self._tell(kept or self._connect(), record)
        except (HangupError, OSError) as error:
            self.close()
            if kept is None:
                raise UnavailableError(f"{self._place}: Zeek hung up: {cause(error)}", "see Zeek's own log") from error
            self._publish(record)
        except UnavailableError:
            self.close()
            raise

    def _tell(self, link: WebSocket, record: Record) -> None:
        notice = record.notice
        link.send(record.payload)
        wanted = Receipt(notice.id, notice.revision)
        deadline = time.monotonic() + self._timeout
        while self._answer(link, deadline, f"notice {notice.id} was not confirmed") != wanted:
            pass
        self._confirmed = True

    def _connect(self) -> WebSocket:
        try:
            self._link = link = WebSocket(self._url, self._tls, self._timeout)
        except (HangupError, OSError) as error:
            raise UnavailableError(f"{self._place}: Zeek cannot be reached: {cause(error)}", _CHECK) from error
        link.send(subscriptions())
        deadline = time.monotonic() + self._timeout
        while not isinstance(self._answer(link, deadline, "no answer to our greeting"), Ack):
            pass
        return link

    def _answer(self, link: WebSocket, deadline: float, silence: str) -> Ack | Receipt | None:
        try:
            said = reply(link.receive(deadline))
        except TimeoutError as error:
            raise UnavailableError(f"{self._place}: {silence} within {self._timeout:g} s", _LOAD) from error
        except ValueError as error:
            raise UnavailableError(f"{self._place} does not speak Zeek's WebSocket API", _CHECK) from error
        if isinstance(said, Refusal):
            self._refused(said)
        return said

    def _refused(self, said: Refusal) -> NoReturn:
        """Zeek says the same of an event that it does not know and of one that is wrong in itself.

        Raises:
            RefusedError: it has taken others.
            UnavailableError: it may lack the package.
        """
        what = f"{self._place}: Zeek refuses: {visible(f'{said.context} ({said.code})', 200)}"
        if self._confirmed and said.code == _UNREADABLE:
            raise RefusedError(what)
        raise UnavailableError(what, _LOAD)

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
        self._link, self._confirmed = None, False


def address(url: str) -> tuple[str, str]:
    """The address with its path, and what a message may say of it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        usable = False
    if not usable or not url.isprintable():
        raise ConfigError("url is not the address of a WebSocket", "write ws://HOST:PORT or wss://HOST:PORT")
    whole = parts._replace(path=parts.path.rstrip("/") or _PATH, fragment="")
    return urlunsplit(whole), f"{parts.scheme}://{parts.netloc}"


def cause(error: Exception) -> str:
    """Why there is no connection, for a person."""
    return tls.explain(error) if isinstance(error, ssl.SSLError) else visible(why(error), 200)
