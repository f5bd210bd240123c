"""The bundled captures, through the real command line, give exactly what their manifest says."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import evtx_file
from enricher.model.verdict import SEVERITIES

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
CASES: dict[str, dict[str, Any]] = {
    c["name"]: c for c in tomllib.loads((PCAPS / "manifest.toml").read_text("utf-8"))["case"]
}
RESULTS = ("observations.jsonl", "sessions.jsonl", "notices.jsonl")

Row = dict[str, Any]
each_case = pytest.mark.parametrize("name", CASES)


def replay(name: str, out: Path, *, backwards: bool = False, endpoint: list[str] | None = None) -> dict[str, bytes]:
    case = CASES[name]
    step = -1 if backwards else 1
    captures = case["captures"][::step]
    logs = [word for log in (endpoint or case["endpoint"])[::step] for word in ("--endpoint", log)]
    inputs = [*logs, *captures] if backwards else [*captures, *logs]
    command = [sys.executable, "-m", "enricher", "replay", *inputs, "--ca-bundle", case["ca_bundle"], "--out", str(out)]
    done = subprocess.run(command, cwd=PCAPS, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return {result: (out / result).read_bytes() for result in RESULTS}


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return cache(lambda name: replay(name, tmp_path_factory.mktemp(name)))


def rows(results: dict[str, bytes], result: str) -> list[Row]:
    return [json.loads(line) for line in results[result].splitlines()]


def endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def tuple_of(row: Row) -> tuple[str, str]:
    return endpoint(row["id.orig_h"], row["id.orig_p"]), endpoint(row["id.resp_h"], row["id.resp_p"])


def paired(name: str, results: dict[str, bytes], result: str) -> list[tuple[Row, Row]]:
    """The manifest's sessions beside our rows, by tuple; a tuple used again, by time."""
    expected = sorted(CASES[name]["session"], key=lambda s: (s["client"], s["server"], s["ts"]))
    found = sorted(rows(results, result), key=lambda r: (*tuple_of(r), r["ts"]))
    assert [tuple_of(r) for r in found] == [(s["client"], s["server"]) for s in expected]
    return list(zip(expected, found, strict=True))


def differences(pairs: list[tuple[Row, Row]], ours: dict[str, str]) -> list[str]:
    """Where a fact that the manifest knows (its name → our name) is another one in our row."""
    return [
        f"{expected['client']} → {expected['server']}: {fact} is {row.get(our)!r}, not {expected[fact]!r}"
        for expected, row in pairs
        for fact, our in ours.items()
        if fact in expected and row.get(our) != expected[fact]
    ]


@each_case
def test_every_tls_session_of_the_capture_is_observed_and_no_other(name: str, replayed: Any) -> None:
    for expected, row in paired(name, replayed(name), "observations.jsonl"):
        assert 0 <= row["ts"] - expected["ts"] < 2


@each_case
def test_the_facts_of_each_handshake_are_those_that_were_set_up(name: str, replayed: Any) -> None:
    names = (
        "version",
        "cipher",
        "server_name",
        "resumed",
        "established",
        "cert_visible",
        "last_alert",
        "next_protocol",
        "proto",
        "proxy_target",
    )
    assert differences(paired(name, replayed(name), "observations.jsonl"), {n: n for n in names}) == []


@each_case
def test_each_session_has_exactly_the_anomalies_that_were_set_up(name: str, replayed: Any) -> None:
    assert differences(paired(name, replayed(name), "sessions.jsonl"), {"anomalies": "anomalies"}) == []


@each_case
def test_each_session_is_given_to_the_process_that_opened_it(name: str, replayed: Any) -> None:
    names = ("disposition", "method", "host", "image", "process_guid", "pid", "candidates")
    assert differences(paired(name, replayed(name), "sessions.jsonl"), {n: n for n in names}) == []


@each_case
def test_no_process_is_named_where_none_can_be(name: str, replayed: Any) -> None:
    for expected, row in paired(name, replayed(name), "sessions.jsonl"):
        if expected["disposition"] in ("ambiguous", "host_unseen"):
            assert (row["process_guid"], row["pid"], row["image"]) == (None, None, None)


