"""A replay that publishes its notices."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from enricher.model.verdict import Notice

PCAPS = Path(__file__).resolve().parents[3] / "pcaps"


def replay(out: Path, url: str) -> subprocess.CompletedProcess[str]:
    words = ["replay", PCAPS / "demo/capture.pcap", "--endpoint", PCAPS / "demo", "--ca-bundle", PCAPS / "ca.pem"]
    command = [sys.executable, "-m", "enricher", *map(str, words), "--out", str(out), "--zeek", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def ids(out: Path) -> list[str]:
    lines = (out / "notices.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Notice).id for line in lines]


def test_replay_tells_zeek_what_it_wrote(tmp_path: Path, stand_in: Any) -> None:
    with stand_in() as zeek:
        done = replay(tmp_path, zeek.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert zeek.got == ids(tmp_path)
    assert zeek.got


def test_a_replay_that_cannot_reach_zeek_keeps_its_results_and_fails_with_one_line(
    tmp_path: Path, closed_port: int
) -> None:
    begin = time.monotonic()
    done = replay(tmp_path, f"ws://127.0.0.1:{closed_port}")
    assert time.monotonic() - begin < 30, "nobody watches it try for the minute that a service tries"
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Zeek cannot be reached: connection refused" in line
    kept = (tmp_path / "dead-letters.jsonl").read_bytes().splitlines()
    assert [json.loads(letter)["notice"]["id"] for letter in kept] == ids(tmp_path)
    assert "Notices" in done.stdout
    assert ids(tmp_path)


def test_a_replay_with_a_wrong_address_does_not_begin(tmp_path: Path) -> None:
    done = replay(tmp_path / "out", "http://127.0.0.1")
    assert done.returncode == 2
    assert "write ws://HOST:PORT" in done.stderr
    assert not (tmp_path / "out" / "notices.jsonl").exists()
