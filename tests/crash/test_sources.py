"""The real service, killed between any two steps, on what brokers hand out once: they, too, lose nothing."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from signal import SIGKILL

import pytest
import redis
from pytest import importorskip

from enricher.join.server import EmbeddedServer
from kafka_cluster import mock_cluster
from live_site import Site

_PACKAGE = "enricher.service.live.sources"
SOURCES = {
    "redis_list": f"{_PACKAGE}.redis_list:RedisList",
    "redis_stream": f"{_PACKAGE}.redis_stream:RedisStream",
    "kafka": f"{_PACKAGE}.kafka:KafkaTopic",
}

STEPS = (
    ("", "read", 1),
    ("enricher.service.live.sources.payloads:Payloads", "read", 1),  # taken from the broker, not decoded
    ("enricher.join.store:Store", "put", 1),
    ("enricher.join.live:LiveJoin", "look", 1),
    ("enricher.join.live:LiveJoin", "announce", 2),
    ("enricher.service.live.ledger:Ledger", "append", 1),
    ("enricher.service.delivery.delivery:Delivery", "put", 1),
    ("enricher.service.delivery.delivery:Delivery", "flush", 1),
    ("enricher.join.live:LiveJoin", "commit", 1),
    ("enricher.join.live:LiveJoin", "commit", 2),
    ("", "commit", 1),
    ("enricher.service.live.sources.payloads:Payloads", "read", 3),  # after the first was acknowledged
    ("", "commit", 4),
    ("enricher.service.live.worker:Worker", "drain", 1),
)

BEFORE = """
from enricher.service.live.sources import kafka
kafka._COMMIT_MS = 1
connection = kafka.connection
kafka.connection = lambda settings: connection(settings) | {"session.timeout.ms": 1500, "heartbeat.interval.ms": 200}
"""
"""What was told to be safe is committed at once, and a dead worker's partitions soon go to another."""


@pytest.fixture(params=SOURCES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(kind: str, tmp_path: Path, server: EmbeddedServer, lines: list[bytes]) -> Iterator[Site]:
    """A service on a broker that has all of it."""
    with mock_cluster() if kind == "kafka" else nullcontext() as cluster:
        if cluster is not None:
            cluster.create("events", 1)
            producer = importorskip("confluent_kafka").Producer({"bootstrap.servers": cluster.brokers})
            for line in lines:
                producer.produce("events", line)
            assert producer.flush(30) == 0
            source = f'type = "kafka"\nbrokers = "{cluster.brokers}"\ntopic = "events"\ntls = false'
        else:
            with redis.Redis(unix_socket_path=str(server.socket)) as admin:
                for line in lines:
                    admin.rpush("events", line) if kind == "redis_list" else admin.xadd("events", {"message": line})
            source = f'type = "{kind}"\nurl = "{server.url}"\nkey = "events"'
        yield Site(tmp_path, server.url, f"[[sources]]\n{source}", live='worker = "w", batch = 40', before=BEFORE)


@pytest.mark.parametrize(("place", "name", "call"), STEPS)
def test_death_at_any_step_loses_nothing(
    site: Site, kind: str, replayed: Path, dying: Callable[..., list[str]], place: str, name: str, call: int
) -> None:
    words = dying(place or SOURCES[kind], name, call, *site.arguments, "--once", before=site.before)
    done = subprocess.run(words, stderr=subprocess.PIPE, check=False, timeout=120)
    assert done.returncode == -SIGKILL, done.stderr
    site.once()
    site.agrees_with(replayed)
