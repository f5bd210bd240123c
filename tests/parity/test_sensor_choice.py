"""`--sensor`: with Zeek as the sensor of a capture a replay gives the notices that it gives with our own."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import record
from enricher.service.zeek_sensor import ZeekSensor

ZEEK = record.zeek()
UNSEEN = {"handshakes": {"begun-late.exe", "malformed.exe"}}
"""What Zeek does not see: a connection whose SYN is missing, and one whose handshake it gives up (`test_parity`)."""


def replay(
    case: str, out: Path, *words: str, path: str | None = None, site: Path | None = None
) -> subprocess.CompletedProcess[str]:
    told = record.CASES[case]
    inputs = [*map(str, record.captures(told)), "--ca-bundle", str(record.PCAPS / told["ca_bundle"])]
    inputs += [word for name in told.get("endpoint", ()) for word in ("--endpoint", str(record.PCAPS / name))]
    command = [sys.executable, "-m", "enricher", "replay", *inputs, "--out", str(out), *words]
    env = dict(os.environ, PATH=os.environ["PATH"] if path is None else path)
    if site is not None:
        env["PYTHONPATH"] = str(site)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env, cwd=site)


def notices(out: Path) -> dict[str, dict[str, Any]]:
    """Each notice without what the two sensors name in their own ways."""
    found = {}
    for line in (out / "notices.jsonl").read_text().splitlines():
        notice = json.loads(line)
        sessions = sorted((s["id.orig_h"], s["id.orig_p"], s["ja4"], tuple(s["anomalies"])) for s in notice["sessions"])
        evidence = sorted((e["id"], e["weight"]) for e in notice["evidence"])
        kept = {key: notice[key] for key in ("severity", "score", "summary", "count", "process", "legs", "unseen")}
        found[notice["id"]] = {**kept, "sessions": sessions, "evidence": evidence}
    return found


def stand_in(folder: Path, body: str) -> str:
    """A PATH on which `zeek` is a script of ours."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "zeek"
    program.write_text(f"#!{sys.executable}\nimport gzip, os, sys\n{body}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.fixture
def without(tmp_path: Path) -> str:
    """A PATH without Zeek."""
    return str(tmp_path)


@pytest.mark.parametrize("case", [case for case in record.CASES if record.CASES[case].get("endpoint")])
@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_real_zeek_gives_the_notices_that_our_sensor_gives(case: str, tmp_path: Path) -> None:
    runs = {}
    for sensor in ("embedded", "zeek"):
        done = replay(case, tmp_path / sensor, "--sensor", sensor)
        assert (done.returncode, done.stderr) == (0, "")
        runs[sensor] = notices(tmp_path / sensor)
    unseen = {id_ for id_ in runs["embedded"] if id_ not in runs["zeek"]}
    names = {runs["embedded"][id_]["process"]["image"].rpartition("\\")[2] for id_ in unseen}
    assert names == UNSEEN.get(case, set())
    assert runs["zeek"] == {id_: notice for id_, notice in runs["embedded"].items() if id_ not in unseen}


def test_what_zeek_writes_of_a_capture_is_judged_by_our_rules(tmp_path: Path) -> None:
    log = Path(__file__).with_name("recordings") / "demo.log.gz"
    path = stand_in(
        tmp_path,
        "assert sys.argv[1:4] == ['-C', '-r', '-']\nsize = len(sys.stdin.buffer.read())\n"
        f"open('an1496.log', 'wb').write(gzip.open({str(log)!r}).read()) if size > 10000 else None",
    )
    told = {}
    for sensor in ("embedded", "zeek", "auto"):
        done = replay("demo", tmp_path / sensor, "--sensor", sensor, path=path)
        assert (done.returncode, done.stderr) == (0, "")
        told[sensor] = notices(tmp_path / sensor)
        first = json.loads((tmp_path / sensor / "observations.jsonl").read_text().splitlines()[0])
        assert ("an1496.log" in first["source"]) == (sensor != "embedded")
    assert told["zeek"] == told["auto"] == told["embedded"] != {}


def test_an_installed_program_brings_the_package(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="what builds the package is not at hand")
    root = record.SCRIPTS.parent
    source = tmp_path / "source"
    for name in ("enricher", "zeek_scripts"):
        shutil.copytree(root / name, source / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).symlink_to(root / name)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = source.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    shutil.rmtree(source)

    scripts = sorted(script.name for script in record.SCRIPTS.iterdir())
    path = stand_in(tmp_path, f"sys.exit(sorted(os.listdir(sys.argv[4])) != {scripts!r})")
    done = replay("demo", tmp_path / "out", "--sensor", "auto", path=path, site=tmp_path / "site")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_zeek_that_fails_is_one_line_and_what_it_wrote_counts(tmp_path: Path) -> None:
    log = Path(__file__).with_name("recordings") / "demo.log.gz"
    path = stand_in(
        tmp_path,
        f"lines = gzip.open({str(log)!r}).read().splitlines(keepends=True)\n"
        "open('an1496.log', 'wb').write(lines[0])\nsys.stdin.close()\n"
        "sys.exit('processing suspended\\n' * 50 + 'fatal error: \\x1b[31mno such link type')",
    )
    done = replay("demo", tmp_path / "out", "--sensor", "zeek", path=path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert r"Zeek failed: fatal error: \x1b[31mno such link type" in line
    assert len((tmp_path / "out" / "observations.jsonl").read_text().splitlines()) == 1


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_real_zeek_says_why_it_gave_up_and_what_it_had_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = record.captures(record.CASES["demo"])
    capture = tmp_path / "cut.pcap"
    capture.write_bytes(whole.read_bytes()[:100_000])
    monkeypatch.setitem(record.CASES, "cut", {**record.CASES["demo"], "captures": [capture], "endpoint": ()})
    done = replay("cut", tmp_path / "out", "--sensor", "zeek")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "truncated dump file" in line
    replay("cut", tmp_path / "ours")
    found, ours = ((tmp_path / name / "observations.jsonl").read_text().splitlines() for name in ("out", "ours"))
    assert len(found) == len(ours) > 5


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_real_zeek_has_nothing_to_say_of_how_it_is_run(tmp_path: Path) -> None:
    (capture,) = record.captures(record.CASES["demo"])
    sensor = ZeekSensor("demo", str(ZEEK), str(record.PCAPS / "ca.pem"))
    sensor.feed(capture.read_bytes())
    sensor._zeek.stdin.close()
    sensor._zeek.wait(60)
    said = [line for line in sensor._said.read_text().splitlines() if "processing " not in line]
    logs = [path.name for path in sensor._log.parent.glob("*.log")]
    sensor.close()
    assert (said, logs) == ([], ["an1496.log"])


def test_without_zeek_only_who_asks_for_it_is_refused(tmp_path: Path, without: str) -> None:
    refused = replay("demo", tmp_path / "zeek", "--sensor", "zeek", path=without)
    assert refused.returncode == 2
    assert "zeek is not on PATH" in refused.stderr
    done = replay("demo", tmp_path / "auto", "--sensor", "auto", path=without)
    assert (done.returncode, done.stderr) == (0, "")
    assert notices(tmp_path / "auto")
