"""A Redis stream. Nothing is removed from it that a group has not acknowledged, unless that is allowed."""

from collections.abc import Sequence
from typing import Any, Final

from enricher.config_ship import RedisTarget
from enricher.errors import OutputError, StoreError
from enricher.join.cluster import Cluster, connect
from enricher.join.link import Link
from enricher.join.settings import StoreSettings
from enricher.service.redis_url import with_credentials
from enricher.service.ship.line import Line

COMMANDS: Final = ("ping", "xadd", "xlen", "xinfo", "xpending", "xtrim")
"""All that its user must be allowed, on the stream's key; the first two where `drop_oldest` is set."""


class RedisStream:
    """One stream."""

    def __init__(self, settings: RedisTarget) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: address or password cannot be used.
        """
        self._key, self._limit = settings.stream, settings.limit
        self._trim = ("MAXLEN", "~", settings.limit) if settings.drop_oldest else ()
        self._settings = StoreSettings(
            timeout_seconds=settings.timeout_seconds, ca_file=settings.ca_file, cluster=settings.cluster
        )
        self._url = with_credentials(settings.url, settings.username, settings.password, self._settings)
        self._link: Link | Cluster | None = None

    def put(self, lines: Sequence[Line]) -> dict[int, str]:
        """See `Target`."""
        try:
            if self._link is None:
                self._link = connect(self._url, self._settings)
            if not self._trim:
                self._make_room(self._link)
            self._link.run([("XADD", self._key, *self._trim, "*", "message", line.payload) for line in lines])
        except StoreError:
            self.close()
            raise
        return {}

    def close(self) -> None:
        """See `Target`."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _make_room(self, link: Link | Cluster) -> None:
        (length,) = link.run([("XLEN", self._key)])
        if length < self._limit:
            return
        read = self._read_by_all(link)
        if read is None or not link.run([("XTRIM", self._key, "MINID", read)])[0]:
            raise OutputError(
                f"the stream {self._key} holds {length} entries, and not all its readers have acknowledged the oldest",
                "start what reads it, remove groups that nobody uses any more, or raise ship.target.limit",
            )

    def _read_by_all(self, link: Link | Cluster) -> bytes | None:
        """The id before which every group has acknowledged every entry; None: nobody reads."""
        (flat,) = link.run([("XINFO", "GROUPS", self._key)])
        groups: list[dict[bytes, Any]] = [dict(zip(group[::2], group[1::2], strict=True)) for group in flat]
        pending = link.run([("XPENDING", self._key, group[b"name"]) for group in groups])
        oldest = [lowest or group[b"last-delivered-id"] for group, (_, lowest, *_) in zip(groups, pending, strict=True)]
        return min(oldest, key=_order, default=None)


def _order(id_: bytes) -> tuple[int, int]:
    time, _, sequence = id_.partition(b"-")
    return int(time), int(sequence)
