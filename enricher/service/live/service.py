"""The endless run: read, make safe, read on.

Nothing is read while something that was read is not safe: that is all the back-pressure there is, and it reaches as far
back as the sources do. Whatever is away (Redis, a sink, the disk), a round is tried again with the records at hand.
"""

import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from enricher.errors import An1496Error, ConfigError
from enricher.join.cluster import connect
from enricher.join.link import check
from enricher.join.live import LiveJoin
from enricher.join.store import Store
from enricher.model.record import Record
from enricher.service.delivery import Outlets
from enricher.service.engine import Engine
from enricher.service.live.ledger import Ledger
from enricher.service.live.metrics import Metrics, Page
from enricher.service.live.shedding import behind, shed
from enricher.service.live.sinks import Sinks
from enricher.service.live.sources._source import Source
from enricher.service.live.sources.build import build
from enricher.service.live.worker import Worker
from enricher.service.log import Log
from enricher.service.patience import LONGEST_PAUSE, Patience, Stop
from enricher.service.redis_url import store_url

NAMESPACE: Final = "an1496:live"
_TICK: Final = 1.0
"""Seconds between two looks at whose time has come, when nothing is read."""
_QUIET: Final = 8
"""So often nothing must come before what is there counts as read."""
_FOR_LIFE: Final = ("store", "join", "sinks", "delivery", "sources", "live")
"""Parts of the configuration that hold from the start to the end."""
_STALE: Final = 60.0
"""Seconds without a safe round after which we are not well."""


