"""One input's bytes through its reader: batches of records, and what could not be read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from enricher.errors import InputError
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.service import inputs
from enricher.service.inputs import Input, Stream


class Reader(Protocol):
    """Bytes in, records out; the sensor and every format are one."""

    @property
    def problems(self) -> list[Problem]:
        """What could not be read so far."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """What gave no record, by reason."""

    def feed(self, data: bytes) -> Sequence[Record]:
        """Take the next bytes of the input; give what is complete."""

    def close(self) -> Sequence[Record]:
        """End of input: give what is left."""


class Progress(Protocol):
    """Told how far the reading is."""

    def start(self, name: str, size: int | None) -> None:
        """A new input begins; `size` in bytes on disk, None when unknown."""

    def advance(self, position: int) -> None:
        """So many bytes of it are read."""


class Tally:
    """What the reading of all inputs came to."""

    def __init__(self, problems: list[Problem] | None = None) -> None:
        self.problems = list(problems or ())
        self.records: Counter[str] = Counter()
        """Records by type."""
        self.skipped: Counter[str] = Counter()
        """Log records that gave nothing, by reason."""
        self.lost: Counter[str] = Counter()
        """What was left out and may hide something: by the sensor, the store or the join."""

    def add(self, other: "Tally") -> None:
        """Take in what another reading came to."""
        self.problems += other.problems
        self.records.update(other.records)
        self.skipped.update(other.skipped)
        self.lost.update(other.lost)


def read(
    source: Input, reader_for: Callable[[str, str], Reader], tally: Tally, progress: Progress
) -> Iterator[Sequence[Record]]:
    """Read one input to its end, or as far as it goes; trouble goes into the tally, never up.

    `reader_for` makes a reader from a kind and a display name, or raises InputError when this kind is not wanted.
    """
    try:
        stream = Stream(source)
    except inputs.UNREADABLE as error:
        tally.problems.append(Problem(where=source.name, what=inputs.why(error), advice="check the file"))
        return
    try:
        yield from _read_stream(source, stream, reader_for, tally, progress)
    finally:
        stream.close()


def _read_stream(
    source: Input, stream: Stream, reader_for: Callable[[str, str], Reader], tally: Tally, progress: Progress
) -> Iterator[Sequence[Record]]:
    kind = inputs.recognise(stream.head)
    if kind is None:
        if source.named:
            tally.problems.append(inputs.not_recognised(source.name, stream.head))
        else:
            tally.lost["files_neither_capture_nor_log"] += 1
        return
    try:
        reader = reader_for(kind, source.name)
    except InputError as error:
        if source.named:
            tally.problems.append(Problem(where=source.name, what=error.message, advice=error.advice))
        else:
            tally.lost["files_of_another_kind"] += 1
        return
    progress.start(source.name, source.size)
    for records in _feed(stream, reader, source, tally, progress):
        tally.records.update(type(record).__name__ for record in records)
        yield records
    # A log's skipped records could not matter; what a capture's sensor skipped could.
    (tally.lost if kind == inputs.CAPTURE else tally.skipped).update(reader.skipped)


def _feed(
    stream: Stream, reader: Reader, source: Input, tally: Tally, progress: Progress
) -> Iterator[Sequence[Record]]:
    told = None
    try:
        for chunk in stream.chunks():
            if records := reader.feed(chunk):
                yield records
            progress.advance(stream.packed_bytes)
    except inputs.UNREADABLE as error:
        tally.problems.append(Problem(where=source.name, what=inputs.why(error), advice="get the whole file"))
        told = list(reader.problems)  # that it ends within a record is said by this
    if records := reader.close():
        yield records
    tally.problems += reader.problems if told is None else told
