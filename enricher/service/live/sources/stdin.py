"""Standard input. Nobody can send again what was in a pipe when we died."""

import os
import select
import sys
from collections.abc import Sequence
from typing import Final

from enricher import formats
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.service import inputs
from enricher.service.live.sources._source import Source

_CHUNK: Final = 256 << 10


class Stdin(Source):
    """A log from a pipe."""

    def __init__(self, name: str, *, descriptor: int | None = None, format_id: str | None = None) -> None:
        """`descriptor`: another one than standard input's; `format_id`: None: by content."""
        self.name = name
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._format = format_id
        self._reader: formats.Reader | None = None
        self._waiting = b""
        self._own: list[Problem] = []

    def read(self) -> Sequence[Record]:
        """See `Source`."""
        if self.ended or not select.select([self._descriptor], [], [], 0)[0]:
            return ()
        data = os.read(self._descriptor, _CHUNK)
        if not data:
            self.ended = True
            self._know()
            return self._reader.close() if self._reader is not None else ()
        if self._reader is not None:
            return self._reader.feed(data)
        self._waiting += data
        return self._know() if b"\n" in self._waiting or len(self._waiting) >= inputs.HEAD else ()

    def problems(self) -> list[Problem]:
        """See `Source`."""
        found, self._own = self._own, []
        return found + (self._reader.take_problems() if self._reader is not None else [])

    def close(self) -> None:
        """See `Source`: it stays open."""

    def _know(self) -> Sequence[Record]:
        """Know the format by what came until now, and read that."""
        if self._reader is not None or not self._waiting:
            return ()
        waiting, self._waiting = self._waiting, b""
        known = self._format or formats.recognise(waiting)
        if known is None:
            self._own.append(inputs.not_recognised(self.name, waiting))
            self.ended = True
            return ()
        self._reader = formats.reader(known, self.name)
        return self._reader.feed(waiting)
