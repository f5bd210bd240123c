"""Several large inputs at once, each read by a process of its own; what they give still comes in the inputs' order.

A worker writes its batches into a temporary file, which is read when its input's turn has come: memory stays bounded,
and the result is the same as that of one process.
"""

import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

from enricher.config import Config
from enricher.errors import OutputError
from enricher.service.engine import Engine
from enricher.service.inputs import Input
from enricher.service.reading import Progress, Tally
from enricher.service.runtime import prepare

Batch = Sequence[Any]
Work = Callable[[Input, Engine, Tally, Progress], Iterator[Batch]]
"""What is done to one input; a function of a module, so that a worker can be told it."""

LARGE: Final = 8 << 20
"""Bytes from which an input is worth a process, which takes half a second to start."""

_LOOK: Final = 0.1
"""Seconds between two looks at how far the workers are."""


def each(work: Work, sources: Sequence[Input], engine: Engine, tally: Tally, progress: Progress) -> Iterator[Batch]:
    """The batches of every input in turn; large inputs are read ahead on the other processors.

    Raises:
        OutputError: the temporary folder is full.
    """
    large = [at for at, source in enumerate(sources) if source.path is not None and (source.size or 0) >= LARGE]
    jobs = min(len(large), len(os.sched_getaffinity(0)))
    if jobs < 2:
        for source in sources:
            yield from work(source, engine, tally, progress)
        return
    progress.start(f"{len(sources)} inputs", sum(source.size or 0 for source in sources))
    with tempfile.TemporaryDirectory(prefix="an1496-") as folder:
        team = _Team(work, engine.config, sources, Path(folder))
        try:
            for at, source in enumerate(sources):
                team.start(large, jobs)
                here = team.place(at, progress)
                if at in large and team.finish(at, large, jobs, here):
                    yield from _batches(team.path(at), tally)
                else:
                    yield from work(source, engine, tally, here)
        finally:
            team.stop()


class _Team:
    """Worker processes, and what they share: how far each is."""

    def __init__(self, work: Work, config: Config, sources: Sequence[Input], folder: Path) -> None:
        self._context = get_context("spawn")  # a fork would copy the progress bar's thread in the middle of its work
        self._positions = self._context.Array("q", len(sources), lock=False)
        self._workers: dict[int, Any] = {}
        self._work = work
        self._config = config
        self._sources = sources
        self._folder = folder

    def path(self, at: int) -> Path:
        """Where the batches of an input are kept."""
        return self._folder / str(at)

    def place(self, at: int, whole: Progress) -> "_Place":
        """The progress of an input that is read here."""
        return _Place(self._positions, at, whole)

    def start(self, large: Sequence[int], jobs: int) -> None:
        """Begin the next large inputs, as long as fewer than `jobs` are being read."""
        for at in large:
            if sum(worker.is_alive() for worker in self._workers.values()) >= jobs:
                return
            if at not in self._workers:
                told = (self._work, self._config, self._sources[at], self.path(at), self._positions, at)
                self._workers[at] = self._context.Process(target=_ahead, args=told, daemon=True)
                self._workers[at].start()

    def finish(self, at: int, large: Sequence[int], jobs: int, here: "_Place") -> bool:
        """Wait until an input is read. False: its worker was killed or failed.

        Raises:
            OutputError: the worker could not write.
        """
        worker = self._workers[at]
        while worker.is_alive():
            wait([worker.sentinel for worker in self._workers.values() if worker.is_alive()], _LOOK)
            self.start(large, jobs)
            here.show()
        here.show()
        if worker.exitcode > 1:  # 1: it failed as it would here
            what = os.strerror(worker.exitcode).lower()
            raise OutputError(f"{self._folder}: what is read ahead cannot be kept: {what}", "make room, or set TMPDIR")
        return bool(worker.exitcode == 0)

    def stop(self) -> None:
        """End whoever still works."""
        for worker in self._workers.values():
            worker.kill()
            worker.join()


class _Place:
    """How far one input is; where all are shown, how far they all are."""

    def __init__(self, positions: Any, at: int, whole: Progress | None = None) -> None:
        self._positions = positions
        self._at = at
        self._whole = whole

    def start(self, name: str, size: int | None) -> None:
        """A new input begins."""

    def advance(self, position: int) -> None:
        """So many bytes of it are read."""
        self._positions[self._at] = position
        self.show()

    def show(self) -> None:
        """Tell how far all are."""
        if self._whole is not None:
            self._whole.advance(sum(self._positions))


def _ahead(work: Work, config: Config, source: Input, path: Path, positions: Any, at: int) -> None:
    """Read one input into a temporary file; its tally comes last. Exits with the error's number if it cannot write."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends us
    prepare()
    tally = Tally()
    engine = Engine(config)
    try:
        with path.open("wb") as file:
            for batch in work(source, engine, tally, _Place(positions, at)):
                pickle.dump(list(batch), file, pickle.HIGHEST_PROTOCOL)
            pickle.dump(tally, file, pickle.HIGHEST_PROTOCOL)
    except OSError as error:  # reading errors are in the tally
        os._exit(error.errno or 1)


def _batches(path: Path, tally: Tally) -> Iterator[Batch]:
    """The batches of a temporary file, which is then removed."""
    with path.open("rb") as file:
        while file.peek(1):
            found = pickle.load(file)  # noqa: S301  # our own worker wrote it, into a folder that only we may enter
            if isinstance(found, Tally):
                tally.add(found)
            else:
                yield found
    path.unlink()