@each_case
def test_the_clock_offset_of_each_host_is_learned(name: str, replayed: Any) -> None:
    for expected, row in paired(name, replayed(name), "sessions.jsonl"):
        if "clock_offset" in expected:
            assert row["clock_offset"] == pytest.approx(expected["clock_offset"], abs=1), expected


@each_case
def test_the_notices_are_the_manifests_and_no_others(name: str, replayed: Any) -> None:
    expected = Counter(
        (n["host"], n["image"], n["server"], n["severity"], n["count"], tuple(sorted(n["legs"].items())))
        for n in CASES[name]["notice"]
    )
    found = Counter(
        (
            n["host"],
            (n["process"] or {"image": ""})["image"],
            endpoint(n["server"]["address"], n["server"]["port"]),
            n["severity"],
            n["count"],
            tuple(sorted(n["legs"].items())),
        )
        for n in rows(replayed(name), "notices.jsonl")
    )
    assert found == expected


@each_case
def test_a_notice_tells_the_evidence_that_was_planted(name: str, replayed: Any) -> None:
    found = {
        (n["host"], (n["process"] or {"image": ""})["image"], endpoint(n["server"]["address"], n["server"]["port"])): {
            e["id"] for e in n["evidence"]
        }
        for n in rows(replayed(name), "notices.jsonl")
    }
    for expected in CASES[name]["notice"]:
        assert set(expected.get("evidence", ())) <= found[expected["host"], expected["image"], expected["server"]]


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "max_severity" in c])
def test_no_session_of_a_quiet_day_is_judged_above_its_limit(name: str, replayed: Any) -> None:
    limit = SEVERITIES.index(CASES[name]["max_severity"])
    assert [r for r in rows(replayed(name), "sessions.jsonl") if SEVERITIES.index(r["severity"]) > limit] == []


@each_case
def test_the_order_of_the_inputs_changes_no_byte_of_the_results(name: str, replayed: Any, tmp_path: Path) -> None:
    assert replay(name, tmp_path, backwards=True) == replayed(name)


def test_a_sysmon_log_tells_as_evtx_what_it_tells_as_json(replayed: Any, tmp_path: Path) -> None:
    def facts(results: dict[str, bytes]) -> list[Row]:
        unsourced = lambda row: {name: value for name, value in row.items() if name != "source"}  # noqa: E731
        return [json.loads(line, object_hook=unsourced) for name in RESULTS for line in results[name].splitlines()]

    log = tmp_path / "Microsoft-Windows-Sysmon%4Operational.evtx"
    log.write_bytes(evtx_file.of_flat_json((PCAPS / "demo" / "ws-04.json").read_bytes()))
    replayed_again = replay("demo", tmp_path / "out", endpoint=[str(log), "demo/ws-07.json"])
    assert facts(replayed_again) == facts(replayed("demo"))


@each_case
def test_every_line_of_the_results_is_as_the_published_schemas_say(name: str, replayed: Any) -> None:
    for result, schema in zip(RESULTS, ("observation", "session", "notice"), strict=True):
        published = json.loads((PCAPS.parent / "docs" / "schemas" / f"{schema}.json").read_text("utf-8"))
        validator = jsonschema_rs.validator_for({**published, "unevaluatedProperties": False})
        assert [error.message for row in rows(replayed(name), result) for error in validator.iter_errors(row)] == []


def test_the_captures_stay_small_and_no_private_key_is_among_them() -> None:
    files = [f for f in PCAPS.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    assert sum(f.stat().st_size for f in files) < 20_000_000
    assert not [f for f in files if b"PRIVATE KEY-----" in f.read_bytes() and f.suffix != ".py"]


def test_every_case_has_its_captures_and_logs_and_every_one_belongs_to_a_case() -> None:
    listed = {f for c in CASES.values() for f in (*c["captures"], *c["endpoint"])}
    present = {str(f.relative_to(PCAPS)) for c in CASES for f in (PCAPS / c).iterdir()}
    assert listed == present
