"""The ledger's rows as they are written, each revision a line; the highest of a session counts."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from enricher.errors import OutputError
from enricher.model.session import Session
from enricher.model.verdict import LedgerRow, Legs
from enricher.service.delivery.append import AppendFile
from enricher.sinks import jsonl

DUPLICATE: Final = "duplicate"
"""Disposition of a row whose session turned out to be another sensor's view of one that has a row of its own."""

_pack: Final = msgspec.msgpack.Encoder().encode


class Booked(LedgerRow, frozen=True, kw_only=True, gc=False):
    """One revision of a row."""

    revision: int


def booked(row: LedgerRow, revision: int) -> Booked:
    """A row as it is written."""
    return Booked(**msgspec.structs.asdict(row), revision=revision)


def duplicate(identity: str, instead: Session | None) -> LedgerRow:
    """The last row of a session that is none of its own any more; `identity` as `join.waiting` makes it."""
    uid, orig_h, orig_p, resp_h, resp_p, *_ = identity.split("\0")
    return LedgerRow(
        ts=instead.observation.ts if instead else 0.0,
        uid=uid,
        orig_h=orig_h,
        orig_p=int(orig_p),
        resp_h=resp_h,
        resp_p=int(resp_p),
        server_name=None,
        anomalies=(),
        disposition=DUPLICATE,
        method=None,
        host=None,
        process_guid=None,
        pid=None,
        image=None,
        candidates=(),
        severity="informational",
        score=0,
        legs=Legs(process="unavailable", library="unavailable", session="unavailable"),
        notice_id=None,
        clock_offset=None,
        clock_confidence=None,
        note=f"the same connection as {instead.observation.uid}" if instead else None,
    )


def digest(value: Any) -> bytes:
    """Short, and the same for the same value."""
    return hashlib.blake2b(_pack(value), digest_size=8).digest()


class Ledger:
    """The file to which rows are appended; it may be rotated at any time."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: rows are counted, not kept."""
        self._file = None if path is None else AppendFile(path)

    def append(self, rows: Iterable[Booked]) -> None:
        """Write rows; when this returns, they are on the disk.

        Raises:
            OutputError: disk full, no permission. Writing all again does no harm.
        """
        lines = b"".join(jsonl.line(row) for row in rows)
        if self._file is None or not lines:
            return
        try:
            self._file.write(lines)
        except OSError as error:
            what = f"{self._file.path}: the ledger cannot be written: {error.strerror}"
            raise OutputError(what, "free space") from error
