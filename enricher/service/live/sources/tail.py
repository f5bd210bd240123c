"""Follows a log file through rotation, truncation, compression and restart."""

import codecs
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

import msgspec

from enricher import formats
from enricher.errors import InputError
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.service import inputs
from enricher.service.live.sources._source import Source
from enricher.service.live.sources.opened import Opened, opened
from enricher.service.live.sources.rotation import HEAD, Part, Position, digest, plan

_HEADER: Final = b"#separator"
"""How Zeek begins a log's header; one may stand in the middle of a file."""

_QUIET: Final = 3
"""So often a renamed file must have nothing new before it is left: who writes it may notice late."""

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Whoever begins so has no line that can be read without its beginning: it is read anew, which does no harm."""

MakeReader = Callable[[str, str], formats.Reader]
"""Gives a reader of a format, by its id, for an input of some name."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Position).decode


class Tail(Source):
    """One log, under one name."""

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        rotated: str | None = None,
        format_id: str | None = None,
        at_end: bool = False,
        reader_for: MakeReader = formats.reader,
    ) -> None:
        """Nothing is opened before the first `read`.

        Args:
            name: what positions are kept under.
            path: the name that the log has while it is written.
            rotated: pattern of the names that it has later; None: beside it, with a number or a date in the name.
            format_id: its format; None: by its content.
            at_end: without a position, what is there already is passed over.
            reader_for: makes a reader of a format, for an input of some name.
        """
        self.name = name
        self._path = path
        self._rotated = rotated
        self._format = format_id
        self._at_end = at_end
        self._reader_for = reader_for
        self._known: Position | None = None
        """Where to go on, as long as no file is open: after the last whole line that was read, wherever that is now."""
        self._left = False
        """The file of that position was read to its end."""
        self._passed: set[Path] = set()
        """Older files that cannot be read."""
        self._file: _Reading | None = None
        self._quiet = 0
        self._problems: list[Problem] = []

    def resume(self, position: bytes) -> None:
        """Go on where we were."""
        try:
            known = _decode(position)
        except msgspec.DecodeError:
            self._problem(self._path, "its position in the store is none of ours; read from the beginning", "")
            return
        self._known = known

    def read(self) -> Sequence[Record]:
        """See `Source`."""
        if self._file is None and not self._open():
            return ()
        file = self._file
        assert file is not None
        try:
            data = file.opened.next()
        except inputs.UNREADABLE as error:
            self._problem(file.path, inputs.why(error), "what comes after is not read")
            return self._leave(file)
        if data:
            self._quiet = 0
            return file.feed(data)
        return self._look(file) if file.path == self._path else self._leave(file)

    def position(self) -> bytes | None:
        """See `Source`."""
        return _encode(self._file.position()) if self._file else None

    def lag(self) -> float | None:
        """See `Source`."""
        return float(self._file.opened.unread()) if self._file else None

    def problems(self) -> list[Problem]:
        """See `Source`."""
        found, self._problems = self._problems, []
        if self._file is not None:
            found += self._file.problems()
        return found

    def close(self) -> None:
        """See `Source`."""
        if self._file is not None:
            self._file.opened.close()
            self._file = None

    def _open(self) -> bool:
        """Open the file that is next; False: it is not there yet."""
        part = self._next()
        try:
            part = _at_end(part.path) if self._at_end else part
            self._file = _Reading(part, str(self._path), self._format, self._reader_for)
        except FileNotFoundError:
            self._at_end = False  # what it will hold was not there already
            return False
        except inputs.UNREADABLE as error:
            if part.path == self._path:
                raise InputError(f"{part.path}: {inputs.why(error)}", "check the file and who may read it") from error
            self._passed.add(part.path)
            self._problem(part.path, inputs.why(error), "check the file; what it holds is not read")
            return False
        self._known, self._left, self._at_end, self._quiet = None, False, False, 0
        return True

    def _next(self) -> Part:
        """What is to be read now; asked anew for each file, as the log may be rotated while an older one is read."""
        if self._known is None:
            return Part(self._path)
        self._at_end = False
        parts = plan(self._path, self._rotated, self._known)
        if parts is None and not self._left:
            what = "the file that was read before is not found under any rotated name; what it held more is not read"
            self._problem(self._path, what, "name where rotated logs go: rotated = PATTERN")
            self._known = None
        wanted = (part for part in (parts or [])[self._left :] if part.path not in self._passed)
        return next(wanted, Part(self._path))

    def _leave(self, file: "_Reading") -> Sequence[Record]:
        """A file is read to its end."""
        self._known, self._left = file.position(), True
        records = file.finish()
        self._problems += file.problems()
        file.opened.close()
        self._file = None
        return records

    def _look(self, file: "_Reading") -> Sequence[Record]:
        """Nothing is new: whether the log goes on under its name in another file, or in this one from the beginning."""
        try:
            same = self._path.stat().st_ino == file.opened.inode
        except FileNotFoundError:
            return ()  # renamed, and not begun anew yet
        if same and not file.overwritten():
            return ()
        if not same:
            self._quiet += 1
            if self._quiet < _QUIET:
                return ()
        if not same:
            return self._leave(file)
        self._known = file.position()
        self.close()
        return ()

    def _problem(self, where: Path, what: str, advice: str) -> None:
        self._problems.append(Problem(where=str(where), what=what, advice=advice))


