"""Lines of a followed log that give a record, as they can stand alone; the others are counted by reason."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from enricher import formats
from enricher.config import TailSource, source_name
from enricher.errors import ConfigError, InputError
from enricher.model.problem import Problem
from enricher.service.live.sources.payloads import check
from enricher.service.live.sources.tail import Tail
from enricher.service.ship.line import Line, line


class Lines:
    """One log."""

    def __init__(self, source: TailSource) -> None:
        """Nothing is opened before the first `read`.

        Raises:
            ConfigError: its format cannot be followed.
        """
        self.name = source_name(source)
        try:
            check(source.format, lines=True)
        except InputError as error:
            raise ConfigError(f"{self.name}: {error.message}", error.advice) from error
        self._taken: list[bytes] = []
        self._reader: formats.Reader | None = None
        self._dropped: Counter[str] = Counter()
        self._tail = Tail(
            self.name,
            Path(source.path),
            rotated=source.rotated,
            format_id=source.format,
            at_end=source.start == "end",
            reader_for=self._reader_for,
        )
        self.resume = self._tail.resume
        self.position = self._tail.position
        self.close = self._tail.close

    def read(self) -> Sequence[Line]:
        """What is there now, a bounded number; does not wait.

        Raises:
            An1496Error: the log cannot be read. Reading again tries again.
        """
        records = self._tail.read()
        taken = self._taken[:]
        self._taken.clear()
        return [line(record, payload) for record, payload in zip(records, taken, strict=True)]

    def dropped(self) -> Counter[str]:
        """How many records could not matter, by reason, since the last time that we were asked."""
        self._count()
        found, self._dropped = self._dropped, Counter()
        return found

    def problems(self) -> list[Problem]:
        """What could not be read since the last time that we were asked."""
        return self._tail.problems()

    def _reader_for(self, format_id: str, name: str) -> formats.Reader:
        self._count()
        self._reader = reader = formats.reader(format_id, name)
        if isinstance(reader, formats.LineReader):
            reader.alone = self._taken
        return reader

    def _count(self) -> None:
        if self._reader is not None:
            self._dropped += self._reader.skipped
            self._reader.skipped.clear()
