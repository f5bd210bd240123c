"""A Redis list, as Winlogbeat and Logstash fill it: what we take lies in a second list until it is safe."""

import hashlib
from collections.abc import Callable, Sequence

from enricher.join.cluster import Cluster
from enricher.join.link import Link
from enricher.model.record import Record
from enricher.service.live.sources._redis import RedisSource


class RedisList(RedisSource):
    """One list. Its user must be allowed `+ping +lmove +lrange +lrem +llen` on it and on its second list."""

    def __init__(
        self,
        name: str,
        key: str,
        consumer: str,
        connect: Callable[[], Link | Cluster],
        *,
        most: int,
        format_id: str | None = None,
    ) -> None:
        """Nothing is sent before the first `read`.

        Args:
            name: what messages call it.
            key: the list.
            consumer: whose second list it is, `KEY:an1496:CONSUMER`: the same after a restart, of nobody else.
            connect: makes a connection.
            most: entries read at once.
            format_id: format of all entries; None: each by its content.
        """
        super().__init__(name, key, connect, most, format_id)
        self._taken = f"{key}:an1496:{consumer}"
        self._recovering = True

    def read(self) -> Sequence[Record]:
        """See `Source`. What a predecessor took and did not finish comes first."""
        taken = (self._recover() if self._recovering else []) or self._take()
        self._held += taken
        return self._payloads.read((hashlib.blake2b(entry, digest_size=6).hexdigest(), entry) for entry in taken)

    def commit(self) -> None:
        """See `Source`."""
        if self._held:
            # By value, not by number: where the answer is lost, doing it again takes nothing else away.
            self._run(*(("LREM", self._taken, 1, entry) for entry in self._held))
            self._held = []

    def lag(self) -> float | None:
        """See `Source`."""
        return float(self._run(("LLEN", self._key))[0])

    def _recover(self) -> list[bytes]:
        start = len(self._held)
        entries: list[bytes] = self._run(("LRANGE", self._taken, start, start + self._most - 1))[0]
        self._recovering = len(entries) == self._most
        return entries

    def _take(self) -> list[bytes]:
        move = ("LMOVE", self._key, self._taken, "LEFT", "RIGHT")
        (waiting,) = self._run(("LLEN", self._key))
        return [entry for entry in self._run(*[move] * min(waiting, self._most)) if entry is not None]

    def _failed(self) -> None:
        self._recovering = True  # what was moved is read from the second list
