"""Zeek's logs, TSV or JSON, one log or several in one input. Logs that tell nothing of TLS are counted and left."""

import re
from typing import Any, Final

import msgspec

from enricher.formats._json import Decoder, has_key
from enricher.formats._lines import LineReader
from enricher.formats._reader import Format
from enricher.formats._shipped import beginning, unpacked
from enricher.formats._values import Values
from enricher.formats._zeek_json import as_json
from enricher.formats._zeek_logs import LOGS, path_of
from enricher.formats._zeek_rows import Row, TsvLog, untagged
from enricher.model.record import Record

_DECODER: Final = Decoder(msgspec.json.Decoder(dict[str, Any]))
_TSV_START: Final = re.compile(rb"#(?:separator |set_separator\t|fields\t|path\t)")
_NAMED: Final = re.compile(rb'\{"_path":"(?:%s)"' % b"|".join(path.encode() for path in LOGS))
_TAGGED: Final = re.compile(rb'\{\s*"[A-Za-z0-9_-]{1,64}"\s*:\s*\{\s*"ts"\s*:')
"""A row in an object under its log's name, as zeek-kafka writes it with `tag_json`."""
_LONGEST_PATH: Final = 64


class ZeekReader(LineReader):
    """Reads rows; each goes to the log it is of."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._tsv = TsvLog()
        self._values = Values()

    def _line(self, line: bytes, out: list[Record]) -> None:
        line = line.removesuffix(b"\r")
        if line.startswith(b"#"):
            self._tsv.header(line)
            return
        if not line:
            return
        self.records += 1
        json = line.startswith(b"{")
        if not json and self._tsv.path not in LOGS:
            self._skip(self._tsv.path, "not needed")
            return
        row = self._json(line) if json else self._tsv.row(line)
        if row is None:
            what = (
                "the input ends within a row" if self._last else "not valid JSON" if json else "not a row of this log"
            )
            self._problem(self._number, what, "the file may still be written" if self._last else "")
            self.skipped["not a row"] += 1
            return
        path = path_of(row) if json else self._tsv.path
        mapper = LOGS.get(path)
        result = mapper(row, self._source(), self._values) if mapper is not None else "not needed"
        if isinstance(result, str):
            self._skip(path, result)
        else:
            out.append(result)

    def _alone(self, line: bytes) -> bytes:
        """As JSON, which needs no header; with the log's name where nothing else tells it."""
        line = line.removesuffix(b"\r")
        if not line.startswith(b"{"):
            return as_json(self._tsv, line)
        row = self._json(line) or {}
        if _TAGGED.match(line):
            return line
        return line if recognises(line) or "_path" in row else b'{"_path":"%s",%s' % (path_of(row).encode(), line[1:])

    def _json(self, line: bytes) -> Row | None:
        try:
            row: dict[str, Any] = _DECODER.decode(line)
            if "message" in row or "event" in row:
                row = _DECODER.decode(unpacked(line))
        except ValueError:
            return None
        return untagged(row)

    def _skip(self, path: str, why: str) -> None:
        self.skipped[f"{path[:_LONGEST_PATH] or 'unknown'}.log: {why}"] += 1


def recognises(head: bytes) -> bool:
    """A TSV header, or JSON with a log's name first, or with the keys of a connection's or a certificate's row."""
    if _TSV_START.match(head):
        return True
    head = beginning(head)
    return head[:1] == b"{" and (
        _NAMED.match(head) is not None
        or _TAGGED.match(head) is not None
        or (has_key(head, "uid") and has_key(head, "id.orig_h"))
        or (has_key(head, "fingerprint") and has_key(head, "certificate.subject"))
    )


FORMAT: Final = Format("zeek", recognises, ZeekReader)
