"""A Redis stream, over the same link as the store's."""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit, urlunsplit

from enricher.errors import ConfigError, StoreError, UsageError
from enricher.join.link import Link, place
from enricher.join.routing import Command
from enricher.join.settings import StoreSettings
from enricher.service.delivery.secret import reveal
from enricher.service.delivery.writer import Record, Sent, UnavailableError
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import RedisSink


class RedisStream:
    """One stream. Its user must be allowed `+ping +xadd` on the stream's key."""

    def __init__(self, sink: RedisSink) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: address or password cannot be used.
        """
        self.encoding = ENCODINGS[sink.format]
        self._sink = sink
        self._url = _with_credentials(sink)
        self._settings = StoreSettings(timeout_seconds=sink.timeout_seconds, ca_file=sink.ca_file)
        self._link: Link | None = None

    def send(self, records: Sequence[Record]) -> Sent:
        """One pipeline; when one entry is refused, all are sent again."""
        try:
            if self._link is None:
                self._link = Link(self._url, self._settings)
            self._link.run([self._entry(record) for record in records])
        except StoreError as error:
            self.close()
            raise UnavailableError(error.message, "check url, credentials and `+ping +xadd` of its user") from error
        return Sent()

    def _entry(self, record: Record) -> Command:
        notice = record.notice
        return (
            *("XADD", self._sink.stream, "MAXLEN", "~", self._sink.max_length, "*"),
            *("id", notice.id, "revision", notice.revision, "format", self.encoding.id, "payload", record.payload),
        )

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _with_credentials(sink: RedisSink) -> str:
    try:
        place(sink.url)
        parts = urlsplit(sink.url)
    except UsageError as error:
        raise ConfigError(error.message, error.advice) from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError("the URL of a Redis sink holds credentials", "give username and password in their own keys")
    if sink.password is None:
        return sink.url
    user = f"{quote(sink.username or '', safe='')}:{quote(reveal(sink.password), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))
