"""A file to which lines are added: whole lines only, on disk before we say so, and others may rename it away."""

import contextlib
import os
from pathlib import Path


class AppendFile:
    """Opened when first written to, and again when its name no longer leads to it."""

    def __init__(self, path: Path, header: bytes = b"", mode: int = 0o640) -> None:
        self.path = path
        self._header = header
        self._mode = mode
        self._fd: int | None = None

    def write(self, lines: bytes) -> None:
        """Add whole lines and wait until they are on disk. When that fails, none of them is in the file.

        Raises:
            OSError: disk full, no permission.
        """
        fd = self._open()
        before = os.fstat(fd).st_size
        if before == 0:
            lines = self._header + lines
        elif os.pread(fd, 1, before - 1) != b"\n":  # what a crash of the machine left of a line stays a line of its own
            lines = b"\n" + lines
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, before)
            raise

    def size(self) -> int:
        """Bytes in the file; 0 when there is none."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Close it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        if self._fd is not None and not self._is_at_its_name(self._fd):
            self.close()
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, self._mode)
        return self._fd

    def _is_at_its_name(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self.path.stat())
        except FileNotFoundError:
            return False
