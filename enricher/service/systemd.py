"""What systemd asks of a service: its state, signs of life (sd_notify(3)), lines with a priority (sd-daemon(3)).

Everything here does nothing where systemd did not start us.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import IO, Final

_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class Notifier:
    """Tells the service manager how we are."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`NOTIFY_SOCKET` says where to tell it, `WATCHDOG_USEC` how often a sign of life is wanted."""
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        usable = self._address.startswith(("/", "\0"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if usable else None
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environment.get("WATCHDOG_USEC", "")
        self._every = int(microseconds) / 1e6 / 4 if mine and microseconds.isdecimal() else None
        self._clock = clock
        self._next = clock()

    def ready(self) -> None:
        """We are at work."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """We are about to end."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """We go on, or wait for something that is away; who hangs does not come here. Cheap: told at times only."""
        if self._every is not None and self._clock() >= self._next:
            self._next = self._clock() + self._every
            self._tell("WATCHDOG=1")

    def hearing(self, stopping: Callable[[float], bool]) -> Callable[[float], bool]:
        """The same `stopping` (waits, and says whether we are to end), of which the service manager hears."""

        def heard(seconds: float) -> bool:
            self.alive()
            stop = stopping(seconds)
            if stop:
                self.stopping()
            return stop

        return heard

    def _tell(self, what: str) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # nobody listens any more: no reason to end
                self._socket.sendto(what.encode(), self._address)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()


def prefix(level: str, stream: IO[str]) -> str:
    """What a line to this stream begins with: its priority, where the journal reads it, which takes it off."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return ""
    journal = os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
    return f"<{_PRIORITIES.get(level, 6)}>" if journal else ""
