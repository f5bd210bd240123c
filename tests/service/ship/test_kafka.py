"""A topic of a cluster in memory: librdkafka's own mock, which speaks the protocol on loopback."""

import sys
from pathlib import Path
from typing import Any

import pytest

from enricher.config import Config
from enricher.config_ship import KafkaTarget
from enricher.errors import ConfigError, DeliveryError
from enricher.service.ship.kafka import Kafka
from enricher.service.ship.line import Line
from enricher.service.ship.shipper import Shipper
from kafka_topic import consumed

confluent_kafka = pytest.importorskip("confluent_kafka")

TOPIC = "an1496-events"


def test_each_hosts_lines_come_to_one_partition_in_their_order(brokers: str, say: Any, tmp_path: Path) -> None:
    lines = [say.event(n, host=f"PC{n % 5}") for n in range(50)]
    (tmp_path / "log").write_text("".join(lines))
    text = f"""
        sources = [{{ type = "tail", path = "{tmp_path}/log" }}]
        ship = {{ state = "{tmp_path}/state", target = {{ type = "kafka", brokers = "{brokers}", tls = false }} }}"""
    Shipper(Config.parse(text.encode(), "t"), say.Log(), lambda _: False).run(once=True)
    found = consumed(brokers, TOPIC, 50)
    assert sorted(message.value() for message in found) == sorted(line.encode().strip() for line in lines)
    for host in range(5):
        own = [message for message in found if message.key() == b"pc%d" % host]
        assert say.ports([message.value() for message in own]) == list(range(host, 50, 5))
        assert len({message.partition() for message in own}) == 1


def test_a_line_that_is_too_large_is_refused_and_the_others_go(brokers: str) -> None:
    target = Kafka(KafkaTarget(brokers=brokers, tls=False))
    refused = target.put([Line("a", b"1"), Line("b", b"x" * (2 << 20)), Line("c", b"3")])
    target.close()
    assert set(refused) == {1}
    assert {message.value() for message in consumed(brokers, TOPIC, 2)} == {b"1", b"3"}


def test_brokers_that_are_away_are_an_error_in_words() -> None:
    target = Kafka(KafkaTarget(brokers="127.0.0.1:1", tls=False, timeout_seconds=1.0))
    with pytest.raises(DeliveryError, match=r"Kafka at 127\.0\.0\.1:1"):
        target.put([Line("a", b"1")])
    target.close()


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigError, match=r"an1496\[kafka\]"):
        Kafka(KafkaTarget(brokers="h:1"))
