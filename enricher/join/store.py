"""The store: puts records into Redis in batches and reads them back in batches."""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

from enricher.errors import ConfigError, StoreError
from enricher.join.cluster import Cluster
from enricher.join.keys import Keys
from enricher.join.link import Link
from enricher.join.routing import Batch, Command
from enricher.join.server import EmbeddedServer
from enricher.join.settings import StoreSettings, validate
from enricher.model.observation import Prevalence
from enricher.model.record import Record

_IN_FLIGHT: Final = 2
"""Batches sent and not yet answered: the server works on one while we pack the next."""

_READ: Final = 128
"""Keys per pipeline of reads: bounds what the answers to one pipeline can hold."""


class Store:
    """Records of one namespace. A context manager; on exit an unnamed namespace is deleted."""

    def __init__(
        self,
        link: Link | Cluster,
        settings: StoreSettings,
        server: EmbeddedServer | None = None,
        *,
        exact: bool = False,
    ) -> None:
        """`exact`: keys as a service wants them, see `keys`."""
        self.settings = settings
        self.counters: Counter[str] = Counter()
        """`dropped.<kind>`: records dropped because a key was full; `unusable`: records with values beyond range."""
        self._private = settings.namespace is None
        self.namespace = settings.namespace or f"an1496:replay:{secrets.token_hex(8)}"
        self.keys = Keys(self.namespace, exact=exact)
        self._link = link
        self._server = server
        self._flying: list[tuple[int, list[tuple[int, str]]]] = []

    @classmethod
    def open(cls, url: str | None = None, settings: StoreSettings | None = None) -> Self:
        """Connect to `url`, or start an embedded server when it is None.

        Raises:
            ConfigError: settings that cannot work.
            UsageError: the URL cannot be read.
            StoreError: no server, or it refuses us.
        """
        settings = settings or StoreSettings()
        validate(settings)
        if settings.cluster:
            raise ConfigError("store.cluster: a replay does not work on a Redis Cluster", "give it a single server")
        if url is not None:
            return cls(Link(url, settings), settings)
        server = EmbeddedServer()
        try:
            link = Link(server.url, settings)
        except BaseException:
            server.close()
            raise
        server.hide()
        return cls(link, settings, server)

    def put(self, records: Iterable[Record], arrived: float | None = None) -> None:
        """Store records, in any order, any number of times. Returns when all but the last batches are acknowledged.

        `arrived`: when they came, for a service; what it did not hear of for as long as records are kept goes.

        Raises:
            StoreError: the server is away or refuses. What was sent before may be stored.
        """
        rest = iter(records)
        while chunk := list(islice(rest, self.settings.batch)):
            batch = Batch(self.keys)
            self.counters["unusable"] += batch.add(chunk)
            kept = {"ttl": self.settings.retention_seconds, "most": self.settings.max_members}
            commands = batch.commands(**kept, arrived=arrived)
            drops: list[tuple[int, str]] = []
            self._flying.append((self._link.send(_noting(commands, drops)), drops))
            self._land(_IN_FLIGHT - 1)

    def flush(self) -> None:
        """Wait until everything put is stored.

        Raises:
            StoreError: as `put`.
        """
        self._land(0)

    def secure(self) -> None:
        """Wait until everything is stored, with as many replicas as the settings say.

        Raises:
            StoreError: it is not.
        """
        self.flush()
        self._link.secure()

    def _land(self, leave: int) -> None:
        """Read the answers of all batches but the `leave` latest, and count what the server dropped."""
        while len(self._flying) > leave:
            count, drops = self._flying.pop(0)
            replies = self._link.receive(count)
            for at, key in drops:
                if replies[at]:
                    kind = key.removeprefix(self.namespace)[1:2]
                    self.counters[f"dropped.{_KINDS.get(kind, kind)}"] += replies[at]

    def read(self, commands: Sequence[Command]) -> Iterator[Any]:
        """The answers to any number of reading commands, a bounded number in each pipeline.

        Raises:
            StoreError: the server is away or refuses.
        """
        self.flush()
        for start in range(0, len(commands), _READ):
            yield from self._link.run(commands[start : start + _READ])

    def members(self, keys: Sequence[str]) -> Iterator[list[bytes]]:
        """The members of each sorted set, oldest first."""
        return self.read([("ZRANGE", key, 0, -1) for key in keys])

    def prefixed(self, wanted: Sequence[tuple[str, str]]) -> Iterator[list[bytes]]:
        """For each (key, prefix): the members that start with the prefix and a separator, without it."""
        commands: list[Command] = [("ZRANGEBYLEX", key, f"[{prefix}\0", f"({prefix}\1") for key, prefix in wanted]
        if self.keys.exact:  # it holds little else, and not in the order of its members
            commands = [("ZRANGE", key, 0, -1) for key, _ in wanted]
        for (_, prefix), found in zip(wanted, self.read(commands), strict=True):
            start = prefix.encode() + b"\0"
            yield [member.removeprefix(start) for member in found if member.startswith(start)]

    def prevalence(self, ja4s: Sequence[str]) -> dict[str, Prevalence]:
        """In how many client addresses each JA4 was seen (HyperLogLog, about 1 % off), and how many had any JA4."""
        commands: list[Command] = [("PFCOUNT", self.keys.seen), *(("PFCOUNT", self.keys.prevalence(j)) for j in ja4s)]
        total, *hosts = self.read(commands)
        return {ja4: Prevalence(hosts=n, total_hosts=max(total, n)) for ja4, n in zip(ja4s, hosts, strict=True)}

    def close(self) -> None:
        """Delete an unnamed namespace, hang up, end the embedded server."""
        try:
            if self._private and self._server is None:
                with suppress(StoreError):  # its keys expire
                    self._delete()
        finally:
            self._link.close()
            if self._server is not None:
                self._server.close()

    def _delete(self) -> None:
        """UNLINK our keys, found by SCAN: the only scan, at the end, and each step is short."""
        self.flush()
        cursor: bytes | int = 0
        while True:
            cursor, keys = self._link.run([("SCAN", cursor, "MATCH", f"{self.namespace}:*", "COUNT", 1000)])[0]
            if keys:
                self._link.run([("UNLINK", key) for key in keys])
            if int(cursor) == 0:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()


def _noting(commands: Iterable[Command], drops: list[tuple[int, str]]) -> Iterator[Command]:
    """The commands; those whose answer is how much was dropped are noted on the way, with their keys."""
    for at, command in enumerate(commands):
        if command[0] == "ZREMRANGEBYRANK":
            drops.append((at, str(command[1])))
        yield command


_KINDS: Final = {
    "c": "connections",
    "o": "observations",
    "i": "observation_index",
    "a": "address_claims",
    "p": "process_events",
    "l": "library_loads",
    "b": "binds",
    "n": "host_names",
    "g": "process_guids",
    "r": "full_handshakes",
    "x": "certificates",
    "u": "connection_facts",
}
"""What a key holds, by the letter after the namespace."""
