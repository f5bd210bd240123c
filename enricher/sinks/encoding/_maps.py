"""Maps for JSON formats: what is not known has no key."""

from typing import Any


def known(value: Any) -> Any:
    """Drop None and what is empty, at any depth; 0 and False are values."""
    if isinstance(value, dict):
        kept = {key: known(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not _empty(item)}
    if isinstance(value, list | tuple):
        return [item for item in map(known, value) if not _empty(item)]
    return value


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, dict | list | str) and not value)
