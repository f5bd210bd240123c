"""Ways to die."""

import sys
from collections.abc import Callable

import pytest

# Dies in the given call of the given function, as by kill -9: nothing is flushed, no handler runs.
DYING = """
import os, sys
from importlib import import_module
from enricher.cli import main
place, name, calls = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
owner = import_module(place.partition(":")[0])
for part in filter(None, place.partition(":")[2].split(".")):
    owner = getattr(owner, part)
real, count = getattr(owner, name), iter(range(1, 10**9))
def dying(*words, **options):
    return real(*words, **options) if next(count) < calls else os.kill(os.getpid(), 9)
setattr(owner, name, dying)
main()
"""


@pytest.fixture(scope="session")
def dying() -> Callable[..., list[str]]:
    """The command line of a program that dies in the given call of `name` in `place`."""
    return lambda place, name, call, *words: [sys.executable, "-c", DYING, place, name, str(call), *words]
