r"""The notice log as Zeek's ASCII writer writes it.

What would be read as something else stands as `\xNN`: every backslash, tabs, in vectors the comma, and the first
character of a value that equals the sign for unset or empty.
"""

import re
from typing import Any, Final

from enricher.model.verdict import Notice
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._zeek import COLUMNS, row

_UNSET: Final = "-"
_EMPTY: Final = "(empty)"
_SPECIAL: Final = re.compile(r"[\\\x00-\x1f\x7f]")
_SPECIAL_IN_VECTOR: Final = re.compile(r"[\\,\x00-\x1f\x7f]")

_HEADER: Final = (
    "#separator \\x09\n"
    f"#set_separator\t,\n#empty_field\t{_EMPTY}\n#unset_field\t{_UNSET}\n"
    "#path\tan1496_notice\n"
    "#fields\t" + "\t".join(COLUMNS) + "\n"
    "#types\t" + "\t".join(COLUMNS.values()) + "\n"
).encode()


def _write(notice: Notice, _origin: Origin) -> bytes:
    values = row(notice)
    return "\t".join(_field(values[name], type_) for name, type_ in COLUMNS.items()).encode()


def _field(value: Any, type_: str) -> str:
    if value is None:
        return _UNSET
    if isinstance(value, list):
        return ",".join(_text(item, _SPECIAL_IN_VECTOR) for item in value) or _EMPTY
    if type_ == "time":
        return f"{value:.6f}"
    return _text(value, _SPECIAL) if isinstance(value, str) else str(value)


def _text(value: str, special: re.Pattern[str]) -> str:
    if not value:
        return _EMPTY
    if value in {_UNSET, _EMPTY}:
        return _hex(value[0]) + value[1:]
    return special.sub(lambda match: _hex(match.group()), value)


def _hex(character: str) -> str:
    return f"\\x{ord(character):02x}"


ENCODING = Encoding("zeek_tsv", _write, "text/tab-separated-values; charset=utf-8", _HEADER)
