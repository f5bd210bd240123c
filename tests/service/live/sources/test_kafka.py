"""What a Kafka topic gives is read again by somebody until it is safe; held against librdkafka's own mock cluster."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from enricher.config import Config, KafkaSource
from enricher.errors import ConfigError, InputError
from enricher.service.live.sources.kafka import KafkaTopic
from enricher.sinks.settings import Secret

confluent_kafka = pytest.importorskip("confluent_kafka")

TOPIC = "zeek"
PATIENCE = 30.0


def row(n: int, *, tagged: bool = False) -> bytes:
    facts = {"ts": 1772359200.25, "uid": f"C{n}", "id.orig_h": "192.0.2.7", "id.orig_p": n}
    facts |= {"id.resp_h": "198.51.100.9", "id.resp_p": 443, "version": "TLSv12", "cipher": "x", "established": True}
    return json.dumps({"ssl": facts, "sensor_name": "north"} if tagged else facts).encode()


@pytest.fixture
def topic(cluster: Any) -> Iterator[Callable[..., KafkaTopic]]:
    made: list[KafkaTopic] = []

    def one(**settings: Any) -> KafkaTopic:
        most = settings.pop("most", 1000)
        settings = {"brokers": cluster.brokers, "topic": TOPIC, "tls": False} | settings
        source = KafkaTopic("k", KafkaSource(**settings), most=most)
        # The mock lets a group begin anew only after so long, whoever has left it.
        source._options |= {"session.timeout.ms": 1500, "heartbeat.interval.ms": 200}
        made.append(source)
        return source

    yield one
    for source in made:
        source.close()


def put(cluster: Any, numbers: Any, partition: int = 0, *, tagged: bool = False) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.brokers})
    for n in numbers:
        producer.produce(TOPIC, row(n, tagged=tagged), partition=partition)
    assert producer.flush(PATIENCE) == 0


def ports(records: Any) -> list[int]:
    return [record.orig_p for record in records]


def until(done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := done()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def some(source: KafkaTopic) -> list[int]:
    return until(lambda: ports(source.read()))


def test_a_topic_is_read_in_order_and_bounded(cluster: Any, topic: Any) -> None:
    cluster.create(TOPIC, 1)
    put(cluster, range(5))
    source = topic(most=3)
    first = some(source)
    assert first == [0, 1, 2][: len(first)]
    read = first
    while len(read) < 5:
        more = some(source)
        assert len(more) <= 3
        read += more
    assert read == [0, 1, 2, 3, 4]
    assert source.lag() == 0


def test_that_nothing_came_says_something_only_once_the_group_has_room_for_us(cluster: Any, topic: Any) -> None:
    put(cluster, range(3))
    source = topic()
    assert not source.ready
    assert until(lambda: some(source)) == [0, 1, 2]
    assert source.ready
    source.close()
    assert not source.ready


def test_rows_under_their_logs_name_are_the_same_rows(cluster: Any, topic: Any) -> None:
    cluster.create(TOPIC, 1)
    put(cluster, [7], tagged=True)
    (record,) = until(topic().read)
    assert (record.orig_p, record.sensor, record.source) == (7, "ssl.log", "zeek:0-0")


def test_what_was_not_committed_is_read_again_under_the_same_names(cluster: Any, topic: Any) -> None:
    cluster.create(TOPIC, 1)
    put(cluster, range(3))
    dead = topic()
    first = until(dead.read)
    assert ports(first) == [0, 1, 2]
    dead.close()
    again = topic()
    assert until(again.read) == first
    again.commit()
    again.close()
    put(cluster, [9])
    assert some(topic()) == [9]


def test_two_workers_share_the_partitions_and_nothing_is_lost(cluster: Any, topic: Any) -> None:
    cluster.create(TOPIC, 4)
    for partition in range(4):
        put(cluster, range(10 * partition, 10 * partition + 5), partition)
    one, other = topic(), topic()
    safe: set[int] = set()

    def work() -> bool:
        for source in (one, other):
            safe.update(ports(source.read()))
            source.commit()
        return len(one._ours) == len(other._ours) == 2

    until(work)
    for partition in range(4):
        put(cluster, [10 * partition + 5], partition)
    until(lambda: work() and len(safe) == 24)
    one.close()
    put(cluster, [99], 0)
    put(cluster, [98], 3)

    def rest() -> bool:
        safe.update(ports(other.read()))
        other.commit()
        return {98, 99} <= safe

    until(rest)


def test_a_partition_that_was_taken_away_is_not_committed_and_its_new_owner_reads_it_again(
    cluster: Any, topic: Any
) -> None:
    cluster.create(TOPIC, 2)
    for partition in range(2):
        put(cluster, [partition], partition)
    one = topic()
    read: list[int] = []
    until(lambda: read.extend(ports(one.read())) or len(read) == 2)
    other = topic()
    theirs: list[int] = []

    def shared() -> bool:
        one.read()  # again, perhaps: nothing of it is safe
        theirs.extend(ports(other.read()))
        return bool(theirs) and len(one._ours) == 1

    until(shared)
    assert theirs == [partition for partition in (0, 1) if partition not in one._ours]
    one.commit()
    (state,) = other._consumer.committed([confluent_kafka.TopicPartition(TOPIC, theirs[0])])
    assert state.offset == confluent_kafka.OFFSET_INVALID
    other.close()
    again: list[int] = []
    until(lambda: again.extend(ports(one.read())) or theirs[0] in again)


def test_what_was_taken_away_before_it_was_safe_is_left_to_its_new_owner(cluster: Any, topic: Any) -> None:
    cluster.create(TOPIC, 1)
    put(cluster, [1])
    source = topic()
    assert some(source) == [1]
    source._taken(None, [confluent_kafka.TopicPartition(TOPIC, 0)])
    source.commit()
    put(cluster, [2])
    assert [ports(source.read()) for _ in range(10) if not time.sleep(0.05)] == [[]] * 10
    source.close()
    assert some(topic())[0] == 1


def test_brokers_that_go_away_are_told_and_what_comes_later_is_read(cluster: Any, topic: Any, capfd: Any) -> None:
    cluster.create(TOPIC, 1)
    put(cluster, [1])
    source = topic(timeout_seconds=1.0)
    assert some(source) == [1]
    cluster.down()

    def away() -> InputError | None:
        try:
            source.read()
        except InputError as error:
            return error
        return None

    assert f"Kafka at {cluster.brokers}, topic {TOPIC}: " in until(away).message
    began = time.monotonic()
    source.commit()
    assert time.monotonic() - began < 0.5  # it does not wait for them
    cluster.up()
    until(lambda: away() is None)
    put(cluster, [2])
    until(lambda: 2 in ports(source.read()))  # the first may come again: the group has forgotten us meanwhile
    assert capfd.readouterr().err == ""


def test_a_payload_that_is_nothing_of_ours_is_a_problem_and_the_rest_is_read(cluster: Any, topic: Any) -> None:
    cluster.create(TOPIC, 1)
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.brokers})
    for payload in (b"\xff\x00", None, row(1)):
        producer.produce(TOPIC, payload, partition=0)
    assert producer.flush(PATIENCE) == 0
    source = topic()
    assert some(source) == [1]
    assert [problem.where for problem in source.problems()] == ["zeek:0-0"]


def test_brokers_that_were_never_there_are_an_error_in_words(topic: Any) -> None:
    source = topic(brokers="127.0.0.1:1", timeout_seconds=1.0)

    def refused() -> InputError | None:
        try:
            source.read()
        except InputError as error:
            return error
        return None

    assert "127.0.0.1:1" in until(refused).message


def test_credentials_and_roots_are_those_of_the_sink(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    secret = Secret(file=str(tmp_path / "secret"))
    source = KafkaTopic("k", KafkaSource(brokers="b:1", topic="t", username="u", password=secret), most=1)
    assert source._options["security.protocol"] == "sasl_ssl"
    assert source._options["sasl.password"] == "hunter2"
    assert source._options["ssl.endpoint.identification.algorithm"] == "https"


def test_a_user_without_password_is_refused() -> None:
    text = b'[[sources]]\ntype = "kafka"\nbrokers = "b:1"\ntopic = "t"\nusername = "u"\n'
    with pytest.raises(ConfigError, match="belong together"):
        Config.parse(text, "c.toml")


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigError, match=r"an1496\[kafka\]"):
        KafkaTopic("k", KafkaSource(brokers="h:1", topic="t"), most=1)
