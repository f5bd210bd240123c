"""Which file holds what we have not read: a log is renamed, copied, compressed, and begun anew under its old name.

A file is known by its inode and its first bytes: an inode is used again for another file, a copy has another inode, and
a compressed file begins with the same bytes once it is unpacked.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from enricher.service import inputs
from enricher.service.inputs import Input, Stream
from enricher.service.live.sources.opened import PACKED

HEAD: Final = 1024
"""First bytes by which a file is known; fewer where fewer were read."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a followed file was read."""

    inode: int
    offset: int
    """After the last whole line; of unpacked bytes."""
    line: int
    """How many lines that is."""
    header: int = 0
    """Where the log's last header begins."""
    head: int = 0
    """How many first bytes the digest is of."""
    digest: bytes = b""


class Part(NamedTuple):
    """A file, and from where it is to be read."""

    path: Path
    start: Position | None = None
    """None: from its beginning."""


def digest(head: bytes) -> bytes:
    """What first bytes are known by."""
    return hashlib.blake2b(head, digest_size=16).digest()


def patterns(path: Path) -> tuple[str, ...]:
    """Names that a log beside us may have after it was rotated."""
    stem, suffix = path.stem, path.suffix
    return f"{path.name}.*", f"{path.name}-*", f"{stem}.[0-9]*{suffix}*", f"{stem}-[0-9]*{suffix}*"


def plan(path: Path, rotated: str | None, position: Position) -> list[Part] | None:
    """What is to be read after a position: the rest of its file, those begun since, and the one that has the name now.

    None: the file of the position is not found; nothing that was begun since can be told from what was read before.
    """
    if _is(path, position):
        return [Part(path, position)]
    older = _rotated(path, rotated)
    found = [at for at, file in enumerate(older) if _is(file, position)]
    if not found:
        return None
    plain = [at for at in found if older[at].suffix not in PACKED]
    at = (plain or found)[-1]
    return [Part(older[at], position), *map(Part, _since(older, at, position)), Part(path)]


def _since(older: list[Path], at: int, position: Position) -> Iterator[Path]:
    """Files begun after one of them, each once: compressing leaves both for a while."""
    known = {position.digest}
    for file in older[at + 1 :]:
        name = file.with_suffix("") if file.suffix in PACKED else file
        if _is(file, position) or (name != file and name in older):
            continue
        beginning = digest(_head(file, HEAD))
        if beginning not in known:
            known.add(beginning)
            yield file


def _rotated(path: Path, rotated: str | None) -> list[Path]:
    """Older logs, the oldest first."""
    if rotated is not None:
        anchor = Path(rotated).anchor
        names = Path(anchor or ".").glob(rotated.removeprefix(anchor))
    else:
        names = (file for pattern in patterns(path) for file in path.parent.glob(pattern))
    times = {}
    for file in names:
        with contextlib.suppress(OSError):
            if file != path and file.is_file():
                times[file] = file.stat().st_mtime_ns
    return sorted(times, key=lambda file: (times[file], str(file)))


def _is(path: Path, position: Position) -> bool:
    """Whether this is the file of a position, at least as long as that."""
    try:
        status = path.stat()
    except OSError:
        return False
    if not position.head:
        return status.st_ino == position.inode
    if path.suffix not in PACKED and status.st_size < position.offset:
        return False
    head = _head(path, position.head)
    return len(head) == position.head and digest(head) == position.digest


def _head(path: Path, size: int) -> bytes:
    """First bytes of a file, unpacked; empty where it cannot be read."""
    try:
        stream = Stream(Input(str(path), path, None))
    except inputs.UNREADABLE:
        return b""
    stream.close()
    return stream.head[:size]
