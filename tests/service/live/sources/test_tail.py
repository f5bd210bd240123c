"""Every line of a followed log is read, and told by its place in it, whatever becomes of the file."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.service.live.sources.tail import Tail

HEADER = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n#open\t{}\n"
FIELDS = (
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tstring\n"
)


def json_row(n: int) -> str:
    return (
        json.dumps(
            {
                "_path": "ssl",
                "ts": 1.7e9 + n,
                "uid": f"C{n}",
                "id.orig_h": "10.0.0.1",
                "id.orig_p": 1,
                "id.resp_h": "10.0.0.2",
                "id.resp_p": 443,
            }
        )
        + "\n"
    )


def tsv_row(n: int) -> str:
    return f"{1.7e9 + n}\tC{n}\t10.0.0.1\t1\t10.0.0.2\t443\tTLSv12\n"


def tail(path: Path, position: bytes | None = None, **more: object) -> Tail:
    source = Tail("zeek", path, **more)
    if position is not None:
        source.resume(position)
    return source


def read(source: Tail, quiet: int = 5) -> list[str]:
    """All that is there, until nothing came for a while."""
    found, silent = [], 0
    while silent < quiet:
        records = source.read()
        found += [record.uid for record in records]
        silent = 0 if records else silent + 1
    return found


def ids(start: int, end: int) -> list[str]:
    return [f"C{n}" for n in range(start, end)]


def add(path: Path, start: int, end: int, row=json_row) -> None:
    with path.open("a") as file:
        file.writelines(row(n) for n in range(start, end))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ssl.log"


def test_lines_are_read_as_they_come_and_half_a_line_waits(log: Path) -> None:
    source = tail(log)
    assert read(source) == []
    add(log, 0, 2)
    assert read(source) == ids(0, 2)
    with log.open("a") as file:
        file.write(json_row(2)[:20])
    assert read(source) == []
    with log.open("a") as file:
        file.write(json_row(2)[20:])
    assert read(source) == ids(2, 3)


def test_after_a_restart_nothing_is_missing_and_lines_keep_their_numbers(log: Path) -> None:
    add(log, 0, 3)
    with log.open("a") as file:
        file.write(json_row(3)[:30])
    first = tail(log)
    read(first)
    with log.open("a") as file:
        file.write(json_row(3)[30:])
    add(log, 4, 6)
    second = tail(log, first.position())
    records = second.read()
    assert [(r.uid, r.source) for r in records] == [(f"C{n}", f"{log}:{n + 1}") for n in range(3, 6)]


def test_a_renamed_log_is_read_to_its_end_before_the_new_one(log: Path) -> None:
    add(log, 0, 2)
    source = tail(log)
    read(source)
    with log.open("a") as writer:
        log.rename(log.with_name("ssl.1.log"))
        writer.writelines(map(json_row, range(2, 4)))
        add(log, 4, 6)
    assert read(source) == ids(2, 6)


def test_the_last_line_of_a_renamed_log_may_lack_its_end(log: Path) -> None:
    log.write_text(json_row(0) + json_row(1).rstrip())
    source = tail(log)
    assert read(source) == ids(0, 1)
    log.rename(log.with_name("ssl.1.log"))
    add(log, 2, 3)
    assert read(source) == ids(1, 3)


@pytest.mark.parametrize("how", ["rename", "gzip", "copytruncate", "copytruncate_gzip"])
@pytest.mark.parametrize("rotations", [1, 3])
@pytest.mark.parametrize("running", [False, True])
def test_rotation_loses_nothing_whether_we_run_or_not(log: Path, how: str, rotations: int, running: bool) -> None:
    add(log, 0, 3)
    source = tail(log)
    assert read(source) == ids(0, 3)
    position = source.position()
    if not running:
        source.close()
    n = 3
    for turn in range(rotations):
        add(log, n, n + 2)
        n += 2
        old = log.with_name(f"ssl.log.{20240101 + turn}")
        if how.startswith("copy"):
            shutil.copy2(log, old)
            os.truncate(log, 0)
        else:
            log.rename(old)
        os.utime(old, ns=(10**18 + turn, 10**18 + turn))
        if how.endswith("gzip"):
            packed = old.with_name(old.name + ".gz")
            packed.write_bytes(gzip.compress(old.read_bytes()))
            shutil.copystat(old, packed)
            old.unlink()
        add(log, n, n + 1)
        n += 1
    source = source if running else tail(log, position)
    assert read(source) == ids(3, n)
    assert source.problems() == []
    add(log, n, n + 1)
    assert read(source) == ids(n, n + 1)


def test_a_restart_within_a_compressed_older_log_goes_on_there(log: Path) -> None:
    add(log, 0, 3000)
    source = tail(log)
    assert read(source) == ids(0, 3000)
    cut = tail(log)
    first = [r.uid for r in cut.read()]
    assert 0 < len(first) < 3000
    log.with_name("ssl.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    add(log, 3000, 3001)
    half = tail(log, cut.position())
    middle = [r.uid for r in half.read()]
    rest = read(tail(log, half.position()))
    assert [*first, *middle, *rest] == ids(0, 3001)


def test_the_header_of_a_tsv_log_holds_after_a_restart_and_a_second_header_holds_from_where_it_stands(
    log: Path,
) -> None:
    log.write_text(HEADER.format(1) + FIELDS)
    add(log, 0, 2, tsv_row)
    first = tail(log)
    assert read(first) == ids(0, 2)
    add(log, 2, 3, tsv_row)
    second = tail(log, first.position())
    assert read(second) == ids(2, 3)
    with log.open("a") as file:
        file.write(HEADER.format(2) + FIELDS.replace("\tversion", "").replace("\tuid\tid.orig_h", "\tid.orig_h\tuid"))
        file.write("1700000003.0\t10.0.0.1\tC3\t1\t10.0.0.2\t443\n")
    read(second)
    with log.open("a") as file:
        file.write("1700000004.0\t10.0.0.1\tC4\t1\t10.0.0.2\t443\n")
    third = tail(log, second.position())
    assert [(r.uid, r.orig_h) for r in third.read()] == [("C4", "10.0.0.1")]


def test_an_inode_that_is_used_again_is_another_file(log: Path) -> None:
    add(log, 0, 3)
    source = tail(log)
    read(source)
    position = source.position()
    source.close()
    log.write_text("".join(map(json_row, range(10, 20))))  # the same inode, longer than before
    again = tail(log, position)
    assert read(again) == ids(10, 20)
    (problem,) = again.problems()
    assert "not found" in problem.what


def test_a_log_truncated_and_grown_beyond_our_place_is_read_from_its_beginning(log: Path) -> None:
    add(log, 0, 2)
    source = tail(log)
    read(source)
    log.write_text("".join(map(json_row, range(10, 20))))
    assert set(ids(10, 20)) <= set(read(source))


def test_without_a_position_what_is_there_may_be_passed_over(log: Path) -> None:
    log.write_text(HEADER.format(1) + FIELDS)
    add(log, 0, 2, tsv_row)
    source = tail(log, at_end=True)
    assert read(source) == []
    add(log, 2, 4, tsv_row)
    assert read(source) == ids(2, 4)


def test_what_is_no_log_of_lines_is_told_once_and_left(log: Path) -> None:
    log.write_bytes(b"<Events>\n" * 3)
    source = tail(log)
    assert read(source) == []
    log.open("ab").write(b"more\n" * 1000)
    assert read(source) == []
    (problem,) = source.problems()
    assert "cannot be followed" in problem.what or "not a log" in problem.what


def test_a_line_without_end_takes_no_memory_and_costs_nothing_else(log: Path) -> None:
    add(log, 0, 1)
    with log.open("ab") as file:
        for _ in range(6):
            file.write(b"x" * (1 << 20))
        file.write(b"\n")
    add(log, 1, 2)
    source = tail(log)
    assert read(source, 40) == ids(0, 2)
    assert any("longer than" in problem.what for problem in source.problems())


def test_a_file_that_may_not_be_read_is_one_clear_error(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.mkdir()
    with pytest.raises(Exception, match="is a directory"):
        tail(log).read()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_life_of_a_log_is_read_whole(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    log = tmp_path_factory.mktemp("life") / "ssl.log"
    add(log, 0, 1)
    source = tail(log)
    found = read(source)
    position = source.position()
    n, turn = 1, 0
    for _ in range(data.draw(st.integers(1, 12))):
        act = data.draw(st.sampled_from(["write", "write", "rotate", "pack", "read", "crash", "look"]))
        if act == "write":
            more = data.draw(st.integers(1, 4))
            add(log, n, n + more)
            n += more
        elif act == "rotate" and log.exists():
            turn += 1
            old = log.with_name(f"ssl.log.{turn:03}")
            log.rename(old)
            os.utime(old, ns=(10**18 + turn, 10**18 + turn))
        elif act == "pack":
            for old in log.parent.glob("ssl.log.???"):
                packed = old.with_name(old.name + ".gz")
                packed.write_bytes(gzip.compress(old.read_bytes()))
                shutil.copystat(old, packed)
                old.unlink()
        elif act == "read":
            found += read(source)
            position = source.position() or position
        elif act == "look":
            found += [r.uid for r in source.read()]
            position = source.position() or position
        elif act == "crash":
            source.close()
            source = tail(log, position)
    add(log, n, n + 1)
    found += read(source, 30)
    assert list(dict.fromkeys(found)) == ids(0, n + 1)


def test_a_log_that_is_rotated_between_restart_and_first_read_is_read_whole(log: Path) -> None:
    add(log, 0, 1)
    source = tail(log)
    found = read(source)
    position = source.position()
    source.close()
    source = tail(log, position)
    log.rename(log.with_name("ssl.log.001"))
    add(log, 1, 2)
    assert found + read(source, 30) == ids(0, 2)


def test_what_is_no_file_is_one_clear_error_and_nothing_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in ((tmp_path / "pipe", "not a regular file"), (Path("/dev/zero"), "not a"), (tmp_path, "directory")):
        with pytest.raises(InputError, match=why):
            Tail("t", path).read()


def test_a_log_that_begins_after_we_did_is_read_from_its_beginning(tmp_path: Path) -> None:
    source = tail(tmp_path / "ssl.log", at_end=True)
    assert source.read() == ()
    (tmp_path / "ssl.log").write_text(json_row(0) + json_row(1))
    assert read(source) == ids(0, 2)


def test_problems_of_a_log_are_told_for_as_long_as_it_grows(tmp_path: Path) -> None:
    log = tmp_path / "ssl.log"
    log.write_text(json_row(0))
    source = tail(log)
    assert read(source) == ids(0, 1)
    for _ in range(30):
        with log.open("a") as file:
            file.write(json_row(1).replace('"id.orig_p": 1', '"id.orig_p": x'))
        source.read()
        assert len(source.problems()) == 1
    with log.open("a") as file:
        file.write(json_row(1).replace('"id.orig_p": 1', '"id.orig_p": x') * 30)
    source.read()
    assert "10 more" in source.problems()[-1].what


@pytest.mark.parametrize("at_end", [False, True])
def test_a_log_in_utf16_loses_nothing_that_comes_after_a_restart(tmp_path: Path, at_end: bool) -> None:
    log = tmp_path / "ssl.log"
    log.write_bytes((json_row(0) + json_row(1)).encode("utf-16"))
    source = tail(log, at_end=at_end)
    assert read(source) == ids(0, 2)
    with log.open("ab") as file:
        file.write(json_row(2).encode("utf-16")[2:])
    assert read(tail(log, source.position())) == ids(0, 3)
    assert read(source) == ids(2, 3)
