import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.config import Config
from enricher.errors import OutputError
from enricher.service import alone, parallel
from enricher.service.engine import Engine
from enricher.service.inputs import Input, find
from enricher.service.reading import Tally

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
CASES = ("benign", "certificates", "demo")


class Quiet:
    """Progress that only remembers."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.total: int | None = None

    def start(self, name: str, size: int | None) -> None:
        self.total = size

    def advance(self, position: int) -> None:
        self.positions.append(position)


class Killing(Quiet):
    """Kills every worker the first time that it is told of progress."""

    def advance(self, position: int) -> None:
        if not self.positions:
            for child in multiprocessing.active_children():
                child.kill()
        super().advance(position)


def sources() -> list[Input]:
    return find([str(next(PCAPS.glob(f"{case}/capture.*"))) for case in CASES], [])


def lines(inputs: list[Input], progress: Quiet) -> tuple[list[bytes], Tally]:
    tally = Tally()
    found = [line for batch in parallel.each(alone.sense, inputs, Engine(Config()), tally, progress) for line in batch]
    return found, tally


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two processors, and every file is large."""
    monkeypatch.setattr(parallel, "LARGE", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    yield
    assert not multiprocessing.active_children()


@pytest.fixture(scope="module")
def expected() -> tuple[list[bytes], Tally]:
    found, tally = lines(sources(), Quiet())
    assert found
    return found, tally


def test_several_processes_give_what_one_gives_in_the_same_order(several, expected):
    started = []
    real = parallel._Team.start
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            parallel._Team, "start", lambda self, *told: (real(self, *told), started.append(len(self._workers)))[0]
        )
        found, tally = lines(sources(), Quiet())
    assert max(started) == len(CASES)
    assert found == expected[0]
    assert (tally.records, tally.lost, tally.problems) == (expected[1].records, expected[1].lost, expected[1].problems)


def test_a_missing_file_among_large_ones_is_told_and_the_rest_is_read(several, expected, tmp_path):
    gone = Input(str(tmp_path / "aa-gone.pcap"), tmp_path / "aa-gone.pcap", 100)
    found, tally = lines([gone, *sources()], Quiet())
    assert found == expected[0]
    assert [problem.where for problem in tally.problems] == [gone.name]


def test_what_a_killed_worker_was_reading_is_read_here(several, expected):
    progress = Killing()
    found, tally = lines(sources(), progress)
    assert progress.positions
    assert found == expected[0]
    assert tally.records == expected[1].records


def test_progress_adds_up_to_the_size_of_all_inputs(several):
    progress = Quiet()
    inputs = sources()
    lines(inputs, progress)
    assert progress.total == sum(source.size or 0 for source in inputs) == max(progress.positions)


def test_who_stops_listening_ends_the_workers(several):
    batches = parallel.each(alone.sense, sources(), Engine(Config()), Tally(), Quiet())
    next(batches)
    batches.close()


def test_a_full_temporary_folder_is_an_error_that_says_what_to_do(several, monkeypatch, tmp_path):
    monkeypatch.setattr(parallel._Team, "path", lambda _self, _at: Path("/dev/full"))
    with pytest.raises(OutputError, match="no space left") as caught:
        lines(sources(), Quiet())
    assert "TMPDIR" in caught.value.advice
