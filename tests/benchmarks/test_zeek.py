"""The benchmark of the Zeek package: how instructions are counted."""

import os
from pathlib import Path

import pytest
import traffic
import zeek

VALGRIND = """#!/bin/sh
start=1000 read=0
case "$*" in *zeek_scripts*) start=1500 part=1210 ;; *) part=1100 ;; esac
case "$*" in *empty.pcap*) ;; *) read=$part ;; esac
echo "==7== I   refs:      $((start + read)),000" >&2
"""


@pytest.fixture
def valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "valgrind"
    program.parent.mkdir()
    program.write_text(VALGRIND)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.pcap"
    path.write_bytes(traffic.HEADER + bytes(2_000_000))
    return path


def test_what_starting_zeek_takes_is_left_out_of_the_ratio(
    valgrind: Path, capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zeek.instructions("zeek", capture, tmp_path)
    shown = capsys.readouterr().out
    assert "1.100×, with starting 1.290×" in shown  # 1210 / 1100; 2710 / 2100
    assert "MISSED" not in shown


def test_a_missed_goal_is_said(
    valgrind: Path, capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    valgrind.write_text(VALGRIND.replace("1210", "1220"))
    zeek.instructions("zeek", capture, tmp_path)
    assert "1.109×" in (shown := capsys.readouterr().out)
    assert "MISSED" in shown


def test_without_a_count_it_stops(valgrind: Path, capture: Path, tmp_path: Path) -> None:
    valgrind.write_text("#!/bin/sh\necho nothing\n")
    with pytest.raises(SystemExit, match="no instructions"):
        zeek.instructions("zeek", capture, tmp_path)
