"""Windows event log files (EVTX): a header block, then chunks of 64 KiB, each complete in itself."""

import io
import struct
from collections.abc import Iterator
from typing import Any, Final, cast

from evtx import PyEvtxParser

from enricher.formats._binxml import BLANK, Blanker
from enricher.formats._event_tree import TREE, event_of
from enricher.formats._reader import BaseReader, Format
from enricher.formats._windows import WindowsEvents
from enricher.model.record import Record

_FILE_MAGIC: Final = b"ElfFile\0"
_HEADER_SIZE: Final = 4096
_CHUNK_SIZE: Final = 1 << 16
_HEADER: Final = struct.pack("<8sQQQIHHHH", _FILE_MAGIC, 0, 0, 1, 128, 1, 3, _HEADER_SIZE, 1).ljust(_HEADER_SIZE, b"\0")
"""The header of a file with one chunk. The file's own is not used: it is stale where a running system was copied."""
_CHAIN_HEADS: Final = struct.Struct("<96I")
_CHAIN_HEADS_AT: Final = 128
"""Of the 64 string and 32 template chains of a chunk."""
_LINK: Final = struct.Struct("<I")
_MOST_ERRORS: Final = 64


class EvtxReader(BaseReader):
    """Parses chunk by chunk: what is corrupt costs its own chunk at most."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._events = WindowsEvents(self.skipped)
        self._blanker = Blanker(self.skipped)
        self._file = io.BytesIO(_HEADER + bytes(_CHUNK_SIZE))
        """What the parser reads: one chunk after the other. To make it anew for each would cost a fifth of the time."""
        self._rest = b""
        self._offset = -_HEADER_SIZE
        """Where in the chunks `_rest` starts; negative before the first."""

    def feed(self, data: bytes) -> list[Record]:
        """See `Reader.feed`."""
        out: list[Record] = []
        start = 0
        while True:
            size = _CHUNK_SIZE if self._offset >= 0 else _HEADER_SIZE
            stop = start + size - len(self._rest)
            if stop > len(data):
                self._rest += data[start:]
                return out
            if self._offset >= 0:
                self._chunk(self._rest + data[start:stop], out)
            self._rest = b""
            self._offset += size
            start = stop

    def close(self) -> list[Record]:
        """See `Reader.close`."""
        out: list[Record] = []
        if self._offset < 0:
            self._problem("offset 0", "the file ends within its header", "copy the file again")
        elif self._rest:
            self._chunk(self._rest.ljust(_CHUNK_SIZE, b"\0"), out)
            self._broken("the file ends within this chunk")
        return out

    def _chunk(self, chunk: bytes, out: list[Record]) -> None:
        if not any(chunk[:512]):
            return
        if not _chains_end(chunk):
            self._broken("the chunk's string or template table loops")
            return
        with self._file.getbuffer() as file:
            file[_HEADER_SIZE:] = chunk
            self.records += self._blanker.blank(chunk, file[_HEADER_SIZE:])
        self._file.seek(0)
        records = PyEvtxParser(self._file, number_of_threads=1).records_json()
        for _ in range(_MOST_ERRORS):
            try:
                for record in cast("Iterator[dict[str, Any]]", records):
                    if (text := record["data"]) != BLANK:
                        self.records += 1
                        self._record(text, record["event_record_id"], out)
                return
            except RuntimeError as error:
                self._broken(str(error))

    def _record(self, text: str, record_id: int, out: list[Record]) -> None:
        try:
            event = event_of(TREE.decode(text), self._events, f"{self.name}:{record_id}")
        except ValueError:
            self.skipped["not an event"] += 1
            return
        if event is not None:
            out.append(event)

    def _broken(self, what: str) -> None:
        offset = _HEADER_SIZE + self._offset
        self._problem(f"offset {offset}", f"corrupt chunk: {what[:200]}", "its readable records were kept")


def _chains_end(chunk: bytes) -> bool:
    """Whether the chunk's linked lists end. The parser would follow a loop for ever."""
    seen: set[int] = set()
    for link in _CHAIN_HEADS.unpack_from(chunk, _CHAIN_HEADS_AT):
        while 0 < link <= _CHUNK_SIZE - _LINK.size:
            if link in seen:
                return False
            seen.add(link)
            (link,) = _LINK.unpack_from(chunk, link)  # noqa: PLW2901 -- walking the list
    return True


FORMAT: Final = Format("evtx", lambda head: head.startswith(_FILE_MAGIC), EvtxReader)
