"""Sessions that Zeek publishes, over its WebSocket API. Nobody keeps them: what we do not hear is lost."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from enricher.config import ZeekSource
from enricher.errors import InputError
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.model.text import visible
from enricher.service.delivery import tls
from enricher.service.delivery.zeek import address, cause
from enricher.service.live.sources._source import Source
from enricher.service.live.sources.payloads import Payloads
from enricher.service.websocket import HangupError, WebSocket
from enricher.sinks.encoding.zeek_event import Ack, Event, Refusal, heard, subscriptions

TOPIC: Final = "/an1496/sessions"
_EVENT: Final = "AN1496::session_published_v1"
_MOMENT: Final = 0.01
"""Seconds that one reading waits for more."""
_LONGEST: Final = 0.5
"""Seconds that one reading may take."""
_LARGEST: Final = 4 << 20
"""Bytes of a record, as of a line."""
_LISTED: Final = 20
_ADVICE: Final = "check the address, and that Zeek listens there (AN1496::feedback_port)"


class ZeekSessions(Source):
    """One Zeek. A new connection is made when it is read after a failure."""

    def __init__(self, name: str, settings: ZeekSource, *, most: int) -> None:
        """Nothing is sent before the first `read`; `most`: records read at once.

        Raises:
            ConfigError: the address is no WebSocket's, or a certificate file cannot be used.
        """
        self.name = name
        self._url, self._place = address(settings.url)
        secure = self._url.startswith("wss:")
        self._tls = tls.context(settings.ca_file, settings.certificate, settings.key) if secure else None
        self._timeout = settings.timeout_seconds
        self._most = most
        self._payloads = Payloads(name, "zeek")
        self._link: WebSocket | None = None
        self._own: list[Problem] = []

    def read(self) -> Sequence[Record]:
        """See `Source`."""
        rows: list[bytes] = []
        try:
            link = self._link or self._connect()
            until = time.monotonic() + _LONGEST
            while len(rows) < self._most and time.monotonic() < until:
                rows += self._row(link.receive(time.monotonic() + _MOMENT))
        except TimeoutError:
            pass  # that is all for now
        except (HangupError, OSError, ValueError) as error:
            if not rows:  # else the next reading says so
                self.close()
                known = isinstance(error, HangupError | OSError)  # a refused certificate is a ValueError too
                why = f"Zeek hung up: {cause(error)}" if known else "no WebSocket API of Zeek"
                raise InputError(f"{self._place}: {why}", _ADVICE) from error
        return self._payloads.read((hashlib.blake2b(row, digest_size=6).hexdigest(), row) for row in rows)

    def problems(self) -> list[Problem]:
        """See `Source`."""
        found, self._own = self._own, []
        return found + self._payloads.problems()

    def close(self) -> None:
        """See `Source`."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _connect(self) -> WebSocket:
        link = self._link = WebSocket(self._url, self._tls, self._timeout, _LARGEST)
        link.send(subscriptions(TOPIC))
        try:
            said = heard(link.receive(time.monotonic() + self._timeout))
        except TimeoutError as error:
            raise HangupError(f"no answer within {self._timeout:g} s") from error
        if not isinstance(said, Ack):
            raise HangupError("it does not greet")
        return link

    def _row(self, message: bytes) -> list[bytes]:
        said = heard(message)
        if isinstance(said, Event) and said.name == _EVENT and len(said.arguments) == 1:
            try:
                row = msgspec.json.decode(str(said.arguments[0]), type=dict[str, Any])
            except ValueError:
                self._problem("a session that is no JSON object")
            else:
                return [msgspec.json.encode({"_path": "an1496", **dict(_flat(row))})]
        elif isinstance(said, Refusal):
            self._problem(visible(f"{said.context} ({said.code})", 200))
        return []

    def _problem(self, what: str) -> None:
        if len(self._own) < _LISTED:
            self._own.append(Problem(where=self._place, what=what))


def _flat(row: Mapping[str, Any], prefix: str = "", depth: int = 4) -> Iterator[tuple[str, Any]]:
    """Fields as the log names them, from records within records; a port without its protocol."""
    for key, value in row.items():
        if isinstance(value, dict) and value.keys() == {"port", "proto"}:
            yield prefix + key, value["port"]
        elif isinstance(value, dict) and depth:
            yield from _flat(value, f"{prefix}{key}.", depth - 1)
        else:
            yield prefix + key, value
