"""What the fuzzer feeds: one public module per entry point, found by its presence, each with one or more targets.

A target takes any bytes and raises where a promise is broken. The fuzzer (`run.py`) feeds it; `test_targets.py` does so
a little, so that it does not rot.
"""

import importlib
import pkgutil
from types import MappingProxyType

from targets._target import Target

__all__ = ["TARGETS", "Target"]

_MODULES = [name for _, name, _ in pkgutil.iter_modules(__path__) if not name.startswith("_")]
TARGETS = MappingProxyType(
    {target.id: target for name in _MODULES for target in importlib.import_module(f"{__name__}.{name}").TARGETS}
)
"""Every target by its id."""
