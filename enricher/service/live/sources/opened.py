"""A file's bytes from some offset on, unpacked: one that still grows, or one that is complete."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from enricher.service import inputs
from enricher.service.inputs import Input, Stream

PACKED: Final = (".gz", ".zst")
"""How the name of a compressed file ends."""

CHUNK: Final = 256 << 10
"""Bytes read at once."""


class Opened(Protocol):
    """An open file."""

    inode: int
    head: bytes
    """Its first bytes, at most 64 KiB, as it was opened."""

    def next(self) -> bytes:
        """The next bytes that are there; empty: none now.

        Raises:
            UNREADABLE: it cannot be read on.
        """

    def at(self, offset: int, size: int) -> bytes:
        """Bytes from somewhere, as they are now; of a packed file, only from its head."""

    def size(self) -> int | None:
        """How long it is now; None: it does not change."""

    def unread(self) -> int:
        """Bytes on disk that were not read."""

    def close(self) -> None:
        """Close it."""


class Growing:
    """A plain file; more may be written to it."""

    def __init__(self, path: Path, offset: int) -> None:
        # A pipe without a writer is not waited for.
        self._file = open(path, "rb", 0, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            self._file.close()
            raise OSError(errno.EINVAL, "not a regular file")
        self.inode = status.st_ino
        self.head = self.at(0, inputs.HEAD)
        self._file.seek(offset)

    def next(self) -> bytes:
        """See `Opened`."""
        return self._file.read(CHUNK)

    def at(self, offset: int, size: int) -> bytes:
        """See `Opened`."""
        return os.pread(self._file.fileno(), size, offset)

    def size(self) -> int | None:
        """See `Opened`."""
        return os.fstat(self._file.fileno()).st_size

    def unread(self) -> int:
        """See `Opened`."""
        return max(0, (self.size() or 0) - self._file.tell())

    def close(self) -> None:
        """See `Opened`."""
        self._file.close()


class Packed:
    """A compressed file, which nobody writes to any more."""

    def __init__(self, path: Path, offset: int) -> None:
        self._stream = Stream(Input(str(path), path, None))
        status = path.stat()
        self._size, self.inode = status.st_size, status.st_ino
        self.head = self._stream.head
        self._chunks = self._from(offset)

    def _from(self, offset: int) -> Iterator[bytes]:
        at = 0
        for chunk in self._stream.chunks():
            at += len(chunk)
            if at > offset:
                yield chunk[max(0, len(chunk) - (at - offset)) :]

    def next(self) -> bytes:
        """See `Opened`."""
        return next(self._chunks, b"")

    def at(self, offset: int, size: int) -> bytes:
        """See `Opened`."""
        return self.head[offset : offset + size]

    def size(self) -> int | None:
        """See `Opened`."""
        return None

    def unread(self) -> int:
        """See `Opened`."""
        return max(0, self._size - self._stream.packed_bytes)

    def close(self) -> None:
        """See `Opened`."""
        self._stream.close()


def opened(path: Path, offset: int) -> Opened:
    """Open a file at an offset of its unpacked bytes.

    Raises:
        UNREADABLE: it cannot be opened.
    """
    return Packed(path, offset) if path.suffix in PACKED else Growing(path, offset)
