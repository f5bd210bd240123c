"""Result files: complete or not there at all."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from enricher.errors import OutputError


def folder(path: Path) -> Path:
    """Make the output folder.

    Raises:
        OutputError: it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made: {error.strerror}", "give another folder with --out") from error
    return path


def write(path: Path, lines: Iterable[bytes]) -> None:
    """Write all lines to a file beside `path`, then move it there, so that no reader sees half a file.

    Raises:
        OutputError: disk full, no permission; the old file, if any, is as it was.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise OutputError(f"{path}: cannot be written: {error.strerror}", "free space or give another --out") from error
