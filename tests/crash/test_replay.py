"""A replay that is killed in the middle leaves the old results, no half ones, and no server behind."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
INPUTS = (str(PCAPS / "demo" / "capture.pcap"), str(PCAPS / "demo" / "ws-04.json"))

STEPS = (
    ("enricher.service.pipeline", "read", 1),
    ("enricher.service.pipeline", "read", 2),
    ("enricher.join.store:Store", "put", 1),
    ("enricher.join.store:Store", "read", 1),
    ("enricher.service.pipeline", "notices", 1),
    ("enricher.sinks.jsonl", "line", 1),
    ("enricher.sinks.jsonl", "line", 20),
    ("enricher.service.outputs:os", "fsync", 1),
    ("enricher.service.outputs:os", "fsync", 3),
    ("enricher.join.store:Store", "close", 1),
)


def replay(out: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "enricher", "replay", *INPUTS, "--out", str(out)], check=True, stdout=subprocess.DEVNULL
    )


def results(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix == ".jsonl"}


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the run's server has its socket: it knows the server among others, and is short enough for a socket."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def servers(temporary: Path) -> list[int]:
    """Process ids of servers whose socket lies, or lay, in this folder."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes() if process.name.isdigit() else b""
            if b"unixsocket" in words and bytes(temporary) in words:
                found.append(int(process.name))
    return found


def gone(temporary: Path) -> bool:
    return any(not servers(temporary) or time.sleep(0.05) for _ in range(100)) and not any(temporary.iterdir())


@pytest.mark.parametrize(("place", "name", "call"), STEPS)
def test_death_at_any_step_leaves_the_old_results_and_no_server(
    place: str, name: str, call: int, tmp_path: Path, temporary: Path, dying: Callable[..., list[str]]
) -> None:
    (tmp_path / "notices.jsonl").write_bytes(b"old\n")
    command = dying(place, name, call, "replay", *INPUTS, "--out", str(tmp_path))
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
    assert results(tmp_path) == {"notices.jsonl": b"old\n"}
    assert gone(temporary)


def test_the_next_run_after_a_death_gives_what_an_undisturbed_one_gives(
    tmp_path: Path, dying: Callable[..., list[str]]
) -> None:
    replay(tmp_path / "calm")
    (tmp_path / "out").mkdir()
    command = dying("enricher.service.outputs:os", "fsync", 2, "replay", *INPUTS, "--out", str(tmp_path / "out"))
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
    replay(tmp_path / "out")
    assert results(tmp_path / "out") == results(tmp_path / "calm")


def test_a_server_that_dies_in_the_middle_is_one_clear_line(tmp_path: Path, temporary: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [
        sys.executable,
        "-m",
        "enricher",
        "replay",
        str(tmp_path / "pipe"),
        INPUTS[1],
        "--out",
        str(tmp_path / "out"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        with (tmp_path / "pipe").open("wb") as pipe:
            (server,) = servers(temporary)
            os.kill(server, signal.SIGKILL)
            pipe.write(Path(INPUTS[0]).read_bytes())
        assert process.stderr is not None
        told = process.stderr.read().decode().splitlines()
    assert process.returncode == 1
    assert len(told) == 1
    assert "Redis" in told[0]
