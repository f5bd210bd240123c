"""What no sink takes is kept in one file: the notice, who did not take it, and why."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from enricher.model.text import clean, visible
from enricher.model.verdict import Notice
from enricher.service.delivery.append import AppendFile
from enricher.service.delivery.writer import Clock
from enricher.sinks import jsonl

_REASON: Final = 500


class DeadLetters:
    """A bounded file, shared by all sinks; made when the first letter comes."""

    def __init__(self, path: Path, limit: int, clock: Clock) -> None:
        """`limit`: bytes at which it takes no more."""
        self.path = path
        self._file = AppendFile(path, mode=0o600)
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()

    def add(self, sink: str, letters: Iterable[tuple[Notice, str]]) -> int:
        """Keep notices with their reasons; how many there was no room or no disk for."""
        now = self._clock.wall()
        lines = [
            jsonl.encode({"ts": now, "sink": sink, "reason": visible(reason, _REASON), "notice": clean(notice)}) + b"\n"
            for notice, reason in letters
        ]
        kept: list[bytes] = []
        with self._lock:
            try:
                room = self._limit - self._file.size()
                for line in lines:
                    if len(line) <= room:
                        kept.append(line)
                        room -= len(line)
                if kept:
                    self._file.write(b"".join(kept))
            except OSError:
                return len(lines)
        return len(lines) - len(kept)

    def aside(self) -> Iterator[Path]:
        """Files of what is kept, to be sent again: what an earlier attempt left, then all that is kept now.

        From now on letters go into a new file. Who is done with one of these removes it; else it comes first next time.

        Raises:
            OSError: the folder cannot be changed.
        """
        aside = self.path.with_name(f"{self.path.name}.again")
        if aside.exists():
            yield aside
        with self._lock:
            if aside.exists() or not self.path.exists():
                return
            self.path.rename(aside)
        yield aside

    def put_back(self, lines: Sequence[bytes]) -> None:
        """Keep lines that were set aside, whatever the limit.

        Raises:
            OSError: they cannot be written.
        """
        if lines:
            with self._lock:
                self._file.write(b"".join(lines))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()
