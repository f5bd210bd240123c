"""What a person sees: progress, tables, complaints."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from enricher.model.text import visible
from enricher.report import table
from enricher.service.reading import Tally

if TYPE_CHECKING:  # with it come Redis and the sinks
    from enricher.service.pipeline import Outcome

_PIPE_WIDTH = 160
"""Columns of a table that goes into a pipe or a file."""

_COLOURS = {"high": "bold red", "medium": "yellow", "low": "cyan", "informational": "dim"}


def complain(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"an1496: {visible(text)}\n")


class Bar:
    """A progress bar over the bytes of all inputs."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total or None)
        self._done = 0
        self._size = 0

    def start(self, name: str, size: int | None) -> None:
        """A new input begins."""
        self._done += self._size
        self._size = size or 0
        self._bar.update(self._task, description=visible(name, 40), completed=self._done)

    def advance(self, position: int) -> None:
        """So many bytes of it are read."""
        self._bar.update(self._task, completed=self._done + position)


class Silent:
    """No progress: what is read goes unsaid."""

    def start(self, name: str, size: int | None) -> None:
        """A new input begins."""

    def advance(self, position: int) -> None:
        """So many bytes of it are read."""


@contextlib.contextmanager
def progress(total: int) -> Iterator[Bar | Silent]:
    """Show a bar while reading, on a terminal; say nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Silent()
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar, total)


def show(outcome: "Outcome", out: Path) -> None:
    """The notices as a table, the ledger's summary, and where the JSON lines are."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    with console.capture() as shown:  # rich has a way of its own to end where a pipe is broken
        console.print(_notices(outcome) if outcome.notices else "No notices.")
        console.print(_ledger(outcome))
        console.print(Text(f"Results: {visible(str(out))}/notices.jsonl, sessions.jsonl, observations.jsonl"))
        if outcome.notices:
            console.print(Text(f"Explain one: {_command()} explain {outcome.notices[0].id} --out {visible(str(out))}"))
    sys.stdout.write(shown.get())


def _command() -> str:
    """How we were called, so that what we suggest works when typed."""
    called = Path(sys.argv[0]).name
    if called == "__main__.py":
        return f"{Path(sys.executable).name} -m enricher"
    return called if shutil.which(called) else sys.argv[0]


def _notices(outcome: "Outcome") -> Table:
    shown = Table(title="Notices", title_justify="left", show_lines=True)
    for heading in table.HEADINGS:
        shown.add_column(heading, overflow="fold")
    for notice, row in zip(outcome.notices, table.rows(outcome.notices), strict=True):
        severity, *rest = map(Text, row)
        severity.stylize(_COLOURS[notice.severity])
        shown.add_row(severity, *rest)
    return shown


def _ledger(outcome: "Outcome") -> Table:
    shown = Table(title="Ledger", title_justify="left", show_header=False)
    for row in table.ledger_rows(table.ledger(outcome.ledger)):
        shown.add_row(*map(Text, row))
    return shown


def show_skipped(tally: Tally) -> None:
    """What the endpoint reader kept and what it skipped, on standard error; nothing where it read nothing."""
    if not tally.records and not tally.skipped:
        return
    console = Console(stderr=True)
    shown = Table(title="Endpoint records", title_justify="left", show_header=False)
    for name, count in sorted(tally.records.items()):
        shown.add_row(Text(name), str(count))
    for reason, count in sorted(tally.skipped.items()):
        shown.add_row(Text(f"skipped: {visible(reason)}"), str(count))
    console.print(shown)
