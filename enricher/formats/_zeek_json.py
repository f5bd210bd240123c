"""A row of a TSV log as Zeek's JSON: its log's name first, values by the header's types, unset fields left out.

The shape is that of Zeek's JSON writer with times as seconds; `_path` is what shippers of single rows add.
"""

import re
from types import MappingProxyType
from typing import Any, Final

import msgspec

from enricher.formats._zeek_rows import TsvLog

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?")
"""JSON numbers as Zeek writes them; their digits stay as they are."""
_NUMBERS: Final = frozenset(("time", "interval", "double", "count", "int", "port"))
_TRUTH: Final = MappingProxyType({"T": True, "F": False})
_ELEMENT: Final = re.compile(r"(?:set|vector)\[(.*)\]")


def as_json(log: TsvLog, line: bytes) -> bytes:
    """The row on a line of a log, to be read without its header."""
    row = (log.row(line) or {}).items()
    return msgspec.json.encode({"_path": log.path, **{name: _typed(log.types.get(name, ""), v) for name, v in row}})


def _typed(kind: str, value: Any) -> Any:
    if isinstance(value, list):
        inner = _ELEMENT.fullmatch(kind)
        return [_typed(inner[1] if inner else "", element) for element in value]
    if kind == "bool":
        return _TRUTH.get(value, value)
    if kind in _NUMBERS and _NUMBER.fullmatch(value):
        return msgspec.Raw(value.encode())
    return value
