"""The command line as a user meets it: a process, its two streams and its exit code."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
CAPTURE = PCAPS / "demo" / "capture.pcap"
LOG = PCAPS / "demo" / "ws-04.json"
COMMAND = (sys.executable, "-m", "enricher")

Done = subprocess.CompletedProcess[bytes]


def run(*words: str | Path, cwd: Path | None = None, stdin: bytes = b"") -> Done:
    return subprocess.run(
        [*COMMAND, *map(str, words)], cwd=cwd, input=stdin, capture_output=True, timeout=120, check=False
    )


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def complaints(done: Done) -> list[str]:
    return done.stderr.decode().splitlines()


def test_replay_prints_a_table_the_ledger_and_where_the_results_are(tmp_path: Path) -> None:
    done = run("replay", CAPTURE, "--endpoint", PCAPS / "demo", "--ca-bundle", PCAPS / "ca.pem", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    for word in (
        "Notices",
        "invoice_viewer.exe",
        "process+ library+ session+",
        "Ledger",
        "matched",
        "an1496-out/notices.jsonl",
    ):
        assert word in text
    names = {"notices.jsonl", "observations.jsonl", "sessions.jsonl"}
    assert {path.name for path in (tmp_path / "an1496-out").iterdir()} == names


def test_replay_with_json_prints_the_notices_and_nothing_else(tmp_path: Path) -> None:
    done = run("replay", CAPTURE, "--endpoint", LOG, "--json", "--out", tmp_path)
    assert done.stdout == (tmp_path / "notices.jsonl").read_bytes()
    assert lines(done)[0]["severity"] == "high"


def test_an_endpoint_log_is_recognised_wherever_it_stands(tmp_path: Path) -> None:
    one = run("replay", CAPTURE, LOG, "--json", "--out", tmp_path / "1")
    other = run("replay", LOG, "--endpoint", CAPTURE, "--json", "--out", tmp_path / "2")
    assert one.stdout == other.stdout != b""


def test_captures_and_logs_may_come_packed_and_through_standard_input(tmp_path: Path) -> None:
    packed = tmp_path / "log.dat"
    packed.write_bytes(gzip.compress(LOG.read_bytes()))
    plain = run("replay", CAPTURE, LOG, "--json", "--out", tmp_path / "1")
    piped = run("replay", "-", packed, "--json", "--out", tmp_path / "2", stdin=gzip.compress(CAPTURE.read_bytes()))
    ids = [[notice["id"] for notice in lines(done)] for done in (plain, piped)]
    assert ids[0] == ids[1] != []


def test_sense_prints_one_judged_observation_for_each_connection() -> None:
    done = run("sense", CAPTURE)
    assert done.returncode == 0
    seen = lines(done)
    assert len({row["uid"] for row in seen}) == len(seen) == 15
    assert all(row["ja4"].startswith("t1") and "anomalies" in row for row in seen)


def test_endpoint_prints_events_and_says_what_was_skipped() -> None:
    done = run("endpoint", LOG)
    assert done.returncode == 0
    assert {row["kind"] for row in lines(done)} >= {"process_start", "module_load", "network_connect"}
    assert "skipped" in done.stderr.decode()


@pytest.mark.parametrize(("command", "count", "others"), [("sense", 15, 2), ("endpoint", 85, 1)])
def test_of_a_folder_is_read_what_is_of_the_commands_kind(command: str, count: int, others: int) -> None:
    done = run(command, PCAPS / "demo")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == count
    assert f"an1496: left out: files of another kind: {others}" in complaints(done)


@pytest.mark.parametrize(("command", "given"), [("sense", LOG), ("endpoint", CAPTURE)])
def test_a_file_of_another_kind_that_was_named_is_told(command: str, given: Path) -> None:
    done = run(command, given)
    assert (done.returncode, done.stdout) == (1, b"")
    (told,) = complaints(done)
    assert told.startswith(f"an1496: {given}: ")
    assert "`an1496 replay`" in told


def test_explain_tells_a_notice_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    notice = lines(run("replay", CAPTURE, LOG, "--json", "--out", tmp_path))[0]
    done = run("explain", notice["id"][:12], "--out", tmp_path)
    text = done.stdout.decode()
    assert done.returncode == 0
    for heading in (notice["id"], "Time line", "Legs", "Evidence", "why this weight", "Not seen", "AN1496"):
        assert heading in text
    assert max(map(len, text.splitlines())) <= 100


def test_explain_tells_the_last_revision_that_a_service_wrote(tmp_path: Path) -> None:
    first = lines(run("replay", CAPTURE, LOG, "--json", "--out", tmp_path))[0]
    revisions = ({**first, "revision": 2, "summary": "the later one"}, first)
    (tmp_path / "notices.jsonl").write_text("".join(json.dumps(notice) + "\n" for notice in revisions))
    for wanted in (first["id"], first["id"][:12]):
        assert "the later one." in run("explain", wanted, "--out", tmp_path).stdout.decode()


def test_explain_of_an_unknown_notice_says_so(tmp_path: Path) -> None:
    run("replay", CAPTURE, "--out", tmp_path)
    done = run("explain", "AN1496-ffff", "--out", tmp_path)
    assert done.returncode == 1
    assert "no notice begins with 'AN1496-ffff'" in done.stderr.decode()
    assert complaints(run("explain", "x", "--out", tmp_path / "gone"))[0].endswith(
        "give the folder of a replay with --out"
    )


def test_schema_prints_what_the_documents_hold() -> None:
    published = (PCAPS.parent / "docs" / "schemas" / "notice.json").read_text()
    assert json.loads(run("schema", "notice").stdout) == json.loads(published)


@pytest.mark.parametrize("command", [(), ("replay",), ("sense",), ("endpoint",), ("explain",), ("schema",)])
def test_help_is_there_for_every_command(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert b"Usage: " in done.stdout


@pytest.mark.parametrize("words", [("replay",), ("replay", "--nope", "x"), ("nope",), ("schema", "nope")])
def test_a_wrong_command_line_is_exit_code_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def bad_inputs(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(folder / "archive", "w") as archive:
        archive.writestr("log.json", "{}")
    return {
        "empty": b"",
        "text": b"hello\nworld\n",
        "zip": (folder / "archive").read_bytes(),
        "noise": bytes(range(256)) * 100,
        "cut.pcap": CAPTURE.read_bytes()[:20_000],
        "cut.gz": gzip.compress(CAPTURE.read_bytes(), compresslevel=1)[:20_000],
        "long.json": b'{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","CommandLine":"'
        + b"x" * 100_000_000
        + b'"}\n',
        "broken.json": LOG.read_bytes()[:100_000] + b"\n{nonsense\n",
    }


def test_every_bad_input_gets_one_clear_line_and_the_good_ones_are_read(tmp_path: Path) -> None:
    good = run("replay", CAPTURE, LOG, "--json", "--out", tmp_path / "good")
    (tmp_path / "bad").mkdir()
    for name, data in bad_inputs(tmp_path).items():
        (tmp_path / "bad" / name).write_bytes(data)
    paths = [tmp_path / "bad" / name for name in bad_inputs(tmp_path)]
    done = run("replay", CAPTURE, LOG, *paths, tmp_path / "missing", "--json", "--out", tmp_path / "out")
    assert done.returncode == 1
    told = complaints(done)
    for path in (*paths, tmp_path / "missing"):
        about = [line for line in told if str(path) in line]
        # A log cut within a line has two faults: that line, and the nonsense below it.
        assert len(about) == (2 if path.name == "broken.json" else 1), (path, told)
    assert [n["id"] for n in lines(done)] == [n["id"] for n in lines(good)]


def test_where_nothing_could_be_read_one_line_says_so_and_no_table(tmp_path: Path) -> None:
    done = run("endpoint", tmp_path / "missing")
    assert (done.returncode, done.stdout) == (1, b"")
    assert complaints(done) == [f"an1496: {tmp_path}/missing: no such file or directory; check the path"]


def test_invalid_utf_8_in_a_log_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LOG.read_bytes().replace(b"anna", b"a\xff\xfe\xc0na"))
    done = run("replay", CAPTURE, tmp_path / "log", "--json", "--out", tmp_path / "out")
    assert done.returncode == 0
    assert lines(done)[0]["process"]["user"].startswith("CORP\\a\ufffd")


def test_control_characters_from_outside_never_reach_the_terminal(tmp_path: Path) -> None:
    hostile = rb"\u001b]0;owned\u0007\u009b31m\u202e"
    (tmp_path / "log").write_bytes(LOG.read_bytes().replace(b"invoice_viewer", b"inv" + hostile))
    name = f"bad\x1b[2Jname{tmp_path.name}"
    (tmp_path / name).write_bytes(b"")
    shown = run("replay", CAPTURE, tmp_path / "log", tmp_path / name, "--out", tmp_path / "out")
    told = run(
        "explain",
        lines(run("replay", CAPTURE, tmp_path / "log", "--json", "--out", tmp_path / "out"))[0]["id"],
        "--out",
        tmp_path / "out",
    )
    for data in (shown.stdout, shown.stderr, told.stdout, *(p.read_bytes() for p in (tmp_path / "out").iterdir())):
        text = data.decode()
        assert not [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e")]


def test_a_full_disk_is_told_and_leaves_the_old_results(tmp_path: Path) -> None:
    (tmp_path / "notices.jsonl").write_bytes(b"old\n")
    (tmp_path / "sessions.jsonl.part").symlink_to("/dev/full")
    done = run("replay", CAPTURE, "--out", tmp_path)
    assert done.returncode == 1
    (told,) = complaints(done)
    assert told.startswith(f"an1496: {tmp_path}: ")
    assert told.endswith("the results cannot be written: No space left on device: free space or give another --out")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"notices.jsonl": b"old\n"}


def test_a_file_that_cannot_be_a_configuration_is_told_at_once(tmp_path: Path) -> None:
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(4 << 30)
    done = run("check-config", huge)
    assert (done.returncode, done.stdout) == (2, b"")
    assert complaints(done) == [f"an1496: {huge}: larger than 64 MiB: check that it is the file that is meant"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("replay", CAPTURE, "--out", tmp_path / "file" / "out")
    assert done.returncode == 1
    assert complaints(done)[0].endswith("cannot be made: Not a directory: give another folder with --out")


def test_what_was_left_out_is_counted_and_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "README").write_text("nothing of use")
    (tmp_path / "in" / "capture").write_bytes(CAPTURE.read_bytes())
    (tmp_path / "small.toml").write_text("[sensor.wire]\nmax_flows = 1\n")
    done = run("replay", tmp_path / "in", "--config", tmp_path / "small.toml", "--json", "--out", tmp_path / "out")
    assert done.returncode == 0
    told = complaints(done)
    assert "an1496: left out: files neither capture nor log: 1" in told
    assert [line for line in told if re.fullmatch(r"an1496: left out: flows evicted: [1-9]\d*", line)]


def test_an_unreachable_redis_is_told_without_its_password(tmp_path: Path) -> None:
    done = run("replay", CAPTURE, "--redis", "redis://user:hunter2@127.0.0.1:1/0", "--out", tmp_path)
    assert done.returncode == 1
    assert len(complaints(done)) == 1
    assert "127.0.0.1:1" in done.stderr.decode()
    assert "hunter2" not in done.stderr.decode()


@pytest.mark.parametrize("words", [f"endpoint {LOG}", f"replay {CAPTURE}", "schema config"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, words: str) -> None:
    command = " ".join(COMMAND)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} {words} | true"],
        capture_output=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert b"rror" not in done.stderr


@pytest.mark.parametrize(
    "words", [("sense", CAPTURE), ("replay", CAPTURE), ("replay", CAPTURE, "--json"), ("schema", "config")]
)
def test_a_full_standard_output_is_told(tmp_path: Path, words: tuple[str | Path, ...]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    notices = ("--endpoint", LOG) if "replay" in words else ()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *map(str, (*words, *notices))], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert complaints(done) == ["an1496: standard output: no space left on device: make room where it goes"]


def test_a_stream_that_is_closed_is_an_empty_one(tmp_path: Path) -> None:
    config = tmp_path / "service.toml"
    config.write_text('store.url = "redis://127.0.0.1:1"\nsources = [{ type = "stdin" }]\n')

    def without(descriptor: int, *words: str | Path) -> Done:
        command = [*COMMAND, *map(str, words)]
        return subprocess.run(
            command, capture_output=True, preexec_fn=lambda: os.close(descriptor), check=False, cwd=tmp_path
        )

    assert complaints(without(0, "sense", "-")) == ["an1496: stdin: the file is empty; check how it was written"]
    assert b"reads stdin" in without(0, "check-config", config).stdout
    assert without(1, "sense", CAPTURE).stderr == b""
    assert without(2, "sense", CAPTURE).stdout == run("sense", CAPTURE).stdout


def test_a_bar_shows_on_a_terminal_while_a_large_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LOG.read_bytes() * 100)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "endpoint", str(tmp_path / "log")], stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
    assert process.returncode == 0
    assert b"MB" in shown


def test_an_interrupt_ends_at_once_with_exit_code_130(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen(
        [*COMMAND, "replay", str(tmp_path / "pipe"), "--out", str(tmp_path / "out")], stderr=subprocess.PIPE
    )
    with (tmp_path / "pipe").open("wb") as pipe:
        pipe.write(CAPTURE.read_bytes()[:1000])
        pipe.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert (process.returncode, told.strip()) == (130, b"an1496: interrupted")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("words", [("--help",), ("sense", CAPTURE), ("endpoint", LOG)], ids=lambda words: words[0])
def test_what_needs_no_store_and_tells_nobody_does_not_load_their_clients(words: tuple[str | Path, ...]) -> None:
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); import enricher.__main__"
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, timeout=60, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.decode().splitlines()[-1].split()}
    assert "click" in loaded
    assert not loaded & {"redis", "asyncio", "urllib3", "prometheus_client", "structlog", "websockets"}
