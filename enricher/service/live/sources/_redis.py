"""What lists and streams of a Redis share: a connection that is made when it is needed, anew after each failure."""

from collections.abc import Callable
from typing import Any

from enricher.errors import StoreError
from enricher.join.cluster import Cluster
from enricher.join.link import Link
from enricher.model.problem import Problem
from enricher.service.live.sources._source import Source
from enricher.service.live.sources.payloads import Payloads


class RedisSource(Source):
    """A key from which entries come, and which itself remembers which of them are safe."""

    def __init__(
        self, name: str, key: str, connect: Callable[[], Link | Cluster], most: int, format_id: str | None
    ) -> None:
        self.name = name
        self._key = key
        self._connect = connect
        self._most = most
        self._payloads = Payloads(key, format_id)
        self._link: Link | Cluster | None = None
        self._held: list[bytes] = []
        """What was read and is not safe yet."""

    def problems(self) -> list[Problem]:
        """See `Source`."""
        return self._payloads.problems()

    def close(self) -> None:
        """See `Source`."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _run(self, *commands: tuple[Any, ...]) -> list[Any]:
        try:
            if self._link is None:
                self._link = self._connect()
                self._connected(self._link)
            return self._link.run(commands)
        except StoreError:
            self.close()
            self._failed()
            raise

    def _connected(self, link: Link | Cluster) -> None:
        """A connection was made."""

    def _failed(self) -> None:
        """Entries may have been given to us of which we do not know."""
        raise NotImplementedError
