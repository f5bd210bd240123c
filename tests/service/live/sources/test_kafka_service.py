"""A whole service over Kafka topics ends where a replay of the same records ends; several workers share the topics."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from enricher.cli import cli
from enricher.config import Config
from enricher.join.server import EmbeddedServer
from enricher.service.engine import Engine
from enricher.service.live.service import Service
from enricher.service.live.sources.kafka import KafkaTopic
from live_site import agree, last, read, same
from service_fakes import Log

confluent_kafka = pytest.importorskip("confluent_kafka")

PCAPS = Path(__file__).resolve().parents[4] / "pcaps"
ENDPOINTS = ("ws-04.json", "ws-07.json")
"""Plain events, and Winlogbeat's documents."""
PATIENCE = 30.0


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: Any) -> Path:
    """The demo, its sessions from a log of Zeek."""
    out = tmp_path_factory.mktemp("replay")
    roots, logs = PCAPS / "ca.pem", [PCAPS / "demo" / name for name in ENDPOINTS]
    capture = ["replay", str(PCAPS / "demo" / "capture.pcap"), "--ca-bundle", str(roots), "--out", str(out)]
    assert CliRunner().invoke(cli, capture).exit_code == 0
    judged = ("sensor", "source", "anomalies", "anomaly_facts")
    log = [
        {"_path": "an1496"} | {k: v for k, v in row.items() if k not in judged}
        for row in read(out / "observations.jsonl")
    ]
    (out / "an1496.log").write_text("".join(json.dumps(row) + "\n" for row in log))
    words = [word for file in logs for word in ("--endpoint", str(file))]
    again = ["replay", str(out / "an1496.log"), *words, "--ca-bundle", str(roots), "--out", str(out)]
    assert CliRunner().invoke(cli, again).exit_code == 0
    return out


@pytest.fixture
def filled(cluster: Any, replayed: Path) -> Any:
    """What a host reports lies in one partition, a session in any."""
    for topic in ("zeek", "winlogbeat"):
        cluster.create(topic, 2)
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.brokers})
    for number, line in enumerate((replayed / "an1496.log").read_bytes().splitlines()):
        producer.produce("zeek", line, partition=number % 2)
    for partition, name in enumerate(ENDPOINTS):
        for line in (PCAPS / "demo" / name).read_bytes().splitlines():
            producer.produce("winlogbeat", line, partition=partition)
    assert producer.flush(PATIENCE) == 0
    return cluster


@pytest.fixture
def own() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def site(filled: Any, own: Any, tmp_path: Path) -> Callable[..., Service]:
    def worker(name: str, stopping: Callable[[float], bool]) -> Service:
        text = f"""
            store.url = "{own.url}"
            sensor.ca_bundle = "{PCAPS / "ca.pem"}"
            live = {{ worker = "{name}", ledger = "{tmp_path}/{name}.jsonl", wait_seconds = 0, batch = 50 }}
            sinks = [{{ type = "file", path = "{tmp_path}/notices-{name}.jsonl" }}]
            [[sources]]
            type = "kafka"
            brokers = "{filled.brokers}"
            topic = "zeek"
            tls = false
            [[sources]]
            type = "kafka"
            brokers = "{filled.brokers}"
            topic = "winlogbeat"
            tls = false"""
        service = Service(Engine(Config.parse(text.encode(), "t")), Log(), stopping)
        for source in service.sources:
            assert isinstance(source, KafkaTopic)
            # The mock lets a group begin anew only after so long, whoever has left it.
            source._options |= {"session.timeout.ms": 1500, "heartbeat.interval.ms": 200}
        return service

    return worker


def check(folder: Path, replayed: Path) -> None:
    """All that was told is the replay's."""
    agree(folder.glob("w*.jsonl"), folder.glob("notices-*.jsonl"), replayed)


def once(site: Any, name: str) -> None:
    with site(name, lambda _seconds: bool(time.sleep(0.05))) as service:
        service.run(once=True)


def test_what_is_in_the_topics_is_told_as_a_replay_tells_it(site: Any, replayed: Path, tmp_path: Path) -> None:
    once(site, "w1")
    assert len(read(replayed / "notices.jsonl")) == 2
    check(tmp_path, replayed)


@contextmanager
def running(site: Any, name: str) -> Iterator[Callable[[], None]]:
    """A worker on a thread of its own, and how to end it."""
    end = threading.Event()

    def work() -> None:
        with site(name, end.wait) as service:
            service.run()

    thread = threading.Thread(target=work)
    thread.start()

    def stop() -> None:
        end.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()

    try:
        yield stop
    finally:
        stop()


def until(done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def named(sessions: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {row["uid"]: (row["disposition"], row["process_guid"], row["score"]) for row in map(same, sessions)}


def test_two_workers_of_whom_one_leaves_lose_nothing(site: Any, replayed: Path, tmp_path: Path) -> None:
    expected = named(read(replayed / "sessions.jsonl"))
    with running(site, "w1") as leave, running(site, "w2"):
        until(lambda: any(tmp_path.glob("w*.jsonl")))
        leave()
        until(lambda: named(last(tmp_path.glob("w*.jsonl"), "uid").values()) == expected)
    once(site, "w3")  # what else is learned counts when a session is judged last
    check(tmp_path, replayed)
