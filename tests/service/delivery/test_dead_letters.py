"""The file of what no sink takes."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from enricher.service.delivery import append
from enricher.service.delivery.append import AppendFile
from enricher.service.delivery.dead_letters import DeadLetters


def test_a_letter_holds_the_whole_notice_and_why(make: Any, dead: DeadLetters, letters: Any, clock: Any) -> None:
    assert dead.add("siem", [(make.notice(1), "no\nroom")]) == 0
    (letter,) = letters()
    assert (letter["sink"], letter["reason"], letter["ts"]) == ("siem", "no\\x0aroom", clock.wall())
    assert letter["notice"]["sessions"][0]["uid"] == "C1"
    assert stat.S_IMODE(dead.path.stat().st_mode) == 0o600


def test_a_full_file_takes_no_more_and_says_how_many(make: Any, tmp_path: Path, clock: Any) -> None:
    size = len(json.dumps("x")) + 2000
    dead = DeadLetters(tmp_path / "d", size, clock)
    assert dead.add("s", [(each, "r") for each in make.notices(5)]) > 0
    assert 0 < (tmp_path / "d").stat().st_size <= size
    before = (tmp_path / "d").read_bytes()
    assert dead.add("s", [(make.notice(), "r" * 400)]) == 1
    assert (tmp_path / "d").read_bytes() == before


def test_a_folder_that_is_not_there_loses_all_of_them_and_does_not_fail(make: Any, tmp_path: Path, clock: Any) -> None:
    dead = DeadLetters(tmp_path / "no" / "d", 10**6, clock)
    assert dead.add("s", [(each, "r") for each in make.notices(3)]) == 3


def test_lines_follow_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = AppendFile(path, b"#head\n")
    file.write(b"one\n")
    path.rename(tmp_path / "log.1")
    file.write(b"two\n")
    path.unlink()
    file.write(b"three\n")
    file.write(b"four\n")
    assert (tmp_path / "log.1").read_bytes() == b"#head\none\n"
    assert path.read_bytes() == b"#head\nthree\nfour\n"


def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'whole\n{"cut')
    AppendFile(path, b"#head\n").write(b"next\n")
    assert path.read_bytes() == b'whole\n{"cut\nnext\n'


def test_a_disk_that_fills_up_in_the_middle_leaves_no_part_of_a_line(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "log"
    file = AppendFile(path)
    file.write(b"one\n")
    real = os.write

    def short(fd: int, data: Any) -> int:
        if len(data) < 8:
            raise OSError(28, "No space left on device")
        return real(fd, data[:3])

    monkeypatch.setattr(append.os, "write", short)
    with pytest.raises(OSError, match="No space"):
        file.write(b"two and more\n")
    monkeypatch.setattr(append.os, "write", real)
    file.write(b"three\n")
    assert path.read_bytes() == b"one\nthree\n"
