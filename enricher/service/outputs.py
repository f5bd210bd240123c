"""Result files: complete or not there at all."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from enricher.errors import InputError, OutputError
from enricher.model.verdict import Notice

OBSERVATIONS: Final = "observations.jsonl"
SESSIONS: Final = "sessions.jsonl"
NOTICES: Final = "notices.jsonl"

_NOTICE: Final = msgspec.json.Decoder(Notice)


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


def write(folder: Path, results: Mapping[str, Iterable[bytes]]) -> None:
    """Write every result to a file beside its name, and only when all are whole, move them there.

    Raises:
        OutputError: disk full, no permission; the old results, if any, are as they were.
    """
    parts = {folder / name: folder / f"{name}.part" for name in results}
    try:
        for part, lines in zip(parts.values(), results.values(), strict=True):
            with part.open("wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink()
        raise OutputError(
            f"{folder}: the results cannot be written: {error.strerror}", "free space or give another --out"
        ) from error


def find_notice(path: Path, wanted: str) -> Notice:
    """Find the notice whose id is, or begins with, `wanted`; of several revisions, as a service writes them, the last.

    Raises:
        InputError: no such file, a line that is no notice, no such id, or more than one that begins so.
    """
    try:
        with path.open("rb") as file:
            found = [notice for notice in map(_NOTICE.decode, file) if notice.id.startswith(wanted)]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "give the folder of a replay with --out") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: not a notice: {error}", "run the replay again") from error
    latest = {notice.id: notice for notice in sorted(found, key=lambda notice: notice.revision)}
    if wanted not in latest and len(latest) != 1:
        what = "several notices begin with" if latest else "no notice begins with"
        raise InputError(f"{path}: {what} {wanted!r}", "give a whole id from the table or the file")
    return latest.get(wanted) or latest.popitem()[1]
