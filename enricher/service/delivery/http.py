"""HTTP towards sinks: one POST, and what the answer means whoever gives it.

No message holds the path of an address, its credentials or a header: with some services they are the secret.
"""

import base64
import gzip
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import urllib3

from enricher.errors import ConfigError
from enricher.service.delivery import tls
from enricher.service.delivery.writer import Clock, RefusedError, UnavailableError

MOST: Final = 32 << 20
"""Bytes of an answer."""

_PIECE: Final = 64 << 10
_LONGEST_WAIT: Final = 3600.0

_CONTENT: Final = frozenset((400, 413, 422))
"""What is wrong is in the request: a part of it may be taken."""
_CREDENTIALS: Final = frozenset((401, 403, 407))


class Answer(NamedTuple):
    """A server's answer of any status that `Http.post` does not raise for."""

    status: int
    body: bytes


class Http:
    """One server."""

    def __init__(self, url: str, ca_file: str | None, timeout: float, clock: Clock, *, gzipped: bool = False) -> None:
        """Check the address and the roots.

        Raises:
            ConfigError: they cannot be used.
        """
        self.base, self.place = _address(url)
        self._gzipped = gzipped
        self._timeout = timeout
        self._clock = clock
        context = tls.context(ca_file) if self.base.startswith("https:") else None
        self._pool = urllib3.PoolManager(
            num_pools=1,
            ssl_context=context,
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
            retries=False,
        )

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one request.

        Raises:
            UnavailableError: no answer, or one that says later, or whose reason lies with us or the server.
            RefusedError: the content is refused.
        """
        head = dict(headers)
        if self._gzipped:
            body, head["Content-Encoding"] = gzip.compress(body, mtime=0), "gzip"
        try:
            response = self._pool.request(
                method, self.base + path, body=body, headers=head, redirect=False, preload_content=False
            )
            answer = Answer(response.status, self._read(response))
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"{self.place}: {_why(error)}", "check that it runs, and the address") from error
        self._raise_for(answer, response.headers.get("Retry-After"))
        return answer

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one POST; raises as `send`."""
        return self.send("POST", path, body, headers)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """All of an answer that has a bound in size and time, however slowly it comes."""
        deadline = self._clock.monotonic() + self._timeout
        parts, size = [], 0
        try:
            while part := response.read1(_PIECE):
                parts.append(part)
                size += len(part)
                if size > MOST or self._clock.monotonic() > deadline:
                    raise urllib3.exceptions.ProtocolError("the answer does not end")
        except BaseException:
            response.close()  # what is left of it must not be taken for the answer to the next request
            raise
        response.release_conn()
        return b"".join(parts)

    def _raise_for(self, answer: Answer, retry_after: str | None) -> None:
        status = answer.status
        if 200 <= status < 300:
            return
        if status in _CONTENT:
            raise RefusedAnswerError(f"{self.place} refuses the content (status {status})", answer)
        if status in _CREDENTIALS:
            raise UnavailableError(f"{self.place} refuses our credentials (status {status})", "check key and rights")
        if status in {408, 429} or status >= 500:
            raise UnavailableError(f"{self.place} is busy or broken (status {status})", wait=_seconds(retry_after))
        raise UnavailableError(f"{self.place} answers with status {status}", "check the address")

    def close(self) -> None:
        """Hang up."""
        self._pool.clear()


class RefusedAnswerError(RefusedError):
    """The content is refused, with an answer that may say which part."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer


def basic(username: str, password: str) -> str:
    """The value of `Authorization` (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _address(url: str) -> tuple[str, str]:
    """The address without a slash at its end, and what a message may say of it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and url.isprintable()
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        usable, port = False, ""
    if not usable or parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError(
            "the address of a sink cannot be used", "write https://HOST[:PORT][/PATH], credentials in their own keys"
        )
    return url.rstrip("/"), f"{parts.scheme}://{parts.hostname}{port}"


def _why(error: urllib3.exceptions.HTTPError) -> str:
    """In words of our own: the library's hold the address."""
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error.__cause__
    if isinstance(cause, ssl.SSLError):
        return tls.explain(cause)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is not known"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "it does not take connections"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return "the connection broke before the answer was whole"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; the form with a date is not honoured, our own back-off is."""
    return min(float(retry_after), _LONGEST_WAIT) if retry_after and retry_after.isdecimal() else None
