"""What is away is tried again, ever less often, until it is back or we are to end."""

from collections.abc import Callable
from typing import Final, TypeVar

from enricher.errors import An1496Error
from enricher.service.log import Log

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 15.0
"""Seconds between two tries."""


class Stop(Exception):  # noqa: N818 -- nothing is wrong
    """We were asked to end while we waited for something to come back."""


class Patience:
    """Says once that something is away and why, and once that it is back."""

    def __init__(self, log: Log, stopping: Callable[[float], bool]) -> None:
        """`stopping`: waits so many seconds, less if we are to end; whether we are."""
        self._log = log
        self._stopping = stopping
        self._wrong: dict[str, str] = {}

    @property
    def wrong(self) -> str | None:
        """Why we wait, if we do."""
        return next(iter(self._wrong.values()), None)

    def until_done(self, what: str, work: Callable[[], T], failed: Callable[[], object] = lambda: None) -> T:
        """Do it until it is done; `failed` is called after each try that was in vain.

        Raises:
            Stop: we are to end before it is.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                done = work()
            except An1496Error as error:
                failed()
                self.away(what, error)
                if self._stopping(pause):
                    raise Stop from error
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                self.back(what)
                return done

    def away(self, what: str, error: An1496Error) -> None:
        """Something does not work; told when the reason is new."""
        if self._wrong.get(what) != error.message:
            self._wrong[what] = error.message
            self._log.error("waiting", what=what, error=error.message, advice=error.advice)

    def back(self, what: str) -> None:
        """It works."""
        if self._wrong.pop(what, None) is not None:
            self._log.info("going on", what=what)
