"""The blocks marked `sh` are typed as they stand, one after the other, in what looks like a clone of the repository.

Only the ports in them are others: servers of a test's own listen there.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from shown import DOCUMENTS, ROOT, blocks, clone, enter

REDIS, PORTS = "6379", ("9496", "27750")
"""Ports in the documents: Redis', and those on which something is made to listen."""


@dataclass(frozen=True)
class Typed:
    """What comes of a document's commands."""

    told: tuple[str, ...] = ()
    """Words that they print, in this order."""
    left: Callable[[Path], None] = lambda _: None
    """Asserts what they leave in the folder."""
    takes: tuple[str, ...] = ("redis-cli",)
    """Programs without which they cannot be typed."""
    given: Callable[[Path, int], str] = lambda *_: ""
    """Makes what the document takes for granted, in a folder and a Redis; what is typed first."""


def rows(file: Path) -> list[str]:
    return [row for row in file.read_text("utf-8").splitlines() if not row.startswith("#")]


def two_notices_of_fifteen_sessions(folder: Path) -> None:
    assert len(rows(folder / "an1496.log")) == 15
    for found in (folder / "case-1" / "notices.jsonl", folder / "notices.jsonl"):
        assert len(rows(found)) == 2


def streams(folder: Path, port: int) -> str:
    """The configuration at the head of live.md, and the demo on the ways that it names."""
    text = blocks("docs/live.md", "toml")[0]
    for there, here in (("/opt/zeek/logs/current", "zeek"), ("/opt/zeek/logs", "zeek"), ("/var/lib/an1496", "state")):
        text = text.replace(there, here)
    (folder / "an1496.toml").write_text(text, "utf-8")
    with redis.Redis(port=port, db=1) as server:
        server.rpush("winlogbeat", *(ROOT / "pcaps" / "demo" / "ws-07.json").read_bytes().splitlines())
        for event in (ROOT / "pcaps" / "demo" / "ws-04.json").read_bytes().splitlines():
            server.xadd("events", {"message": event})
    return "mkdir zeek state; an1496 sense --ca-bundle pcaps/ca.pem pcaps/demo/capture.pcap >zeek/an1496.log"


def all_streams_were_joined(folder: Path) -> None:
    ledger = map(json.loads, rows(folder / "state" / "sessions.jsonl"))
    matched = {row["uid"]: row["host"] for row in ledger if row["disposition"] == "matched"}
    assert Counter(matched.values()) == {"ws-04.corp.example": 12, "ws-07.corp.example": 2}
    assert '"id":"AN1496-22e717e199243ec3"' in (folder / "state" / "notices.jsonl").read_text("utf-8")


def taken_by_another(_: Path, port: int) -> str:
    with redis.Redis(port=port) as server:
        server.rpush("winlogbeat:an1496:OLD-NAME", "left behind")
    return ""


def the_published_schema(folder: Path) -> None:
    assert (folder / "config-schema.json").read_bytes() == (ROOT / "docs" / "schemas" / "config.json").read_bytes()


def the_same_notices_by_zeek(folder: Path) -> None:
    assert len(rows(folder / "an1496.log")) == 15
    by_zeek, by_us = (rows(folder / name / "notices.jsonl") for name in ("by-zeek", "an1496-out"))
    assert len(by_zeek) == len(by_us) == 2


RUN = {
    "docs/quickstart.md": Typed(
        told=(
            "high 100",  # make demo
            "high 100",
            "Results: case-1/",
            "invoice_viewer.exe",
            "reads tail:an1496.log",
            '"id":"AN1496-22e717e199243ec3"',
        ),
        left=two_notices_of_fifteen_sessions,
    ),
    "docs/winlogbeat.md": Typed(
        told=("reads redis_list", '"disposition":"matched"', '"host":"ws-07.corp.example"', "left behind"),
        given=taken_by_another,
    ),
    "docs/configuration.md": Typed(left=the_published_schema, takes=()),
    "docs/live.md": Typed(
        told=("reads tail:zeek/an1496.log", "reads redis_list", "reads redis_stream", "OK\nOK", "ships", "\n15\n"),
        left=all_streams_were_joined,
        takes=("redis-cli", "curl"),
        given=streams,
    ),
    "docs/scaling.md": Typed(told=("attributed  ", "Results: simulated/"), takes=()),
    "docs/zeek.md": Typed(
        told=("high 100", "AN1496::Correlated_Process", "ACTION_EMAIL", "high 100", "Results: by-zeek/"),
        left=the_same_notices_by_zeek,
        takes=("zeek",),
    ),
}


@pytest.mark.parametrize("name", RUN)
def test_the_commands_of_a_document_do_what_it_says(
    name: str, tmp_path: Path, redis_port: int, free_port: Callable[[], int]
) -> None:
    expected = RUN[name]
    missing = [program for program in expected.takes if shutil.which(program) is None]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)}")
    clone(tmp_path)
    script = "\n".join((expected.given(tmp_path, redis_port), *blocks(name, "sh")))
    ports = {REDIS: str(redis_port)} | {port: str(free_port()) for port in PORTS}
    for shown, ours in ports.items():
        script = script.replace(shown, ours)
    for file in tmp_path.glob("*.toml"):
        if not file.is_symlink():
            for shown, ours in ports.items():
                file.write_text(file.read_text("utf-8").replace(shown, ours), "utf-8")
    printed = enter(script, tmp_path)
    after = printed
    for words in expected.told:
        assert words in after, f"{words!r} is not in what is left of\n{printed}"
        after = after.partition(words)[2]
    expected.left(tmp_path)


def test_every_document_with_commands_to_type_is_typed() -> None:
    assert {name for name in DOCUMENTS if blocks(name, "sh")} == {*RUN, "docs/deploy.md"}  # which test_deploy types
