"""Records that come one by one, each with a name of its own, in whatever format each is."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from enricher import formats
from enricher.errors import InputError
from enricher.model.problem import Problem
from enricher.model.record import Record

_LISTED: Final = 20
"""Problems kept between two times that we are asked."""


class Payloads:
    """Reads payloads: each is one line, or a few, or one whole text, of a format that is known by its content."""

    def __init__(self, name: str, format_id: str | None = None) -> None:
        """`format_id`: the format of all; None: each by its content."""
        self._name = name
        self._format = format_id
        self._readers: dict[str, formats.LineReader] = {}
        self._problems: list[Problem] = []

    def read(self, payloads: Iterable[tuple[str, bytes]]) -> Sequence[Record]:
        """Records of payloads, each with its own name as source: it is the same when the payload comes again."""
        records: list[Record] = []
        for source, payload in payloads:
            text = formats.as_utf8(payload)
            known = self._format or formats.recognise(text)
            if known is None:
                self._problem(source, "neither an event nor a row of a log that we know")
                continue
            found = self._records(known, text)
            records += (msgspec.structs.replace(record, source=f"{self._name}:{source}") for record in found)
        return records

    def problems(self) -> list[Problem]:
        """What could not be read since the last time."""
        found, self._problems = self._problems, []
        for reader in self._readers.values():
            found += reader.take_problems()
        return found

    def _records(self, known: str, payload: bytes) -> Sequence[Record]:
        reader = self._readers.get(known) or formats.reader(known, self._name)
        if not isinstance(reader, formats.LineReader):
            found = [*reader.feed(payload), *reader.close()]
            self._problems += reader.take_problems()[: _LISTED - len(self._problems)]
            return found
        if known not in self._readers:
            reader.feed(b"\n" * 3)  # no mark at the start of one payload says how all others are encoded
            self._readers[known] = reader
        return reader.feed(payload if payload.endswith(b"\n") else payload + b"\n")

    def _problem(self, source: str, what: str) -> None:
        if len(self._problems) < _LISTED:
            self._problems.append(Problem(where=f"{self._name}:{source}", what=what))


def check(format_id: str | None, *, lines: bool) -> None:
    """Refuse a format that cannot be read; `lines`: also one that does not come line by line.

    Raises:
        InputError: that is so.
    """
    if format_id is None:
        return
    reader = formats.reader(format_id, "format")
    if lines and not isinstance(reader, formats.LineReader):
        raise InputError(f"format: {format_id} does not come line by line", "it can only be replayed")
