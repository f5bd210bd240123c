"""TOML tables from the package or from a user, with errors in the user's words."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from enricher.errors import ConfigError

T = TypeVar("T")


def tree(text: bytes | Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """TOML text as a table; a table stays itself.

    Raises:
        ConfigError: not TOML.
    """
    if isinstance(text, Mapping):
        return text
    try:
        return msgspec.toml.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what}: not TOML: {error}", "correct the file") from error


def convert(value: object, into: type[T], what: str) -> T:
    """One table as a record.

    Raises:
        ConfigError: a key is missing or unknown, or a value has another type or is out of range.
    """
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{what}: {error}", "see the packaged file of the same form") from error
