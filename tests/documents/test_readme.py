"""The README's commands are typed with the bundled demo in place of what it says somebody has."""

import gzip
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import evtx_file
from shown import DOCUMENTS, ROOT, clone, enter, environment, typed

README = DOCUMENTS["README.md"].read_text("utf-8")
DEMO = ROOT / "pcaps" / "demo"
BOUND = {
    "CAPTURE…": "pcaps/demo/capture.pcap",
    "--endpoint LOG…": "--endpoint pcaps/demo --ca-bundle pcaps/ca.pem",
    "LOG…": "pcaps/demo/ws-04.json pcaps/demo/ws-07.json",
    "NOTICE-ID": "AN1496-22e717e199243ec3",
    "NAME": "notice",
}
"""What stands for the words in capitals; a longer one first."""
SERVICE = """
[store]
url = "redis://127.0.0.1:PORT/0"
[sensor]
ca_bundle = "pcaps/ca.pem"
[[sources]]
type = "redis_stream"
url = "redis://127.0.0.1:PORT/0"
key = "an1496:events"
[[sources]]
type = "tail"
path = "pcaps/demo/ws-04.json"
[[sinks]]
type = "file"
path = "notices.jsonl"
"""
FORWARDER = """
[ship]
state = "positions"
[ship.target]
type = "redis"
url = "redis://127.0.0.1:PORT/0"
[[sources]]
type = "tail"
path = "an1496.log"
"""
SAYS = {
    "replay CAPTURE": ["invoice_viewer.exe", "powershell.exe", "Results: an1496-out/"],
    "explain": ["invoice_viewer.exe", "self-signed"],
    "sense": ['"uid"', '"anomalies"'],
    "endpoint": ["network_connect", "ws-04.corp.example", "ws-07.corp.example"],
    "check-config": ["reads redis_stream", "tells file"],
    "schema": ['"title": "AN1496 notice"'],
    "replay monday": ["invoice_viewer.exe", "powershell.exe", "Results: case-17/"],
}
"""What the commands print that end by themselves."""
COMMANDS = [each.partition("  ")[0] for each in typed("README.md") if each.startswith("an1496 ")]


def bound(command: str) -> str:
    """A command, with what the README leaves open."""
    for word, ours in BOUND.items():
        command = command.replace(word, ours)
    return command


@pytest.fixture
def folder(tmp_path: Path, redis_port: int) -> Path:
    """A clone, and in it all files that the README names."""
    clone(tmp_path)
    (tmp_path / "an1496.toml").write_text(SERVICE.replace("PORT", str(redis_port)))
    (tmp_path / "ship.toml").write_text(FORWARDER.replace("PORT", str(redis_port)))
    (tmp_path / "monday.pcap.gz").write_bytes(gzip.compress((DEMO / "capture.pcap").read_bytes()))
    (tmp_path / "sysmon.evtx").write_bytes(evtx_file.of_flat_json((DEMO / "ws-04.json").read_bytes()))
    for name in ("zeek-logs", "winlogbeat"):
        (tmp_path / name).mkdir()
    shutil.copy(DEMO / "ws-07.json", tmp_path / "winlogbeat")
    log = subprocess.run(
        ["an1496", "sense", "--ca-bundle", "pcaps/ca.pem", "pcaps/demo/capture.pcap"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True,
    ).stdout  # fmt: skip
    (tmp_path / "an1496.log").write_bytes(log)
    (tmp_path / "zeek-logs" / "an1496.log").write_bytes(log)
    shutil.copy(ROOT / "pcaps" / "ca.pem", tmp_path / "our-roots.pem")
    return tmp_path


def test_each_command_does_what_it_says(folder: Path) -> None:
    said = []
    for command in COMMANDS:
        for beginning, words in SAYS.items():
            if command.startswith(f"an1496 {beginning}"):
                printed = enter(bound(command), folder)
                assert [word for word in words if word not in printed] == [], command
                said.append(command)
    assert {*COMMANDS} - {*said} == {"an1496 run -c an1496.toml", "an1496 ship -c ship.toml"}
    for out in ("an1496-out", "case-17"):
        results = {path.name for path in (folder / out).iterdir()}
        assert results == set(re.findall(r"^\| `(\w+\.jsonl)` \|", README, re.MULTILINE)), out


def test_what_the_forwarder_ships_the_service_tells_until_both_are_ended(folder: Path) -> None:
    told = folder / "notices.jsonl"
    running = [
        subprocess.Popen(shlex.split(command), cwd=folder, env=environment(folder), stderr=subprocess.PIPE)
        for command in COMMANDS
        if command.startswith(("an1496 run ", "an1496 ship "))
    ]
    try:
        until = time.monotonic() + 60
        while not (told.exists() and len(told.read_bytes().splitlines()) >= 2) and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        for each in running:
            each.terminate()
        logs = [each.communicate(timeout=30)[1] for each in running]
    assert [each.returncode for each in running] == [0, 0], logs
    assert {name for name in ("invoice_viewer.exe", "powershell.exe") if name in told.read_text()} == {
        "invoice_viewer.exe",
        "powershell.exe",
    }, logs