class _Reading:
    """One file, from some position on."""

    def __init__(self, part: Part, name: str, format_id: str | None, reader_for: MakeReader) -> None:
        start = part.start or Position(0, 0, 0)
        self.path = part.path
        self.opened: Opened = opened(part.path, start.offset)
        self._name = name
        self._format = format_id
        self._reader_for = reader_for
        self._reader: formats.LineReader | None = None
        self._unknown = False
        self._waiting = b""
        """What came before the format was known."""
        self._own: list[Problem] = []
        self._read = self._whole = start.offset
        """Bytes read, and up to the end of the last whole line."""
        self._line, self._header = start.line, start.header
        self._head = self.opened.at(0, HEAD)[: start.offset]
        if start.offset:
            self._know(self.opened.head)

    def feed(self, data: bytes) -> Sequence[Record]:
        """Read the next bytes."""
        self._head += data[: max(0, HEAD - self._read)]
        self._waiting += data
        if self._reader is None and (b"\n" in data or len(self._waiting) >= inputs.HEAD):
            self._know(self._waiting)
        records: Sequence[Record] = ()
        if self._reader is not None:
            records = self._reader.feed(self._waiting)
        if self._reader is not None or self._unknown:
            self._waiting = b""
            self._count(data)
        self._read += len(data)
        return records

    def finish(self) -> Sequence[Record]:
        """Nothing comes any more: what is left."""
        return self._reader.close() if self._reader is not None else ()

    def position(self) -> Position:
        """After the last whole line."""
        head = self._head[: self._whole]
        return Position(self.opened.inode, self._whole, self._line, self._header, len(head), digest(head))

    def overwritten(self) -> bool:
        """Whether it is shorter than what was read, or begins otherwise: it was truncated and begun anew."""
        size = self.opened.size()
        return (size is not None and size < self._read) or self.opened.at(0, len(self._head)) != self._head

    def problems(self) -> list[Problem]:
        """What could not be read since the last time."""
        found, self._own = self._own, []
        return found + (self._reader.take_problems() if self._reader is not None else [])

    def _count(self, data: bytes) -> None:
        """Note where the last whole line ends, and where the last header begins."""
        end = data.rfind(b"\n") + 1
        if not end or self._head.startswith(_UTF16):
            return
        header = data.rfind(_HEADER, 0, end)
        if header == 0 or (header > 0 and data[header - 1 : header] == b"\n"):
            self._header = self._read + header
        self._whole = self._read + end
        self._line = self._reader.line if self._reader is not None else 0

    def _know(self, head: bytes) -> None:
        """Know the format from first bytes; where we start in the middle, hear the header that holds there."""
        if self._unknown:
            return
        known = self._format or formats.recognise(head)
        reader = self._reader_for(known, self._name) if known is not None else None
        if not isinstance(reader, formats.LineReader):
            self._unknown = True
            what = "not a log that we know" if known is None else f"{known} cannot be followed, only replayed"
            self._own.append(Problem(where=str(self.path), what=what, advice="give Zeek's logs or JSON lines"))
            return
        header = self.opened.at(self._header, inputs.HEAD)[: max(0, self._whole - self._header)]
        if header.startswith(_HEADER):
            lines = takewhile(lambda line: line.startswith(b"#"), header.splitlines(keepends=True))
            reader.feed(b"".join(lines))
        reader.line = self._line
        self._reader = reader


def _at_end(path: Path) -> Part:
    """A file after its last whole line."""
    file = opened(path, 0)
    size = file.size() or 0
    start = max(0, size - inputs.HEAD)
    end = start + file.at(start, size - start).rfind(b"\n") + 1
    file.close()
    found = end > start and not file.head.startswith(_UTF16)
    return Part(path, Position(file.inode, end, 0)) if found else Part(path)
