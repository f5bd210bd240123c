"""What the service reads from."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from enricher.model.problem import Problem
from enricher.model.record import Record


class Source(ABC):
    """One stream of records: read; when what was read is safe, commit. What was not is read again after a crash.

    Unless it says otherwise, it has no end, nobody keeps what was read, and nobody knows how much is left.
    """

    name: str

    ended: bool = False
    """Nothing will come any more."""

    @property
    def ready(self) -> bool:
        """Nothing read means that nothing is there."""
        return True

    @abstractmethod
    def read(self) -> Sequence[Record]:
        """What is there now, a bounded number; does not wait.

        Raises:
            An1496Error: the source is away. Reading again tries again.
        """

    def position(self) -> bytes | None:
        """How far that was; None where the source itself keeps it, or nobody."""
        return None

    def resume(self, position: bytes) -> None:  # noqa: B027 -- nobody who has no position is asked
        """Go on after what was read until a position of an earlier run; to be called before the first `read`."""

    def commit(self) -> None:  # noqa: B027 -- nobody to tell
        """What was read until now is safe.

        Raises:
            An1496Error: the source is away. Committing again tries again.
        """

    def lag(self) -> float | None:
        """How much is there unread, in bytes or entries; None: not known."""
        return None

    def counts(self) -> Mapping[str, int]:
        """What came and what was lost on its way to us, since the beginning, where that is known."""
        return {}

    @abstractmethod
    def problems(self) -> list[Problem]:
        """What could not be read since the last time that we were asked."""

    @abstractmethod
    def close(self) -> None:
        """Hang up."""
