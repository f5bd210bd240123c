"""A Redis stream, read in a consumer group: entries are acknowledged when they are safe."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from enricher.errors import StoreError
from enricher.join.cluster import Cluster
from enricher.join.link import Link
from enricher.model.record import Record
from enricher.service.live.sources._redis import RedisSource

_FIELDS: Final = (b"message", b"payload", b"event", b"data")
"""Where shippers put the event, the first that is there; else the first field of the entry."""


class RedisStream(RedisSource):
    """One stream. Its user must be allowed `+ping +xgroup +xinfo +xreadgroup +xautoclaim +xack` on it."""

    def __init__(
        self,
        name: str,
        key: str,
        consumer: str,
        connect: Callable[[], Link | Cluster],
        clock: Callable[[], float],
        *,
        group: str,
        claim_seconds: float,
        most: int,
        format_id: str | None = None,
        field: str | None = None,
    ) -> None:
        """Nothing is sent before the first `read`.

        Args:
            name: what messages call it.
            key: the stream.
            consumer: who we are in the group: the same after a restart, nobody else.
            connect: makes a connection.
            clock: seconds that never go back.
            group: the consumer group; made when there is none, to read from the stream's beginning.
            claim_seconds: an entry that its consumer has held for so long is taken over.
            most: entries read at once.
            format_id: format of all entries; None: each by its content.
            field: which field of an entry holds the event; None: a usual one.
        """
        super().__init__(name, key, connect, most, format_id)
        self._consumer = consumer
        self._clock = clock
        self._group = group
        self._claim = claim_seconds
        self._fields = (field.encode(),) if field else _FIELDS
        self._own = b"0"
        """Up to which id our own pending entries were read; empty: all were."""
        self._claimed = clock()

    def read(self) -> Sequence[Record]:
        """See `Source`. First what we took before a restart, at times what a dead worker took, then the new."""
        entries = self._pending() if self._own else []
        if not entries and self._clock() - self._claimed >= self._claim:
            entries = self._taken_over()
        if not entries:
            entries = self._fetch(b">")
        held = set(self._held)
        fresh = [(id_, fields) for id_, fields in entries if id_ not in held]
        self._held += [id_ for id_, _ in fresh]
        # An entry that was deleted has no fields; acknowledging it is all there is to do.
        return self._payloads.read((id_.decode("ascii", "replace"), self._event(f)) for id_, f in fresh if f)

    def commit(self) -> None:
        """See `Source`."""
        if self._held:
            self._run(("XACK", self._key, self._group, *self._held))
            self._held = []

    def lag(self) -> float | None:
        """See `Source`."""
        for flat in self._run(("XINFO", "GROUPS", self._key))[0]:
            known = _pairs(flat)
            if known.get(b"name") == self._group.encode():
                behind = known.get(b"lag")
                return None if behind is None else float(behind)
        return None

    def _taken_over(self) -> list[Any]:
        idle = int(self._claim * 1000)
        command = ("XAUTOCLAIM", self._key, self._group, self._consumer, idle, "0-0", "COUNT", self._most)
        entries = self._run(command)[0][1]
        if len(entries) < self._most:  # else there may be more
            self._claimed = self._clock()
        return [entry for entry in entries if entry is not None]  # Redis 6.2 has None for one that was deleted

    def _pending(self) -> list[Any]:
        entries = self._fetch(self._own)
        self._own = entries[-1][0] if entries else b""
        return entries

    def _fetch(self, after: bytes) -> list[Any]:
        group = ("XREADGROUP", "GROUP", self._group, self._consumer)
        found = self._run((*group, "COUNT", self._most, "STREAMS", self._key, after))[0]
        return found[0][1] if found else []

    def _event(self, flat: Sequence[bytes]) -> bytes:
        fields = _pairs(flat)
        return next((fields[name] for name in self._fields if name in fields), flat[1])

    def _connected(self, link: Link | Cluster) -> None:
        """Make the group, if it is not there yet."""
        try:
            link.run([("XGROUP", "CREATE", self._key, self._group, "0", "MKSTREAM")])
        except StoreError as error:
            if "BUSYGROUP" not in error.message:
                raise

    def _failed(self) -> None:
        self._own = b"0"  # what was given to us is pending


def _pairs(flat: Sequence[Any]) -> Mapping[bytes, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
