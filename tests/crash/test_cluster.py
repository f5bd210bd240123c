"""Two workers of one service on a real Redis Cluster: a worker is killed, a master is killed, slots move."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.retry import Retry

from live_site import DEMO, PCAPS, agree
from redis_cluster import RealCluster

STREAM = "events"


@pytest.fixture
def cluster() -> Iterator[RealCluster]:
    with RealCluster() as running:
        yield running


class Shippers:
    """Put events on the stream, each until a replica has it."""

    def __init__(self, cluster: Any) -> None:
        retry = Retry(ConstantBackoff(0.2), 100)
        self.client = RedisCluster(
            startup_nodes=[redis.cluster.ClusterNode("127.0.0.1", port) for port in cluster.ports], retry=retry
        )

    def put(self, lines: list[bytes]) -> None:
        for line in lines:
            self.client.xadd(STREAM, {"message": line})
        assert self.client.wait(1, 5000, target_nodes=self.client.get_node_from_key(STREAM))

    def all_read(self) -> bool:
        groups = self.client.xinfo_groups(STREAM)  # none while no worker has come to read yet
        return bool(groups) and groups[0]["pending"] == 0 and groups[0]["lag"] == 0


class Worker:
    """A worker with a ledger and a file of notices of its own."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.ledger, self.told = folder / f"{name}.ledger.jsonl", folder / f"{name}.notices.jsonl"
        self.config = folder / f"{name}.toml"
        self.config.write_text(
            f'sensor.ca_bundle = "{PCAPS / "ca.pem"}"\n'
            f'store = {{ url = "{url}", cluster = true, replicas = 1, timeout_seconds = 2 }}\n'
            f'live = {{ worker = "{name}", ledger = "{self.ledger}", poll_seconds = 0.02, repeat_seconds = 0, '
            "batch = 20, lease_seconds = 3 }\n"
            f'[[sources]]\ntype = "redis_stream"\nurl = "{url}"\ncluster = true\nkey = "{STREAM}"\nclaim_seconds = 1\n'
            f'[[sinks]]\ntype = "file"\npath = "{self.told}"\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def words(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "enricher", "run", "--config", str(self.config), *more]

    def start(self) -> None:
        self.process = subprocess.Popen(self.words(), stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(20) == 0


def test_killed_workers_killed_masters_and_moving_slots_lose_nothing(
    cluster: Any, tmp_path: Path, replayed: Path
) -> None:
    shippers = Shippers(cluster)
    sessions = (replayed / "observations.jsonl").read_bytes().splitlines()
    events = (DEMO / "ws-04.json").read_bytes().splitlines()
    lines = [
        line
        for n in range(max(map(len, (sessions, events))))
        for each in (sessions, events)
        for line in each[n : n + 1]
    ]
    part = len(lines) // 5
    one, two = Worker(tmp_path, cluster.url, "one"), Worker(tmp_path, cluster.url, "two")
    shippers.put(lines[:part])
    one.start()
    two.start()
    try:
        time.sleep(1.5)
        one.kill()
        shippers.put(lines[part : 2 * part])
        masters = cluster.masters()
        slot = key_slot(b"an1496:live:f")
        source = next(port for port, (first, end) in masters.items() if first <= slot <= end)
        cluster.move(slot, source, next(port for port in masters if port != source))
        shippers.put(lines[2 * part : 3 * part])
        one.start()
        cluster.replace(
            next(port for port, (first, end) in cluster.masters().items() if first <= key_slot(STREAM.encode()) <= end)
        )
        shippers.put(lines[3 * part : 4 * part])
        two.kill()
        shippers.put(lines[4 * part :])
        end = time.monotonic() + 60
        while not shippers.all_read():
            assert time.monotonic() < end
            assert one.process is not None
            assert one.process.poll() is None
            time.sleep(0.1)
        one.end()
    finally:
        for worker in (one, two):
            if worker.process is not None:
                worker.process.kill()
                worker.process.wait()
    subprocess.run(two.words("--once"), check=True, stderr=subprocess.DEVNULL, timeout=60)
    agree([one.ledger, two.ledger], [one.told, two.told], replayed)
