r"""Rows of Zeek's logs, whether written as TSV or as JSON, and their values.

TSV follows Zeek's ASCII writer: `#separator`, `#set_separator`, `#empty_field`, `#unset_field`, `#path`, `#fields`;
bytes it cannot print stand as `\xNN`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from enricher.formats._values import Values, text

Row = Mapping[str, Any]
"""Field name to value. Unset fields are left out."""

MOST_ELEMENTS: Final = 1024
"""Of a set or vector."""

_ESCAPE: Final = re.compile(rb"\\x([0-9a-fA-F]{2})|\\\\")
_FAR: Final = 1e12
_CONTAINERS: Final = ("set[", "vector[")


class TsvLog:
    """The header that holds at this place of the input, and rows by it. Logs may stand one after another."""

    def __init__(self) -> None:
        self.path = ""
        self._fields: list[str] = []
        self._containers: set[str] = set()
        self.types: Mapping[str, str] = {}
        """Type by field, as the header has it."""
        self._separator, self._set_separator, self._empty, self._unset = b"\t", b",", b"(empty)", b"-"

    def header(self, line: bytes) -> None:
        """Take a line that starts with `#`."""
        if line.startswith(b"#separator "):
            self._separator = _unescape(line[len(b"#separator ") :]) or b"\t"
            return
        key, _, value = line.partition(self._separator)
        if key == b"#set_separator":
            self._set_separator = _unescape(value) or b","
        elif key == b"#empty_field":
            self._empty = value
        elif key == b"#unset_field":
            self._unset = value
        elif key == b"#path":
            self.path = value.decode("utf-8", "replace")
        elif key == b"#fields":
            self._fields = [f.decode("utf-8", "replace") for f in value.split(self._separator)]
        elif key == b"#types":
            types = [t.decode("utf-8", "replace") for t in value.split(self._separator)]
            self.types = dict(zip(self._fields, types, strict=False))
            self._containers = {field for field, type_ in self.types.items() if type_.startswith(_CONTAINERS)}

    def row(self, line: bytes) -> Row | None:
        """The values of one line; None where their number is not the header's."""
        values = line.split(self._separator)
        if not self._fields or len(values) != len(self._fields):
            return None
        named = zip(self._fields, values, strict=True)
        return {name: self._value(name, value) for name, value in named if value != self._unset}

    def _value(self, name: str, value: bytes) -> str | list[str]:
        if name in self._containers:
            parts = [] if value == self._empty else value.split(self._set_separator)
            return [_plain(part) for part in parts[:MOST_ELEMENTS]]
        return "" if value == self._empty else _plain(value)


def _unescape(value: bytes) -> bytes:
    if b"\\" not in value:
        return value
    return _ESCAPE.sub(lambda m: bytes((int(m[1], 16),)) if m[1] else b"\\", value)


def _plain(value: bytes) -> str:
    return _unescape(value).decode("utf-8", "replace")


def strings(value: Any) -> tuple[str, ...] | None:
    """The elements of a set or vector."""
    if isinstance(value, str):
        value = value.split(",") if value else []
    if not isinstance(value, list):
        return None
    return tuple(t for v in value[:MOST_ELEMENTS] if (t := text(v)) is not None)


def untagged(row: dict[str, Any]) -> Row:
    """A row, be it under its log's name, as zeek-kafka's `tag_json` has it; then fixed texts may stand beside it."""
    tag, inner = next(iter(row.items()), ("", None))
    return {"_path": tag, **inner} if isinstance(inner, dict) and "ts" in inner else row


def boolean(value: Any) -> bool | None:
    """A truth value: `T`, `F`, or JSON's."""
    return value if isinstance(value, bool) else {"T": True, "F": False}.get(value) if isinstance(value, str) else None


def seconds(value: Any, values: Values) -> float | None:
    """A time: seconds since 1970 as number or text, or ISO 8601."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return values.time(value)
    if not isinstance(value, (int, float)):
        return None
    if _FAR <= value < 1000 * _FAR:  # JSON::TS_MILLIS
        return value / 1000
    return float(value) if abs(value) < _FAR else None
