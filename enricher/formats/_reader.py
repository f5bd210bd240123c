"""What every reader shares: a bounded list of problems, and why records gave nothing."""

from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from enricher.model.problem import Problem
from enricher.model.record import Record

LISTED_PROBLEMS: Final = 20
"""Problems told one by one; the rest are counted."""

MAX_RECORD: Final = 4 << 20
"""Bytes of one line or event. Windows itself bounds an event to 64 KiB; shippers double and wrap it."""


class Reader(Protocol):
    """Reads one input of one format, pushed in chunks of any size; the chunking never changes the result."""

    records: int
    """Records read, whether they gave something or not."""
    skipped: Counter[str]
    """Why records gave nothing, and how many."""

    @property
    def problems(self) -> list[Problem]:
        """What could not be read: the first few verbatim, then one that counts the rest."""

    def take_problems(self) -> list[Problem]:
        """Those since the last time that we were asked: an input without end has room to tell of more."""

    def feed(self, data: bytes) -> list[Record]:
        """Take the next bytes of the input, decompressed; give what became complete."""

    def close(self) -> list[Record]:
        """The input has ended: give the rest."""


class Format(msgspec.Struct, frozen=True):
    """One format: how its content is recognised, and what reads it."""

    id: str
    recognises: Callable[[bytes], bool]
    """Whether the first bytes of an input (UTF-8 where they are text) are of this format."""
    reader: Callable[[str], Reader]


class BaseReader:
    """Counts and problems of one input."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.records = 0
        self.skipped: Counter[str] = Counter()
        self._listed: list[Problem] = []
        self._unlisted = 0

    @property
    def problems(self) -> list[Problem]:
        """See `Reader.problems`."""
        if not self._unlisted:
            return list(self._listed)
        return [*self._listed, Problem(where=self.name, what=f"and {self._unlisted} more problems like these")]

    def take_problems(self) -> list[Problem]:
        """See `Reader.take_problems`."""
        found = self.problems
        self._listed, self._unlisted = [], 0
        return found

    def _problem(self, place: object, what: str, advice: str = "") -> None:
        if len(self._listed) < LISTED_PROBLEMS:
            self._listed.append(Problem(where=f"{self.name}:{place}", what=what, advice=advice))
        else:
            self._unlisted += 1
