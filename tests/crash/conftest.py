"""Ways to die."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enricher.join.server import EmbeddedServer
from live_site import DEMO, PCAPS

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
    program = [sys.executable, "-c"]
    return lambda place, name, call, *words, before="": [*program, before + DYING, place, name, str(call), *words]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a replay of the demo wrote its results."""
    out = tmp_path_factory.mktemp("replay")
    inputs = [str(DEMO / "capture.pcap"), "--endpoint", str(DEMO / "ws-04.json")]
    command = [sys.executable, "-m", "enricher", "replay", *inputs, "--ca-bundle", str(PCAPS / "ca.pem")]
    subprocess.run([*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    return out


@pytest.fixture
def lines(replayed: Path) -> list[bytes]:
    """Sessions and events of the demo, by turns."""
    sessions = (replayed / "observations.jsonl").read_bytes().splitlines()
    events = (DEMO / "ws-04.json").read_bytes().splitlines()
    share = len(events) // len(sessions) + 1
    return [line for n, session in enumerate(sessions) for line in (session, *events[n * share : (n + 1) * share])]
