"""`make demo-live` ends as a replay does, and says so where it does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Runs the demo with a replay that is changed after the fact.
CHANGED = """
import run
real = run.latest
def changed(found, key):
    last = real(found, key)
    if key == "id" and changed.calls == 0:
        del last[sorted(last)[0]]
        last[sorted(last)[0]]["severity"] = "low"
    changed.calls += 1
    return last
changed.calls = 0
run.latest = changed
run.main()
"""


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(HERE)}
    return subprocess.run(
        [sys.executable, *words, "--speed", "20"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )


def test_the_demo_ends_as_a_replay_does_though_a_worker_was_killed(tmp_path: Path) -> None:
    done = run(tmp_path, str(HERE / "run.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    happened = [line.partition(" s  ")[2] for line in done.stdout.splitlines()]
    assert [line for line in happened if line.startswith("worker one is killed; ")]
    assert "worker one is started again" in happened
    assert [line for line in happened if re.match(r"high \d+ +revision \d+, by (one|two): invoice_viewer.exe", line)]
    assert happened[-3:-1] == [
        "notices: 2 live, 2 as an1496 replay says",
        "sessions: 15 live, 15 as an1496 replay says",
    ]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_the_demo_fails_and_says_where_live_and_replay_differ(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", CHANGED)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0].endswith(": only live")
    assert told[1].endswith(": severity is 'high' live, 'low' in the replay")
    kept = Path(told[-1].rpartition(" ")[2])
    assert (kept / "replay" / "notices.jsonl").exists()
