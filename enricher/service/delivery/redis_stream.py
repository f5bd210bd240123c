"""A Redis stream, over the same link as the store's."""

from collections.abc import Sequence

from enricher.errors import StoreError
from enricher.join.link import Link
from enricher.join.routing import Command
from enricher.join.settings import StoreSettings
from enricher.service.delivery.writer import Record, Sent, UnavailableError
from enricher.service.redis_url import with_credentials
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
        self._settings = StoreSettings(timeout_seconds=sink.timeout_seconds, ca_file=sink.ca_file)
        self._url = with_credentials(sink.url, sink.username, sink.password, self._settings)
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
