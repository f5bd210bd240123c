"""Text from outside on its way to a person: attackers choose names, paths and command lines."""

import unicodedata
from typing import TypeVar, cast

import msgspec

T = TypeVar("T")


def visible(text: str, limit: int | None = None) -> str:
    r"""Write every character that acts instead of shows as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.

    Escaped are controls (C0, DEL, C1), bidirectional and other format characters, line and paragraph separators, lone
    surrogates, and what Unicode has not assigned. For reading, not for reversing: backslashes stay as they are.
    Text longer than `limit` characters is cut before that, and ends in `…`.
    """
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(value: T) -> T:
    """The same value (record, tuple or map, at any depth) with `visible` applied to every text in it."""
    return cast("T", _clean(value))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, tuple):
        return tuple(_clean(item) for item in value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, msgspec.Struct):
        return type(value)(**{name: _clean(getattr(value, name)) for name in value.__struct_fields__})
    return value
