"""What the service reads from."""

from collections.abc import Sequence
from typing import Protocol

from enricher.model.problem import Problem
from enricher.model.record import Record


class Source(Protocol):
    """One stream of records: read; when what was read is safe, commit. What was not is read again after a crash."""

    name: str

    @property
    def ended(self) -> bool:
        """Nothing will come any more."""

    def read(self) -> Sequence[Record]:
        """What is there now, a bounded number; does not wait.

        Raises:
            An1496Error: the source is away. Reading again tries again.
        """

    def position(self) -> bytes | None:
        """How far that was; None where the source itself keeps it."""

    def commit(self) -> None:
        """What was read until now is safe.

        Raises:
            An1496Error: the source is away. Committing again tries again.
        """

    def lag(self) -> float | None:
        """How much is there unread, in bytes or entries; None: not known."""

    def problems(self) -> list[Problem]:
        """What could not be read since the last time that we were asked."""

    def close(self) -> None:
        """Hang up."""
