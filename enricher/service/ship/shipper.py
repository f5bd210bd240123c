"""Read, put, note how far: in this order, so that whatever happens, nothing is lost, and some may be put twice."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from enricher.config import Config, TailSource, source_name
from enricher.errors import An1496Error, ConfigError
from enricher.service.log import Log
from enricher.service.patience import Patience, Stop
from enricher.service.ship.line import Line
from enricher.service.ship.lines import Lines
from enricher.service.ship.positions import Positions
from enricher.service.ship.target import build

_BATCH: Final = 500
"""Lines put together."""
_QUIET: Final = 8
"""So often nothing must come before what is there counts as read."""
_SAVE: Final = 1.0
"""Seconds of reading that may be done again after a death: to be noted for good takes longer than to be read."""
_REPORT: Final = 60.0
"""Seconds between two words about how much was shipped."""
_REASONS: Final = 20


class Shipper:
    """One forwarder's life."""

    def __init__(self, config: Config, log: Log, stopping: Callable[[float], bool]) -> None:
        """Check all that can be checked without talking to anybody.

        Args:
            config: what is read, and where it goes.
            log: where we say what happens.
            stopping: waits so many seconds, less if we are to end; whether we are.

        Raises:
            ConfigError: it can never work as it is configured.
        """
        if config.ship is None:
            raise ConfigError("ship is missing", "say in [ship] where lines go, and in which file positions are kept")
        if not config.sources:
            raise ConfigError("sources is empty", "add at least one [[sources]]")
        self.sources: list[Lines] = []
        for source in config.sources:
            if not isinstance(source, TailSource):
                raise ConfigError(f"{source_name(source)}: only files are shipped", 'leave sources of type "tail"')
            self.sources.append(Lines(source))
        self._settings = config.ship
        self._log = log
        self._stopping = stopping
        self._target = build(config.ship.target)
        self._patience = Patience(log, stopping)
        self._away: dict[str, An1496Error] = {}
        """Logs that cannot be read → why."""
        self._unsaved: dict[str, bytes] = {}
        """How far logs were read that is put, and not noted yet."""
        self._saved = 0.0
        self._counts: Counter[str] = Counter()
        self._reported = time.monotonic()

    def run(self, *, once: bool = False) -> None:
        """Work until asked to end; `once`: until all that is there is sent.

        Raises:
            ConfigError: positions cannot be kept.
            An1496Error: `once`, and a log cannot be read; all else is sent.
        """
        positions = Positions(Path(self._settings.state))
        try:
            for source in self.sources:
                if (known := positions.get(source.name)) is not None:
                    source.resume(known)
            self._log.info("started", sources=[source.name for source in self.sources])
            self._work(positions, once=once)
            self._save(positions)
        except Stop:
            self._log.warning("stopped while something is away; what was read is read again")
        finally:
            positions.close()
            self._report()
            self._target.close()
            for source in self.sources:
                source.close()
        self._log.info("stopped")

    def _work(self, positions: Positions, *, once: bool) -> None:
        quiet = 0
        while not self._stopping(0):
            read = self._round(positions)
            quiet = 0 if read else quiet + 1
            if once and quiet >= _QUIET:
                for error in self._away.values():
                    raise error
                return
            if time.monotonic() - self._reported >= _REPORT:
                self._report()
            if not read and self._stopping(self._settings.poll_seconds):
                return

    def _round(self, positions: Positions) -> bool:
        """Read what is there, put it, at times note how far that is; whether there was anything."""
        moved: dict[str, bytes] = {}
        for source in self.sources:
            lines = self._read(source)
            for at in range(0, len(lines), _BATCH):
                self._put(lines[at : at + _BATCH])
            known = self._unsaved.get(source.name, positions.get(source.name))
            if (position := source.position()) is not None and position != known:
                moved[source.name] = position
        self._unsaved |= moved
        if not moved or time.monotonic() - self._saved >= _SAVE:
            self._save(positions)
        return bool(moved)

    def _save(self, positions: Positions) -> None:
        self._patience.until_done("state", lambda: positions.save(self._unsaved))
        self._unsaved.clear()
        self._saved = time.monotonic()

    def _read(self, source: Lines) -> Sequence[Line]:
        try:
            lines = source.read()
        except An1496Error as error:
            self._away[source.name] = error
            self._patience.away(source.name, error)
            return ()
        self._away.pop(source.name, None)
        self._patience.back(source.name)
        for problem in source.problems():
            self._counts["problems"] += 1
            self._log.warning("not read", source=source.name, problem=str(problem))
        return lines

    def _put(self, lines: Sequence[Line]) -> None:
        refused = self._patience.until_done("target", lambda: self._target.put(lines))
        self._counts["shipped"] += len(lines) - len(refused)
        self._counts["refused"] += len(refused)
        for at, why in refused.items():
            self._log.error("refused", key=lines[at].key, size=len(lines[at].payload), error=why)

    def _report(self) -> None:
        """Say what became of what was read since the last time."""
        self._reported = time.monotonic()
        dropped: Counter[str] = sum((source.dropped() for source in self.sources), Counter())
        if self._counts or dropped:
            why = dict(dropped.most_common(_REASONS))
            self._log.info("shipped", **self._counts, dropped=dropped.total(), dropped_why=why)
        self._counts.clear()
