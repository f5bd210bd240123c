"""The real service, killed at any moment, on the bundled captures' logs: nothing is lost, each session has one row."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from enricher.join.server import EmbeddedServer

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
DEMO = PCAPS / "demo"

STEPS = (
    ("enricher.join.live:LiveJoin", "positions", 1),
    ("enricher.service.live.sources.tail:Tail", "read", 2),
    ("enricher.join.store:Store", "put", 1),
    ("enricher.join.store:Store", "put", 2),
    ("enricher.join.live:LiveJoin", "look", 1),
    ("enricher.join.live:LiveJoin", "announce", 2),
    ("enricher.service.live.ledger:Ledger", "append", 1),
    ("enricher.service.delivery.append:os", "fsync", 1),
    ("enricher.service.delivery.delivery:Delivery", "put", 1),
    ("enricher.service.delivery.delivery:Delivery", "flush", 1),
    ("enricher.join.live:LiveJoin", "commit", 1),
    ("enricher.join.live:LiveJoin", "commit", 2),
    ("enricher.service.live.sources.tail:Tail", "commit", 1),
    ("enricher.service.live.worker:Worker", "drain", 1),
    ("enricher.join.link:Link", "receive", 3),
    ("enricher.join.link:Link", "send", 9),
    ("enricher.join.link:Link", "receive", 17),
    ("enricher.join.link:Link", "send", 33),
)

Row = dict[str, Any]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


class Site:
    """A sensor's log, a host's log, and a service that follows both."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.sensor, self.host = folder / "an1496.log", folder / "ws-04.json"
        self.config = folder / "an1496.toml"
        self.config.write_text(
            f'sensor.ca_bundle = "{PCAPS / "ca.pem"}"\n'
            f'store = {{ url = "{url}", timeout_seconds = 2 }}\n'
            f'live = {{ ledger = "{folder / "ledger.jsonl"}", poll_seconds = 0.02, repeat_seconds = 0 }}\n'
            f'[[sources]]\ntype = "tail"\npath = "{self.sensor}"\n[[sources]]\ntype = "tail"\npath = "{self.host}"\n'
            f'[[sinks]]\ntype = "file"\npath = "{folder / "notices.jsonl"}"\n'
        )

    @property
    def words(self) -> list[str]:
        return ["run", "--config", str(self.config)]

    def once(self) -> None:
        subprocess.run([sys.executable, "-m", "enricher", *self.words, "--once"], check=True, stderr=subprocess.PIPE)

    def last(self, name: str, key: str) -> dict[str, Row]:
        """The last line of each id; a line that death cut short is none."""
        found: dict[str, Row] = {}
        for line in (self.folder / name).read_bytes().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            found[row[key]] = row
        return found

    def agrees_with(self, replayed: Path) -> None:
        expected = {r["uid"]: r for r in map(json.loads, (replayed / "sessions.jsonl").read_text().splitlines())}
        rows = self.last("ledger.jsonl", "uid")
        assert {uid: same(r) for uid, r in rows.items()} == {uid: same(r) for uid, r in expected.items()}
        told = {n["id"]: n for n in map(json.loads, (replayed / "notices.jsonl").read_text().splitlines())}
        standing = {id_: n for id_, n in self.last("notices.jsonl", "id").items() if n["count"]}
        assert {i: (n["severity"], n["count"]) for i, n in standing.items()} == {
            i: (n["severity"], n["count"]) for i, n in told.items()
        }


def same(row: Row) -> Row:
    disposition = "matched" if row["disposition"] == "late" else row["disposition"]
    return {**{k: v for k, v in row.items() if k != "revision"}, "disposition": disposition}


@pytest.fixture
def site(tmp_path: Path, server: EmbeddedServer, replayed: Path) -> Site:
    site = Site(tmp_path, server.url)
    site.sensor.write_bytes((replayed / "observations.jsonl").read_bytes())
    site.host.write_bytes((DEMO / "ws-04.json").read_bytes())
    return site


def test_left_alone_it_ends_where_a_replay_ends(site: Site, replayed: Path) -> None:
    site.once()
    site.agrees_with(replayed)


@pytest.mark.parametrize(("place", "name", "call"), STEPS)
def test_death_at_any_step_loses_nothing(
    site: Site, replayed: Path, dying: Callable[..., list[str]], place: str, name: str, call: int
) -> None:
    done = subprocess.run(dying(place, name, call, *site.words, "--once"), stderr=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    site.once()
    site.agrees_with(replayed)


def test_kills_at_random_moments_while_the_logs_grow_lose_nothing(site: Site, replayed: Path) -> None:
    r = random.Random(3)
    logs = {site.sensor: site.sensor.read_bytes(), site.host: site.host.read_bytes()}
    for path in logs:
        path.write_bytes(b"")
    parts = 6
    for part in range(1, parts + 1):
        command = [sys.executable, "-m", "enricher", *site.words]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            time.sleep(r.uniform(0.3, 1.2))
            for path, whole in logs.items():
                written = path.stat().st_size
                with path.open("ab") as file:
                    file.write(whole[written : len(whole) * part // parts])
            time.sleep(r.uniform(0.0, 0.8))
            os.kill(process.pid, signal.SIGKILL)
    site.once()
    site.agrees_with(replayed)


def test_a_term_signal_ends_it_within_seconds_and_it_goes_on_where_it_was(site: Site, replayed: Path) -> None:
    with subprocess.Popen([sys.executable, "-m", "enricher", *site.words], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"started" in process.stderr.readline()
        time.sleep(1)
        process.terminate()
        said = process.stderr.read()
        assert process.wait(10) == 0
    assert b'"stopped"' in said
    site.once()
    site.agrees_with(replayed)


def test_while_redis_is_away_nothing_is_lost_and_it_catches_up(tmp_path: Path, replayed: Path) -> None:
    with EmbeddedServer() as server:
        site = Site(tmp_path, server.url)
        site.sensor.write_bytes((replayed / "observations.jsonl").read_bytes())
        site.host.write_bytes(b"")
        with subprocess.Popen([sys.executable, "-m", "enricher", *site.words], stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            process.stderr.readline()
            with redis.Redis(unix_socket_path=str(server.socket)) as admin:
                while not admin.exists("an1496:live:s"):
                    assert process.poll() is None
                    time.sleep(0.05)
            os.kill(server.pid, signal.SIGSTOP)
            site.host.write_bytes((DEMO / "ws-04.json").read_bytes())
            while b'"waiting"' not in (line := process.stderr.readline()):
                assert line
            assert b"does not answer" in line
            os.kill(server.pid, signal.SIGCONT)
            while b"going on" not in (line := process.stderr.readline()):
                assert line
            process.terminate()
            process.communicate()
        site.once()
        site.agrees_with(replayed)
