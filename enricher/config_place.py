"""Where in a configuration file something is wrong, and what was probably meant."""

import difflib
import functools
import operator
import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

from enricher.errors import ConfigError
from enricher.model.text import visible

Path = tuple[str | int, ...]
"""Keys, and places in arrays."""

_AT: Final = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_OURS: Final = re.compile(r"[a-z_]+(?:\[\d+\]|\.[a-z_]+)*")
"""How a message of our own begins: with the key that it is about."""
_ADVICE: Final = "see docs/configuration.md for every key"


def refused(error: msgspec.ValidationError, root: type, text: str, name: str) -> ConfigError:
    """What msgspec says of a configuration, with its line, and with the key that was probably meant."""
    said = str(error)
    found = _AT.search(said)
    path = _path(found[1]) if found else ()
    what = said[: found.start()] if found else said
    unknown = _UNKNOWN.fullmatch(what)
    kind, value = inspect.type_info(root), tomllib.loads(text)
    if unknown:
        meant = difflib.get_close_matches(unknown[1], _keys(kind, value, path), 1)
        path, what = (*path, unknown[1]), "there is no such key"
        advice = f"did you mean {meant[0]}?" if meant else _ADVICE
    else:
        choices = _choices(kind, value, path)
        advice = f"known are {', '.join(choices)}" if choices else _ADVICE
    return ConfigError(f"{_place(text, path, name)}: {visible(_written(path), 200)}: {visible(what, 200)}", advice)


def placed(error: ConfigError, text: str, name: str) -> ConfigError:
    """A message that begins with the key that it is about, with that key's line."""
    key = _OURS.match(error.message)
    return ConfigError(f"{_place(text, _path('.' + key[0]) if key else (), name)}: {error.message}", error.advice)


def _place(text: str, path: Path, name: str) -> str:
    """The file, and the line at which what is named begins; its table's, where it is not there itself."""
    for end in range(len(path), 0, -1):
        if (line := _line(text, path[:end])) is not None:
            return f"{name}:{line}"
    return name


def _line(text: str, path: Path) -> int | None:
    """The first line up to which the text has something at that path; only lines that hold its key can be it."""
    word = next((step for step in reversed(path) if isinstance(step, str)), "")
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if word in line and (whole := _whole(lines, at)) is not None and _has(whole, path):
            return at + 1
    return None


def _whole(lines: list[str], at: int) -> Any:
    """What stands up to the end of the value that begins on a line."""
    for end in range(at + 1, len(lines) + 1):
        try:
            return tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
    return None


def _has(value: Any, path: Path) -> bool:
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return False
    return True


def _path(written: str) -> Path:
    return tuple(key or int(place) for key, place in _STEP.findall(written))


def _written(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _at(kind: inspect.Type, value: Any, path: Path) -> list[inspect.Type]:
    """What there may be at a path; `value`, what is there, tells which of several tables it is."""
    if not path:
        return list(_members(kind))
    step, *rest = path
    below: list[inspect.Type] = []
    for each in _members(kind):
        if isinstance(each, inspect.VarTupleType) and isinstance(step, int):
            below.append(each.item_type)
        elif isinstance(each, inspect.StructType) and each.tag in (None, value.get(each.tag_field)):
            below += (field.type for field in each.fields if field.encode_name == step)
    return [found for each in below for found in _at(each, value[step], tuple(rest))]


def _keys(kind: inspect.Type, value: Any, path: Path) -> list[str]:
    """Those of the table at a path."""
    there = functools.reduce(operator.getitem, path, value)
    tables = [each for each in _at(kind, value, path) if isinstance(each, inspect.StructType)]
    meant = [each for each in tables if each.tag in (None, there.get(each.tag_field))]
    return [field.encode_name for each in meant for field in each.fields]


def _choices(kind: inspect.Type, value: Any, path: Path) -> list[str]:
    """The words that there may be at a path, where there may only be some."""
    literals = [each for each in _at(kind, value, path) if isinstance(each, inspect.LiteralType)]
    words = [str(word) for each in literals for word in each.values]
    tables = [each for each in _at(kind, value, path[:-1]) if isinstance(each, inspect.StructType)]
    return words or [str(each.tag) for each in tables if path and each.tag_field == path[-1]]


def _members(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _members(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _members(each)
    else:
        yield kind
