"""Notices go back to Zeek over its WebSocket API, one at a time, each until Zeek has it.

Zeek's package answers every notice, repeated ones too, so sending one again does no harm.
"""

import ssl
import time
from collections.abc import Iterable
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

from enricher.config import ZeekConfig
from enricher.errors import ConfigError, DeliveryError
from enricher.model.problem import Problem
from enricher.model.text import visible
from enricher.model.verdict import Notice
from enricher.service.delivery import tls
from enricher.service.inputs import why
from enricher.service.websocket import HangupError, WebSocket
from enricher.sinks import zeek_event

_PATH: Final = "/v1/messages/json"
_TRIES: Final = 2
"""Zeek may restart, or close what was silent for long."""

_LOAD: Final = "load the AN1496 package in Zeek, in the same version"
_CHECK: Final = "check the address, and that Zeek listens there (AN1496::feedback_port)"


class Feedback:
    """One Zeek that is told."""

    def __init__(self, config: ZeekConfig) -> None:
        """Check what can be checked without talking to Zeek.

        Raises:
            ConfigError: the address is no WebSocket's, or a certificate file cannot be used.
        """
        self._url = _address(config.url or "")
        self._tls = _tls(config) if self._url.startswith("wss:") else None
        self._timeout = config.timeout_seconds
        self._link: WebSocket | None = None

    @classmethod
    def of(cls, config: ZeekConfig) -> Self | None:
        """The Zeek that the configuration names, if it names one."""
        return cls(config) if config.url is not None else None

    def publish(self, notices: Iterable[Notice]) -> list[Problem]:
        """Tell Zeek; the first notice that it does not get is the last that is tried."""
        try:
            for notice in notices:
                self._deliver(notice)
        except DeliveryError as error:
            return [Problem(where=visible(self._url), what=error.message, advice=error.advice)]
        finally:
            self.close()
        return []

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _deliver(self, notice: Notice) -> None:
        for left in reversed(range(_TRIES)):
            try:
                self._send(self._link or self._connect(), notice)
            except (HangupError, OSError) as error:
                self.close()
                if not left:
                    raise DeliveryError(f"Zeek hung up: {_cause(error)}", "see Zeek's own log") from error
            else:
                return

    def _send(self, link: WebSocket, notice: Notice) -> None:
        link.send(zeek_event.event(notice))
        wanted = zeek_event.Receipt(notice.id, notice.revision)
        deadline = time.monotonic() + self._timeout
        while self._answer(link, deadline, f"notice {notice.id} was not confirmed") != wanted:
            pass

    def _connect(self) -> WebSocket:
        try:
            link = WebSocket(self._url, self._tls, self._timeout)
        except (HangupError, OSError) as error:
            raise DeliveryError(f"Zeek cannot be reached: {_cause(error)}", _CHECK) from error
        self._link = link
        link.send(zeek_event.subscriptions())
        deadline = time.monotonic() + self._timeout
        while not isinstance(self._answer(link, deadline, "no answer to our greeting"), zeek_event.Ack):
            pass
        return link

    def _answer(self, link: WebSocket, deadline: float, silence: str) -> zeek_event.Ack | zeek_event.Receipt | None:
        try:
            said = zeek_event.reply(link.receive(deadline))
        except TimeoutError as error:
            raise DeliveryError(f"{silence} within {self._timeout:g} s", _LOAD) from error
        except ValueError as error:
            raise DeliveryError("what answers there does not speak Zeek's WebSocket API", _CHECK) from error
        if isinstance(said, zeek_event.Refusal):
            raise DeliveryError(f"Zeek refuses: {visible(f'{said.context} ({said.code})', 200)}", _LOAD)
        return said


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{visible(url)}: not the address of a WebSocket", "write ws://host:port or wss://host:port")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") or _PATH, fragment=""))


def _tls(config: ZeekConfig) -> ssl.SSLContext:
    try:
        return tls.context(config.ca_bundle, config.certificate, config.key)
    except ConfigError as error:
        raise ConfigError(error.message, "check [zeek] ca_bundle, certificate and key") from error


def _cause(error: Exception) -> str:
    return visible(why(error), 200)
