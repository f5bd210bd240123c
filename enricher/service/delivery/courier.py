"""One batch to one sink: encode, send, try again, and give up in order."""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from enricher.errors import DeliveryError
from enricher.model.verdict import Notice
from enricher.service.delivery.dead_letters import DeadLetters
from enricher.service.delivery.writer import Clock, Record, RefusedError, Sent, UnavailableError, Writer
from enricher.sinks.encoding import Origin

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
"""Seconds between tries: doubled each time, less up to half by chance, so that many clients do not come at once."""


class Statistics(msgspec.Struct):
    """What became of the notices given to one sink. `given` is the sum of the others once all is settled."""

    given: int = 0
    delivered: int = 0
    dead: int = 0
    """Kept in the dead-letter file."""
    lost: int = 0
    """Neither delivered nor kept: the dead-letter file is full or cannot be written."""
    retries: int = 0
    reason: str | None = None
    """Why the last dead letter became one."""
    trouble: str | None = None
    """Why the last try was in vain; None: it was not."""
    advice: str = ""


class Courier:
    """Carries batches to one sink. `deliver` is for one thread; `bury` for any."""

    def __init__(
        self,
        name: str,
        writer: Writer,
        retry_seconds: float,
        origin: Origin,
        dead: DeadLetters,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`retry_seconds`: how long a batch is tried again; `chance`: numbers from 0 to 1."""
        self.name = name
        self.statistics = Statistics()
        self.down = False
        """Given up on: until something gets through again, each batch is tried once."""
        self._writer = writer
        self._retry_seconds = retry_seconds
        self._origin = origin
        self._dead = dead
        self._clock = clock
        self._chance = chance
        self._burying = threading.Lock()

    def deliver(self, notices: Sequence[Notice], pause: Callable[[float], bool]) -> None:
        """Return when each notice is with the sink, in the dead-letter file, or counted as lost.

        `pause` waits so many seconds, or until we are in a hurry, and says whether we are.
        """
        waiting = self._encoded(notices)
        until = self._clock.monotonic() + (0.0 if self.down else self._retry_seconds)
        tries = 0
        while waiting:
            before = len(waiting)
            sent = self._send(waiting)
            self._bury([(waiting[at].notice, reason) for at, reason in sorted(sent.rejected.items())])
            self.statistics.delivered += before - len(sent.rejected) - len(sent.again)
            reasons = [reason for _, reason in sorted(sent.again.items())]
            waiting = [waiting[at] for at in sorted(sent.again)]
            self.statistics.trouble = next(iter(reasons), None)
            if len(waiting) < before:
                self.down, tries = False, 0
            if not waiting:
                return
            wait = max(self._wait(tries), sent.wait or 0.0)
            if self._clock.monotonic() + wait > until or pause(wait):
                self.down = True
                self._bury([(record.notice, reason) for record, reason in zip(waiting, reasons, strict=True)])
                return
            tries += 1
            self.statistics.retries += 1

    def bury(self, notices: Sequence[Notice], reason: str) -> None:
        """Give up on notices that were never tried."""
        self._bury([(notice, reason) for notice in notices])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def _encoded(self, notices: Sequence[Notice]) -> list[Record]:
        records = []
        for notice in notices:
            try:
                records.append(Record(notice, self._writer.encoding.encode(notice, self._origin)))
            except Exception as error:  # its thread goes on, whatever a notice holds
                why = str(error) or type(error).__name__
                what = f"cannot be written as {self._writer.encoding.id}: {why}"
                self._bury([(notice, what)])
        return records

    def _send(self, records: Sequence[Record]) -> Sent:
        """One try. A part that is refused does not keep back the rest: it is found by halving."""
        try:
            return self._writer.send(records)
        except UnavailableError as error:
            self.statistics.advice = error.advice
            return Sent(again=dict.fromkeys(range(len(records)), error.message), wait=error.wait)
        except RefusedError as error:
            if len(records) == 1:
                return Sent(rejected={0: error.message})
        except Exception as error:  # whatever a sink says or a driver does, its thread goes on
            what = error.message if isinstance(error, DeliveryError) else type(error).__name__
            return Sent(again=dict.fromkeys(range(len(records)), f"failed: {what}"))
        half = len(records) // 2
        first, second = self._send(records[:half]), self._send(records[half:])
        return Sent(
            rejected={**first.rejected, **{at + half: reason for at, reason in second.rejected.items()}},
            again={**first.again, **{at + half: reason for at, reason in second.again.items()}},
            wait=max(first.wait or 0.0, second.wait or 0.0) or None,
        )

    def _wait(self, tries: int) -> float:
        longest: float = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries, 16))
        return longest * (1 - self._chance() / 2)

    def _bury(self, letters: list[tuple[Notice, str]]) -> None:
        if not letters:
            return
        lost = self._dead.add(self.name, letters)
        with self._burying:
            self.statistics.lost += lost
            self.statistics.dead += len(letters) - lost
            self.statistics.reason = letters[-1][1]
