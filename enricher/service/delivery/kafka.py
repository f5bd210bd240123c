"""A Kafka topic, by librdkafka's idempotent producer."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import certifi

from enricher.config import KafkaSource
from enricher.errors import ConfigError
from enricher.service.delivery.writer import Record, Sent, UnavailableError
from enricher.service.secret import reveal
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import KafkaSink

NEVER: Final = frozenset(("MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD", "_MSG_TOO_LARGE"))
"""Errors that lie in the record itself, by librdkafka's names."""

GRACE: Final = 1.0
"""Seconds that librdkafka may take beyond a message's timeout to say so."""

_ADVICE: Final = "check brokers, topic, TLS and credentials"


class Kafka:
    """One topic."""

    def __init__(self, sink: KafkaSink) -> None:
        """Check what can be checked without talking to the brokers.

        Raises:
            ConfigError: confluent-kafka is not installed, or roots or password cannot be used.
        """
        try:
            import confluent_kafka  # noqa: PLC0415  # an extra: only who has a Kafka needs it
        except ImportError as error:
            raise ConfigError("a Kafka sink needs confluent-kafka", "pip install 'an1496[kafka]'") from error
        self.encoding = ENCODINGS[sink.format]
        self._sink = sink
        self._kafka: Any = confluent_kafka
        self._options = options(sink)
        self._producer: Any = None

    def send(self, records: Sequence[Record]) -> Sent:
        """Produce all and wait for the word on each."""
        outcome: dict[int, Any] = {}
        try:
            producer = self._producer = self._producer or self._kafka.Producer(self._options, logger=silent())
            for at, record in enumerate(records):
                self._produce(producer, at, record, outcome)
            producer.flush(self._sink.timeout_seconds + GRACE)
        except self._kafka.KafkaException as error:
            self.close()
            raise UnavailableError(f"Kafka at {self._sink.brokers}: {error.args[0].str()}", _ADVICE) from error
        return self._sent(outcome, len(records))

    def _produce(self, producer: Any, at: int, record: Record, outcome: dict[int, Any]) -> None:
        def told(error: Any, _message: Any) -> None:
            outcome[at] = error

        headers = {"revision": str(record.notice.revision), "content-type": self.encoding.content_type}
        while True:
            try:
                producer.produce(self._sink.topic, record.payload, record.notice.id, on_delivery=told, headers=headers)
            except BufferError:  # our own queue is full
                producer.poll(0.1)
            except self._kafka.KafkaException as error:
                outcome[at] = error.args[0]
                return
            else:
                return

    def _sent(self, outcome: dict[int, Any], count: int) -> Sent:
        failed = {at: error for at, error in outcome.items() if error is not None}
        rejected = {at: error.str() for at, error in failed.items() if error.name() in NEVER}
        again = {at: error.str() for at, error in failed.items() if at not in rejected}
        again |= dict.fromkeys(set(range(count)) - outcome.keys(), "no answer in time")
        if len(outcome) < count or any(error.fatal() for error in failed.values()):
            self.close()
        return Sent(self._told(rejected), self._told(again))

    def _told(self, reasons: dict[int, str]) -> dict[int, str]:
        return {at: f"Kafka at {self._sink.brokers}: {reason}" for at, reason in reasons.items()}

    def close(self) -> None:
        """Forget what is under way and hang up."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(GRACE)
            self._producer = None


def options(sink: KafkaSink) -> dict[str, Any]:
    """How librdkafka's producer is set up.

    Raises:
        ConfigError: the password cannot be used.
    """
    return connection(sink) | {
        "enable.idempotence": True,  # implies acks=all, and that retries keep the order
        "message.timeout.ms": round(sink.timeout_seconds * 1000),
        "linger.ms": 5,
        "compression.type": "gzip",
    }


def connection(settings: KafkaSink | KafkaSource) -> dict[str, Any]:
    """How librdkafka reaches the brokers, whoever asks.

    Raises:
        ConfigError: the password cannot be used.
    """
    security = ("sasl_" if settings.username else "") + ("ssl" if settings.tls else "plaintext")
    found: dict[str, Any] = {
        "bootstrap.servers": settings.brokers,
        "client.id": "an1496",
        "security.protocol": security,
    }
    if settings.tls:
        found["ssl.ca.location"] = settings.ca_file or certifi.where()
        found["ssl.endpoint.identification.algorithm"] = "https"
    if settings.username and settings.password:
        found |= {
            "sasl.mechanism": settings.mechanism,
            "sasl.username": settings.username,
            "sasl.password": reveal(settings.password),
        }
    return found


def silent() -> logging.Logger:
    """Keep librdkafka's own words from standard error; what matters comes back as errors."""
    logger = logging.Logger("librdkafka")
    logger.addHandler(logging.NullHandler())
    return logger
