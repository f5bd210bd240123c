"""What carries records to one destination, and the ways in which that can fail."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from enricher.errors import DeliveryError
from enricher.model.verdict import Notice
from enricher.sinks.encoding import Encoding


class Record(NamedTuple):
    """A notice, and what is to be written for it."""

    notice: Notice
    payload: bytes


class Sent(msgspec.Struct, frozen=True):
    """What became of a batch: those not named are with the sink."""

    rejected: Mapping[int, str] = {}
    """Place in the batch to the reason why it will never be taken."""
    again: Mapping[int, str] = {}
    """Place in the batch to the reason why it was not taken now."""
    wait: float | None = None
    """Seconds that the sink asks us to wait."""


class UnavailableError(DeliveryError):
    """Nothing of the batch is known to have been taken; it may be later."""

    def __init__(self, message: str, advice: str = "", wait: float | None = None) -> None:
        super().__init__(message, advice)
        self.wait = wait
        """Seconds that the sink asks us to wait."""


class RefusedError(DeliveryError):
    """The batch as it is will never be taken; a part of it may."""


def one_by_one(records: Sequence[Record], send: Callable[[Record], None]) -> Sent:
    """Send a batch to who takes one at a time; the first that finds nobody ends it.

    Raises:
        UnavailableError: that was the first of all.
    """
    rejected = {}
    for at, record in enumerate(records):
        try:
            send(record)
        except RefusedError as error:
            rejected[at] = error.message
        except UnavailableError as error:
            if at == 0:
                raise
            return Sent(rejected, dict.fromkeys(range(at, len(records)), error.message), error.wait)
    return Sent(rejected)


class Writer(Protocol):
    """One destination. Making one checks all that can be checked without talking to it."""

    @property
    def encoding(self) -> Encoding:
        """The format it takes."""

    def send(self, records: Sequence[Record]) -> Sent:
        """Send a batch. Called from one thread; connects when it must.

        Raises:
            UnavailableError: try the batch again.
            RefusedError: try its parts.
        """

    def close(self) -> None:
        """Hang up."""


class Clock(Protocol):
    """What time it is, and how to wait."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def wall(self) -> float:
        """Seconds since 1970 UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
