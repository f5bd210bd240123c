"""Signals: SIGTERM and SIGINT end the service, SIGHUP has it read lists and thresholds anew."""

import os
import signal
import threading
from types import FrameType


class Signals:
    """What was asked of us. For the main thread."""

    def __init__(self, stop_seconds: float) -> None:
        """`stop_seconds`: after so long, an end that was asked for is made: any moment is as good as another."""
        self._stop_seconds = stop_seconds
        self._stop = threading.Event()
        self._reload = False
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        signal.signal(signal.SIGHUP, self._again)
        signal.signal(signal.SIGALRM, self._cut)

    def stopping(self, seconds: float) -> bool:
        """Wait so long, less if we are to end; whether we are."""
        return self._stop.wait(seconds) if seconds > 0 else self._stop.is_set()

    def reloading(self) -> bool:
        """Whether SIGHUP came since the last time that we were asked."""
        asked, self._reload = self._reload, False
        return asked

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()
        signal.setitimer(signal.ITIMER_REAL, self._stop_seconds)

    def _again(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True

    def _cut(self, _number: int, _frame: FrameType | None) -> None:
        os.write(
            2, b'{"event":"stopped in the middle of a round; it is done again at the next start","level":"warning"}\n'
        )
        os._exit(0)
