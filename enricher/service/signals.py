"""Signals: SIGTERM and SIGINT end the service, SIGHUP has it read lists and thresholds anew."""

import os
import select
import signal
from types import FrameType


class Signals:
    """What was asked of us. For the main thread."""

    def __init__(self, stop_seconds: float) -> None:
        """`stop_seconds`: after so long, an end that was asked for is made: any moment is as good as another."""
        self._stop_seconds = stop_seconds
        self._stop = self._reload = False
        self._waking, wake = os.pipe()  # no lock: a handler interrupts whoever holds it
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        signal.signal(signal.SIGHUP, self._again)
        signal.signal(signal.SIGALRM, self._cut)

    def stopping(self, seconds: float) -> bool:
        """Wait so long, less if we are to end; whether we are."""
        if seconds > 0 and not self._stop and select.select([self._waking], [], [], seconds)[0]:
            os.read(self._waking, 64)
        return self._stop

    def reloading(self) -> bool:
        """Whether SIGHUP came since the last time that we were asked."""
        if not self._reload:
            return False
        self._reload = False
        return True

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True
        signal.setitimer(signal.ITIMER_REAL, self._stop_seconds)

    def _again(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True

    def _cut(self, _number: int, _frame: FrameType | None) -> None:
        os.write(
            2, b'{"event":"stopped in the middle of a round; it is done again at the next start","level":"warning"}\n'
        )
        os._exit(0)
