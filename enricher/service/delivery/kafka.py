"""A Kafka topic, by librdkafka's idempotent producer."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import certifi

from enricher.config import KafkaSource
from enricher.config_ship import KafkaTarget
from enricher.errors import ConfigError
from enricher.service.delivery import tls
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
        self.encoding = ENCODINGS[sink.format]
        self._sink = sink
        self._kafka = library()
        self._options = options(sink)
        self._producer: Any = None

    def send(self, records: Sequence[Record]) -> Sent:
        """Produce all and wait for the word on each."""
        outcome: dict[int, Any] = {}
        try:
            producer = self._producer = self._producer or self._kafka.Producer(self._options, logger=silent())
            for at, record in enumerate(records):
                headers = {"revision": str(record.notice.revision), "content-type": self.encoding.content_type}
                words = {"value": record.payload, "key": record.notice.id, "headers": headers}
                produce(producer, self._sink.topic, words, at, outcome)
            producer.flush(self._sink.timeout_seconds + GRACE)
        except self._kafka.KafkaException as error:
            self.close()
            raise UnavailableError(f"Kafka at {self._sink.brokers}: {error.args[0].str()}", _ADVICE) from error
        return self._sent(outcome, len(records))

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


def library() -> Any:
    """librdkafka, an extra: only who has a Kafka needs it.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import confluent_kafka  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("Kafka needs confluent-kafka", "pip install 'an1496[kafka]'") from error
    return confluent_kafka


def produce(producer: Any, topic: str, words: Mapping[str, Any], at: int, outcome: dict[int, Any]) -> None:
    """Give librdkafka a message; what becomes of it stands in `outcome`, at its place: None or an error.

    Args:
        producer: librdkafka's.
        topic: where to.
        words: value, key, headers.
        at: place of the message in its batch.
        outcome: is filled, at the latest when the producer is flushed.
    """

    def told(error: Any, _message: Any) -> None:
        outcome[at] = error

    while True:
        try:
            producer.produce(topic, **words, on_delivery=told)
        except BufferError:  # its own queue is full
            producer.poll(0.1)
        except library().KafkaException as error:
            outcome[at] = error.args[0]
            return
        else:
            return


def options(settings: KafkaSink | KafkaTarget) -> dict[str, Any]:
    """How librdkafka's producer is set up.

    Raises:
        ConfigError: roots or password cannot be used.
    """
    return connection(settings) | {
        "enable.idempotence": True,  # implies acks=all, and that retries keep the order
        "message.timeout.ms": round(settings.timeout_seconds * 1000),
        "linger.ms": 5,
        "compression.type": "gzip",
    }


def connection(settings: KafkaSink | KafkaSource | KafkaTarget) -> dict[str, Any]:
    """How librdkafka reaches the brokers, whoever asks.

    Raises:
        ConfigError: roots or password cannot be used.
    """
    security = ("sasl_" if settings.username else "") + ("ssl" if settings.tls else "plaintext")
    found: dict[str, Any] = {
        "bootstrap.servers": settings.brokers,
        "client.id": "an1496",
        "security.protocol": security,
    }
    if settings.tls:
        tls.context(settings.ca_file)  # librdkafka says only when it connects that it cannot use them
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
