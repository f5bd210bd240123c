"""Result files: complete or not there at all."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from enricher.errors import InputError, OutputError
from enricher.model.verdict import Notice


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


def find_notice(path: Path, wanted: str) -> Notice:
    """Find the notice whose id is, or begins with, `wanted`.

    Raises:
        InputError: no such file, a line that is no notice, no such id, or more than one that begins so.
    """
    try:
        notices = [msgspec.json.decode(line, type=Notice) for line in path.read_bytes().splitlines()]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "give the folder of a replay with --out") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: not a notice: {error}", "run the replay again") from error
    found = [notice for notice in notices if notice.id.startswith(wanted)]
    exact = [notice for notice in found if notice.id == wanted]
    if len(exact or found) != 1:
        what = "several notices begin with" if found else "no notice begins with"
        raise InputError(f"{path}: {what} {wanted!r}", "give a whole id from the table or the file")
    return (exact or found)[0]
