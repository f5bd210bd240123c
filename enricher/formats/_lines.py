"""Bytes in chunks to lines of UTF-8, each bounded in length."""

import codecs
import io
from typing import Final

from enricher.formats._reader import MAX_RECORD, BaseReader
from enricher.model.record import Record

_UTF16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Transcoder:
    """Gives UTF-8 without a byte order mark, whether the input is UTF-8 or UTF-16 (PowerShell writes the latter).

    UTF-16 is known by its byte order mark. Broken UTF-16 becomes replacement characters; UTF-8 passes as it is.
    """

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes, *, final: bool = False) -> bytes:
        """The next bytes, as UTF-8."""
        if self._head is not None:
            data = self._head + data
            if len(data) < len(codecs.BOM_UTF8) and not final:
                self._head = data
                return b""
            self._head = None
            if (encoding := _UTF16.get(data[:2])) is not None:
                self._decoder = codecs.getincrementaldecoder(encoding)("replace")
                data = data[2:]
            else:
                data = data.removeprefix(codecs.BOM_UTF8)
        if self._decoder is None:
            return data
        return self._decoder.decode(data, final).encode("utf-8", "replace")


class LineReader(BaseReader):
    """Cuts the input into lines and hands each to `_line`; an overlong line is one problem and no memory."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._transcoder = Transcoder()
        self._number = 0
        self._rest: list[bytes] = []
        self._held = 0
        self._last = False
        self.alone: list[bytes] | None = None
        """Where each line that gave a record goes too, as it can stand alone; None: nowhere."""

    @property
    def line(self) -> int:
        """Number of the last whole line that was read. Set where the reading starts in the middle of an input."""
        return self._number

    @line.setter
    def line(self, number: int) -> None:
        self._number = number

    def feed(self, data: bytes) -> list[Record]:
        """See `Reader.feed`."""
        return self._text(self._transcoder.feed(data))

    def close(self) -> list[Record]:
        """See `Reader.close`."""
        out = self._text(self._transcoder.feed(b"", final=True))
        if self._held:
            self._last = True
            out += self._text(b"\n")
        return out

    def _text(self, data: bytes) -> list[Record]:
        """Complete the line that is held, read the whole lines, hold the rest."""
        out: list[Record] = []
        for at in range(0, len(data), MAX_RECORD):
            lines = io.BytesIO(data[at : at + MAX_RECORD])
            if self._held:
                self._hold(lines.readline(), out)
            self._read(lines, out)
        return out

    def _hold(self, data: bytes, out: list[Record]) -> None:
        """Keep the start of a line, and read it when it has ended; of an overlong one keep only the length."""
        self._held += len(data)
        if self._held > MAX_RECORD + 1:
            self._rest.clear()
        else:
            self._rest.append(data)
        if data.endswith(b"\n"):
            if self._held > MAX_RECORD + 1:
                self._number += 1
                self._overlong()
            line, self._rest, self._held = b"".join(self._rest), [], 0
            self._read(io.BytesIO(line), out)

    def _read(self, lines: io.BytesIO, out: list[Record]) -> None:
        """Read every whole line."""
        read = self._line if self.alone is None else self._line_alone
        while line := self._next(lines):
            if not line.endswith(b"\n"):
                self._hold(line, out)
                return
            self._number += 1
            if len(line) > 1:
                read(line[:-1], out)

    def _next(self, lines: io.BytesIO) -> bytes:
        """The next line that may matter, or that has not ended; nothing where there is none."""
        return lines.readline()

    def _overlong(self) -> None:
        self.records += 1
        self.skipped["longer than a record can be"] += 1
        self._problem(self._number, f"line longer than {MAX_RECORD >> 20} MiB", "one record must stand on each line")

    def _line(self, line: bytes, out: list[Record]) -> None:
        """Read one line, whose number is `self._number`."""
        raise NotImplementedError

    def _line_alone(self, line: bytes, out: list[Record]) -> None:
        before = len(out)
        self._line(line, out)
        if self.alone is not None:
            self.alone += (self._alone(line) for _ in out[before:])

    def _alone(self, line: bytes) -> bytes:
        """A line as it can be read without those before it."""
        return line

    def _source(self) -> str:
        return f"{self.name}:{self._number}"
