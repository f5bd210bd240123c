"""Finds the parts of a package: one part a file, each found by its presence, none twice."""

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType
from typing import TypeVar

from enricher.errors import RegistryError

T = TypeVar("T")


def modules(package: str) -> tuple[ModuleType, ...]:
    """Every public module of `package`, by name."""
    parent = importlib.import_module(package)
    names = sorted(m.name for m in pkgutil.iter_modules(parent.__path__) if not m.name.startswith("_"))
    return tuple(importlib.import_module(f"{package}.{name}") for name in names)


def unique(pairs: Iterable[tuple[str, T]], what: str) -> dict[str, T]:
    """Collect id → part; a doubled id is a fault.

    Raises:
        RegistryError: an id stands twice.
    """
    found: dict[str, T] = {}
    for key, part in pairs:
        if key in found:
            raise RegistryError(f"{what} {key!r} is defined twice", "give one of them another id")
        found[key] = part
    return found
