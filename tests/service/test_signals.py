"""Signals are heard whenever they come."""

import subprocess
import sys

# Sends itself a signal before each line that is run while it waits, one after another.
INTERRUPTED = """
import signal, sys
from enricher.service.signals import Signals
def trace(frame, event, _):
    global line
    if event == "line":
        line += 1
        if line == at:
            signal.raise_signal(getattr(signal, sys.argv[1]))
    return trace
for at in range(1, 100):
    line, signals = 0, Signals(60.0)
    sys.settrace(trace)
    signals.stopping(0.001)
    sys.settrace(None)
    if line < at:
        break
    assert signals.stopping(0.001) == (sys.argv[1] != "SIGHUP")
    assert signals.reloading() == (sys.argv[1] == "SIGHUP")
    assert not signals.reloading()
assert 1 < at < 99
"""


def test_a_signal_at_any_moment_of_the_waiting_is_heard_and_blocks_nothing() -> None:
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        subprocess.run([sys.executable, "-c", INTERRUPTED, name], check=True, timeout=30)
