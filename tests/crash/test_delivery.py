"""A replay that is killed while it delivers and run again: every notice arrives, under the same ids."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
INPUTS = (str(PCAPS / "demo" / "capture.pcap"), "--endpoint", str(PCAPS / "demo"))

# Dies in the given call of a function of `os`, as by kill -9: nothing is flushed, no handler runs.
DYING = """
import os, sys
from enricher.service.delivery import append
from enricher.cli import main
name, calls = sys.argv.pop(1), int(sys.argv.pop(1))
real, count = getattr(os, name), iter(range(1, 10**9))
class Os:
    def __getattr__(self, word):
        return dying if word == name else getattr(os, word)
def dying(*words):
    if next(count) == calls:
        if name == "write":
            real(words[0], bytes(words[1])[:-7])  # the machine died in the middle of a line
        os.kill(os.getpid(), 9)
    return real(*words)
append.os = Os()
main()
"""


def replay(folder: Path, *before: str) -> int:
    command = [sys.executable, *(before or ("-m", "enricher")), "replay", *INPUTS]
    options = ["--out", str(folder / "out"), "--config", str(folder / "c.toml")]
    return subprocess.run(
        [*command, *options], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ
    ).returncode


@pytest.mark.parametrize(("name", "calls"), [("open", 1), ("write", 1), ("write", 2), ("fsync", 1), ("fsync", 2)])
def test_what_was_not_settled_before_the_kill_is_delivered_after_it(tmp_path: Path, name: str, calls: int) -> None:
    (tmp_path / "c.toml").write_text(f'[[sinks]]\ntype = "file"\npath = "{tmp_path}/notices.log"\nbatch = 1\n')
    assert replay(tmp_path, "-c", DYING, name, str(calls)) == -9
    told = {notice["id"] for notice in map(json.loads, (tmp_path / "out" / "notices.jsonl").read_bytes().splitlines())}
    assert len(told) == 2, "the results are whole before the first is delivered"
    assert replay(tmp_path) == 0
    got = []
    for line in (tmp_path / "notices.log").read_bytes().splitlines():
        try:
            got.append(json.loads(line)["id"])
        except ValueError:
            assert name == "write", "only a write that is cut leaves half a line"
    assert set(got) == told
