"""A file, one record a line."""

from collections.abc import Sequence
from pathlib import Path

from enricher.service.delivery.append import AppendFile
from enricher.service.delivery.writer import Record, Sent, UnavailableError
from enricher.service.inputs import why
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import FileSink


class File:
    """One file."""

    def __init__(self, sink: FileSink) -> None:
        self.encoding = ENCODINGS[sink.format]
        self._file = AppendFile(Path(sink.path), self.encoding.header)

    def send(self, records: Sequence[Record]) -> Sent:
        """Add a line for each, on disk when this returns."""
        try:
            self._file.write(b"".join(record.payload + b"\n" for record in records))
        except OSError as error:
            raise UnavailableError(f"{self._file.path}: {why(error)}", "check path, rights and space") from error
        return Sent()

    def close(self) -> None:
        """Close it."""
        self._file.close()