class Service:
    """One worker's life."""

    def __init__(self, engine: Engine, log: Log, stopping: Callable[[float], bool]) -> None:
        """Check all that can be checked without talking to anybody.

        Args:
            engine: the rooms.
            log: where we say what happens.
            stopping: waits so many seconds, less if we are to end; whether we are.

        Raises:
            ConfigError, UsageError: it can never work as it is configured.
        """
        config = engine.config
        url = store_url(config.store)
        if url is None:
            raise ConfigError("store.url is missing", "the service needs a Redis that outlives it: redis://HOST")
        check(url, config.store)
        if not config.sources:
            raise ConfigError("sources is empty", "add at least one [[sources]]")
        self._engine = engine
        self._config = config
        """As we began: where state lies and when what is told stays, whatever lists are read later."""
        self._log = log
        self._stopping = stopping
        self._url = url
        self._name = config.live.worker or socket.gethostname()
        self.sources: list[Source] = [
            build(source, config.live, self._name, engine.sensor) for source in config.sources
        ]
        self._outlets = Outlets(config)
        self._ledger = Ledger(Path(config.live.ledger) if config.live.ledger else None)
        self.metrics = Metrics()
        self._last = time.monotonic()
        self._patience = Patience(log, stopping)
        self._page: Page | None = None
        self._sinks = Sinks(log, self.metrics, self._patience)
        self._store: Store | None = None
        self._worker: Worker | None = None
        self._join: LiveJoin | None = None
        self._retry: dict[str, tuple[float, float]] = {}
        """Source → when it is tried again, after which pause."""
        self._away: dict[str, An1496Error] = {}
        """Source → why."""
        self._shedding: set[str] = set()
        """Sources that are too far behind."""

    def run(self, *, once: bool = False) -> None:
        """Work until asked to end, or until all sources have ended; `once`: until all that is there is read.

        Raises:
            An1496Error: `once`, and a source is away; all else is told.
        """
        live = self._config.live
        if live.metrics_port is not None:
            self._page = Page(live.metrics_host, live.metrics_port, self.metrics, self.health)
        self._log.info("started", sources=[source.name for source in self.sources])
        try:
            self._resume()
            quiet = 0
            while not self._stopping(0):
                read = self._round()
                self._sinks.again_if_asked(self._waits)
                quiet = 0 if read or not self._ready() else quiet + 1
                if quiet >= _QUIET and (once or all(source.ended for source in self.sources)):
                    self._until_safe("drain", self._drain)
                    for error in self._away.values():
                        raise error
                    break
                if not read and self._stopping(live.poll_seconds):
                    break
        except Stop:
            self._log.warning("stopped while something is away; what was read is read again")
        self._log.info("stopped")

    def _ready(self) -> bool:
        """Nothing read means that nothing is there, or that a source is away."""
        return all(source.ready or source.name in self._away for source in self.sources)

    def reload(self, engine: Engine) -> None:
        """From now on judge by other lists and thresholds. Of all else it is told that it needs a new start.

        Something may have been mended: dead letters are sent again after this round.
        """
        other = [name for name in _FOR_LIFE if getattr(engine.config, name) != getattr(self._config, name)]
        if other:
            self._log.warning("not changed before the next start", sections=other)
        self._engine = engine
        if self._worker is not None:
            self._worker.engine = engine
        self._sinks.asked = True
        self._log.info("reloaded")

    def health(self) -> dict[str, Any]:
        """Whether we do our work."""
        age = time.monotonic() - self._last
        wrong = self._patience.wrong or next((error.message for error in tuple(self._away.values())), None)
        return {"ok": age < _STALE, "seconds_since_round": round(age, 1), "wrong": wrong}

    def _resume(self) -> None:
        positions = self._until_safe("store", lambda: self._connected().positions())
        for source in self.sources:
            if source.name in positions:
                source.resume(positions[source.name])

    def _round(self) -> bool:
        """Read, and make it safe; whether there was anything."""
        batches = [(source, records) for source in self.sources if (records := self._read(source)) is not None]
        full = [(source.name, records) for source, records in batches if records]
        if not full and time.monotonic() - self._last < _TICK:
            return False
        positions = {s.name: p for s, _ in batches if (p := s.position()) is not None}
        started = time.monotonic()
        self._until_safe("round", lambda: self._safe(full, positions))
        for source, _ in batches:
            self._until_safe(source.name, source.commit)
        self._count(full, time.monotonic() - started)
        return bool(full)

    def _read(self, source: Source) -> Sequence[Record] | None:
        """What is there; None: the source is away."""
        at, pause = self._retry.get(source.name, (0.0, 0.0))
        if source.ended or time.monotonic() < at:
            return None
        try:
            records = self._engine.complete(source.read())
        except An1496Error as error:
            pause = min(LONGEST_PAUSE, max(0.5, pause * 2))
            self._retry[source.name] = time.monotonic() + pause, pause
            self.metrics.failed(source.name)
            known, self._away[source.name] = self._away.get(source.name), error
            if known is None or known.message != error.message:
                self._log.error("source away", source=source.name, error=error.message, advice=error.advice)
            return None
        self._away.pop(source.name, None)
        if self._retry.pop(source.name, None):
            self._log.info("source is back", source=source.name)
        for problem in source.problems():
            self.metrics.problem(source.name)
            self._log.warning("not read", source=source.name, problem=str(problem))
        return self._bearable(source, records)

    def _bearable(self, source: Source, records: Sequence[Record]) -> Sequence[Record]:
        """What we take of it: all, unless we may shed."""
        late = behind(source, self._config.live.shed_lag)
        if late != (source.name in self._shedding):
            self._shedding ^= {source.name}
            self._log.warning("shedding sessions without anomalies" if late else "shedding no more", source=source.name)
        if not late:
            return records
        kept = shed(records, self._engine)
        self.metrics.shed(source.name, len(records) - len(kept))
        return kept

    def _safe(self, batches: Sequence[tuple[str, Sequence[Record]]], positions: dict[str, bytes]) -> None:
        self._connected()
        assert self._worker is not None
        self._worker.round(batches, positions)

    def _drain(self) -> None:
        self._connected()
        assert self._worker is not None
        self._worker.drain()

    def _until_safe(self, what: str, work: Callable[[], Any]) -> Any:
        """Do it until it is done.

        Raises:
            Stop: we are to end before it is.
        """

        def failed() -> None:
            self._hang_up()
            self.metrics.failed(what)

        return self._patience.until_done(what, work, failed)

    def _connected(self) -> LiveJoin:
        """The join, over a connection that is not known to be broken."""
        if self._join is None:
            config = self._config
            settings = config.store
            if settings.namespace is None:
                settings = msgspec.structs.replace(settings, namespace=NAMESPACE)
            self._store = Store(connect(self._url, settings), settings, exact=True)
            self._join = LiveJoin(self._store, config.join, config.live, self._name)
            if self._sinks.delivery is None:
                folder = Path(config.live.ledger).parent if config.live.ledger else Path()
                self._sinks.delivery = self._outlets.open(folder)
            self._worker = Worker(
                self._engine,
                self._join,
                self._sinks.delivery,
                self._ledger,
                time.time,
                told=self.metrics.told,
                alive=self._waits,
            )
        return self._join

    def _waits(self) -> None:
        """While sinks or other workers are waited for."""
        self._stopping(0)
        self._sinks.hear()

    def _hang_up(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = self._join = None

    def _count(self, batches: Sequence[tuple[str, Sequence[Record]]], seconds: float) -> None:
        """Tell the metrics."""
        self._last = time.monotonic()
        self._sinks.hear()
        self.metrics.round(batches, seconds, time.time())
        if self._page is None:
            return
        for source in self.sources:
            if source.name not in self._retry:
                self.metrics.lag(source.name, _lag(source))
            self.metrics.capture(source.name, source.counts())
        if self._join is not None and self._store is not None:
            counts = self._until_safe("store", lambda: self._connected().counts())
            self.metrics.standing(counts, self._store.counters)

    def close(self) -> None:
        """Hang up everywhere."""
        for source in self.sources:
            source.close()
        self._sinks.close()
        self._hang_up()
        if self._page is not None:
            self._page.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lag(source: Source) -> float | None:
    try:
        return source.lag()
    except An1496Error:  # no reason to wait: the next reading tells whether it is away
        return None
