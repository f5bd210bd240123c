"""What lies in a topic."""

from typing import Any

import pytest


def consumed(brokers: str, topic: str, count: int) -> list[Any]:
    """So many messages of a topic, fewer where no more come."""
    confluent_kafka = pytest.importorskip("confluent_kafka")
    options = {"bootstrap.servers": brokers, "group.id": "test", "auto.offset.reset": "earliest"}
    consumer = confluent_kafka.Consumer(options)
    consumer.subscribe([topic])
    found: list[Any] = []
    for _ in range(300):
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message)
        if len(found) == count:
            break
    consumer.close()
    return found
