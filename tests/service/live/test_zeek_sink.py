"""A service whose notices become Zeek's."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from enricher.config import Config
from enricher.join.server import EmbeddedServer
from enricher.model.verdict import Notice
from enricher.service.engine import Engine
from enricher.service.live.service import Service
from service_fakes import Log


@pytest.fixture
def site(tmp_path: Path, make: Any) -> Any:
    odd = {"cert_chain_fps": ("ab",), "cert_visible": True, "cert_subject": "CN=a", "cert_issuer": "CN=a"}
    records = [
        make.observe(make.T + n, 2000 + n, resp_h=f"203.0.113.{n}", validation_code=18, established=True, **odd)
        for n in range(3)
    ]
    (tmp_path / "log").write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))

    def service(redis_url: str, zeek_url: str, retry_seconds: float) -> Service:
        text = f"""
            store.url = "{redis_url}"
            verdict.min_severity = "informational"
            live = {{ ledger = "{tmp_path}/ledger.jsonl", wait_seconds = 0, poll_seconds = 0.01 }}
            sources = [{{ type = "tail", path = "{tmp_path}/log" }}]
            [[sinks]]
            type = "file"
            path = "{tmp_path}/notices.jsonl"
            [[sinks]]
            type = "zeek"
            url = "{zeek_url}"
            retry_seconds = {retry_seconds}"""
        return Service(Engine(Config.parse(text.encode(), "t")), Log(), lambda _seconds: False)

    return service


def told(folder: Path) -> list[str]:
    lines = (folder / "notices.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Notice).id for line in lines]


def test_zeek_is_told_what_every_other_sink_is(site: Any, tmp_path: Path, stand_in: Any) -> None:
    with EmbeddedServer() as redis, stand_in() as zeek, site(redis.url, zeek.url, 60) as service:
        service.run(once=True)
    assert zeek.got == told(tmp_path) != []
    assert not (tmp_path / "dead-letters.jsonl").exists()


def test_what_a_zeek_that_is_away_did_not_get_is_kept(site: Any, tmp_path: Path) -> None:
    with EmbeddedServer() as redis, site(redis.url, "ws://127.0.0.1:1", 0) as service:
        service.run(once=True)
    letters = [json.loads(line) for line in (tmp_path / "dead-letters.jsonl").read_bytes().splitlines()]
    assert [letter["notice"]["id"] for letter in letters] == told(tmp_path) != []
    assert all(letter["sink"] == "zeek (sink 2)" for letter in letters)
    assert "Zeek cannot be reached" in letters[0]["reason"]
