"""A topic of a cluster in memory: librdkafka's own mock, which speaks the protocol on loopback."""

import sys
from pathlib import Path
from typing import Any

import certifi
import pytest

from enricher.errors import ConfigError
from enricher.service.delivery.kafka import Kafka
from enricher.service.delivery.writer import UnavailableError
from enricher.sinks.settings import KafkaSink
from kafka_topic import consumed

confluent_kafka = pytest.importorskip("confluent_kafka")

TOPIC = "an1496-notices"


def test_each_notice_is_one_message_under_its_id(brokers: str, make: Any) -> None:
    writer, records = Kafka(KafkaSink(brokers=brokers, tls=False)), make.records(20)
    sent = writer.send(records)
    writer.close()
    assert (sent.rejected, sent.again) == ({}, {})
    found = {message.key().decode(): message for message in consumed(brokers, TOPIC, 20)}
    assert {key: message.value() for key, message in found.items()} == {r.notice.id: r.payload for r in records}
    assert dict(found[records[0].notice.id].headers()) == {"revision": b"1", "content-type": b"application/json"}


def test_a_message_that_is_too_large_is_rejected_and_the_others_go(brokers: str, make: Any) -> None:
    writer, records = Kafka(KafkaSink(brokers=brokers, tls=False)), make.records(3)
    records[1] = records[1]._replace(payload=b"x" * (2 << 20))
    sent = writer.send(records)
    writer.close()
    assert (set(sent.rejected), sent.again) == ({1}, {})
    assert len(consumed(brokers, TOPIC, 2)) == 2


def test_brokers_that_are_away_leave_all_to_be_sent_again_and_nothing_on_standard_error(
    make: Any, closed_port: int, capfd: Any
) -> None:
    writer = Kafka(KafkaSink(brokers=f"127.0.0.1:{closed_port}", tls=False, timeout_seconds=1.0))
    sent = writer.send(make.records(2))
    writer.close()
    assert (sent.rejected, set(sent.again)) == ({}, {0, 1})
    assert all(f"Kafka at 127.0.0.1:{closed_port}: " in reason for reason in sent.again.values())
    assert capfd.readouterr().err == ""


def test_options_that_librdkafka_refuses_are_an_error_in_words(make: Any, tmp_path: Any) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(Path(certifi.where()).read_bytes())
    writer = Kafka(KafkaSink(brokers="127.0.0.1:1", ca_file=str(roots)))
    roots.unlink()
    with pytest.raises(UnavailableError, match=r"Kafka at 127.0.0.1:1: .*ssl.ca.location"):
        writer.send(make.records(1))


def test_roots_that_cannot_be_used_are_found_before_any_work(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match=r"none cannot be used \(No such file or directory\)"):
        Kafka(KafkaSink(brokers="127.0.0.1:1", ca_file=str(tmp_path / "none")))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigError, match=r"an1496\[kafka\]"):
        Kafka(KafkaSink(brokers="h:1"))
