"""The real service, killed at any moment, on the bundled captures' logs: nothing is lost, each session has one row."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from enricher.join.server import EmbeddedServer
from live_site import DEMO, Site

SENSOR, HOST = "an1496.log", "ws-04.json"

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


def followed(folder: Path, url: str) -> Site:
    """A sensor's log, a host's log, and a service that follows both."""
    logs = (f'[[sources]]\ntype = "tail"\npath = "{folder / name}"\n' for name in (SENSOR, HOST))
    return Site(folder, url, "".join(logs))


@pytest.fixture
def site(tmp_path: Path, server: EmbeddedServer, replayed: Path) -> Site:
    (tmp_path / SENSOR).write_bytes((replayed / "observations.jsonl").read_bytes())
    (tmp_path / HOST).write_bytes((DEMO / HOST).read_bytes())
    return followed(tmp_path, server.url)


def test_left_alone_it_ends_where_a_replay_ends(site: Site, replayed: Path) -> None:
    site.once()
    site.agrees_with(replayed)


@pytest.mark.parametrize(("place", "name", "call"), STEPS)
def test_death_at_any_step_loses_nothing(
    site: Site, replayed: Path, dying: Callable[..., list[str]], place: str, name: str, call: int
) -> None:
    done = subprocess.run(dying(place, name, call, *site.arguments, "--once"), stderr=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    site.once()
    site.agrees_with(replayed)


def test_kills_at_random_moments_while_the_logs_grow_lose_nothing(site: Site, replayed: Path) -> None:
    r = random.Random(3)
    logs = {path: path.read_bytes() for path in (site.folder / SENSOR, site.folder / HOST)}
    for path in logs:
        path.write_bytes(b"")
    parts = 6
    for part in range(1, parts + 1):
        with subprocess.Popen(site.words, stderr=subprocess.DEVNULL) as process:
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
    with subprocess.Popen(site.words, stderr=subprocess.PIPE) as process:
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
        site = followed(tmp_path, server.url)
        (tmp_path / SENSOR).write_bytes((replayed / "observations.jsonl").read_bytes())
        with subprocess.Popen(site.words, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            process.stderr.readline()
            with redis.Redis(unix_socket_path=str(server.socket)) as admin:
                while not admin.exists("an1496:live:s"):
                    assert process.poll() is None
                    time.sleep(0.05)
            os.kill(server.pid, signal.SIGSTOP)
            (tmp_path / HOST).write_bytes((DEMO / HOST).read_bytes())
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
