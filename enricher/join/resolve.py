"""Everything in one store, matched: first the clocks, then every session, a group of buckets at a time."""

from collections import Counter
from collections.abc import Iterator

from enricher.join.hosts import HostReport
from enricher.join.learning import Learning
from enricher.join.reader import Reader
from enricher.join.resolver import Resolver
from enricher.join.settings import JoinSettings, validate
from enricher.join.store import Store
from enricher.model.session import Session


class Join:
    """Everything in one store, matched."""

    def __init__(self, store: Store, settings: JoinSettings | None = None) -> None:
        """Read names and learn clocks.

        Raises:
            ConfigError: a window is longer than records are kept.
            StoreError: the server is away or refuses.
        """
        settings = settings or JoinSettings()
        validate(store.settings, settings)
        self._reader = Reader(store, settings)
        self._hosts = self._reader.hosts()
        self._resolver = Resolver(self._reader, self._hosts, settings)
        learning = Learning(self._hosts, settings)
        for group in self._reader.groups():
            for there in self._reader.tuples(group).values():
                learning.add(there.sessions, there.records)
        self._reader.teach(self._hosts, learning)

    @property
    def counters(self) -> Counter[str]:
        """What was left out, see `Resolver`."""
        return self._resolver.counters

    def hosts(self) -> tuple[HostReport, ...]:
        """Names, coverage and clocks of every host, by name."""
        return self._hosts.report()

    def sessions(self) -> Iterator[Session]:
        """Every observed session once. The order is fixed for a set of records, but not by time: sort what you print.

        Raises:
            StoreError: the server is away or refuses.
        """
        for group in self._reader.groups():
            yield from self._resolver.sessions(self._reader.tuples(group))


def resolve(store: Store, settings: JoinSettings | None = None) -> Iterator[Session]:
    """Every observed session in the store with what the endpoints know of it. See `Join` for reports on hosts.

    Raises:
        ConfigError: a window is longer than records are kept.
        StoreError: the server is away or refuses.
    """
    return Join(store, settings).sessions()
