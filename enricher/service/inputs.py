"""Files, folders and standard input become named byte streams, unpacked and recognised by their content."""

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, cast

import msgspec

from enricher import formats
from enricher.model.problem import Problem
from enricher.sensor.container import recognise as is_capture

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CAPTURE: Final = "capture"

HEAD: Final = 64 * 1024
CHUNK: Final = 256 * 1024
"""A piece stays in the processor's cache while it is read."""

_DAMAGE: Final = (gzip.BadGzipFile, zlib.error, EOFError, zstd.ZstdError)
UNREADABLE: Final = (OSError, *_DAMAGE)
"""What reading a file may raise."""

_NOT_READ: Final = (
    (b"PK\x03\x04", "a zip archive", "unpack it and give its files"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it with xz -d"),
    (b"BZh", "compressed with bzip2", "unpack it with bunzip2"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and give its files"),
    (b"Rar!", "a RAR archive", "unpack it and give its files"),
)


class Input(msgspec.Struct, frozen=True):
    """One file to read. `path` None is standard input; `named`: the user named it, it did not come with a folder."""

    name: str
    path: Path | None
    size: int | None
    named: bool = True


class Stream:
    """One input's bytes, unpacked, with its first 64 KiB at hand for recognition.

    Raises:
        UNREADABLE: from reading; `why` words them.
    """

    def __init__(self, source: Input) -> None:
        self.source = source
        # Left open until `close`: the stream is read in pieces over time.
        self._raw = _standard_input() if source.path is None else source.path.open("rb")
        self._file = _unpacked(self._raw)
        self._packed = self._file is not self._raw
        self._damage: Exception | None = None
        self.packed_bytes = 0
        self.head = self._read(HEAD)

    def chunks(self) -> Iterator[bytes]:
        """All bytes from the first on, in pieces of at most 256 KiB."""
        piece = self.head
        position = 0
        while piece:
            position += len(piece)
            self.packed_bytes = self._raw.tell() if self._packed and self._raw.seekable() else position
            yield piece
            piece = self._read(CHUNK)

    def _read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end or before damage, which is raised by the read after."""
        if self._damage is not None:
            raise self._damage
        parts = []
        try:
            while size > 0 and (part := self._file.read1(size)):
                parts.append(part)
                size -= len(part)
        except UNREADABLE as error:
            if not parts:
                raise
            self._damage = error
        return b"".join(parts)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.source.path is not None:
            self._raw.close()


def _standard_input() -> io.BufferedIOBase:
    return cast("io.BufferedIOBase", sys.stdin.buffer)


def _unpacked(raw: io.BufferedIOBase) -> io.BufferedIOBase:
    """What the bytes hold when they are compressed, else they themselves."""
    head = raw.peek(4)[:4] if isinstance(raw, io.BufferedReader) else b""
    if head[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw)
    if head == b"\x28\xb5\x2f\xfd":
        return cast("io.BufferedIOBase", zstd.ZstdFile(raw))
    return raw


def find(paths: Sequence[str], problems: list[Problem]) -> list[Input]:
    """List what `paths` name: files as they are, folders with all files below them, `-` as standard input.

    Each file once, sorted by name, so that the order of arguments does not matter. What is missing becomes a problem.
    """
    found: dict[str, Input] = {}
    for path in paths:
        for item in _expand(path, problems):
            key = "-" if item.path is None else str(item.path.resolve())
            if key not in found or item.named:
                found[key] = item
    return sorted(found.values(), key=lambda item: item.name)


def _expand(path: str, problems: list[Problem]) -> Iterator[Input]:
    if path == "-":
        yield Input("stdin", None, None)
        return
    try:
        status = os.stat(path)  # noqa: PTH116  # to Path an empty name, as of an unset variable, is the current folder
    except OSError as error:
        problems.append(Problem(where=path or '""', what=why(error), advice="check the path"))
        return
    if not stat.S_ISDIR(status.st_mode):
        yield Input(path, Path(path), status.st_size if stat.S_ISREG(status.st_mode) else None)
        return
    files = list(_walk(path, problems))
    if not files:
        problems.append(Problem(where=path, what="the folder has no files", advice="check the path"))
    yield from files


def _walk(folder: str, problems: list[Problem]) -> Iterator[Input]:
    def report(error: OSError) -> None:
        problems.append(Problem(where=str(error.filename), what=why(error)))

    for here, folders, names in os.walk(folder, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if not name.startswith(".") and path.is_file():
                yield Input(str(path), path, path.stat().st_size, named=False)


def recognise(head: bytes) -> str | None:
    """Say what a stream holds: `CAPTURE`, the id of a log format, or None."""
    return CAPTURE if is_capture(head) else formats.recognise(head)


def not_recognised(name: str, head: bytes) -> Problem:
    """Say why a named file is of no use."""
    if not head:
        return Problem(where=name, what="the file is empty", advice="check how it was written")
    for magic, what, advice in _NOT_READ:
        if head.startswith(magic):
            return Problem(where=name, what=f"this is {what}, not a capture or a log", advice=advice)
    return Problem(
        where=name,
        what="neither a capture nor a known log",
        advice="known are pcap, pcapng, Sysmon and Security events as EVTX, XML or JSON, Zeek logs, and Suricata's EVE",
    )


def why(error: Exception) -> str:
    """Word a reading error for the user."""
    if isinstance(error, _DAMAGE):
        return "the compressed data is damaged or cut off; what came before it was read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error)
