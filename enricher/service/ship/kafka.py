"""A Kafka topic, by librdkafka's idempotent producer. Lines with one key go to one partition, in their order."""

from collections.abc import Sequence
from typing import Any, Final

from enricher.config_ship import KafkaTarget
from enricher.errors import ConfigError, DeliveryError
from enricher.service.delivery.kafka import GRACE, NEVER, options, silent
from enricher.service.ship.line import Line
from enricher.sinks.settings import KafkaSink

_ADVICE: Final = "check brokers, topic, TLS and credentials"


class Kafka:
    """One topic."""

    def __init__(self, settings: KafkaTarget) -> None:
        """Check what can be checked without talking to the brokers.

        Raises:
            ConfigError: confluent-kafka is not installed, or the password cannot be used.
        """
        try:
            import confluent_kafka  # noqa: PLC0415  # an extra: only who has a Kafka needs it
        except ImportError as error:
            raise ConfigError("a Kafka target needs confluent-kafka", "pip install 'an1496[kafka]'") from error
        self._kafka: Any = confluent_kafka
        self._settings = settings
        shared = {name: getattr(settings, name) for name in settings.__struct_fields__}
        # As other producers choose the partition of a key, so that a host's events meet whoever ships them.
        self._options = options(KafkaSink(**shared)) | {"partitioner": "murmur2_random"}
        self._producer: Any = None

    def put(self, lines: Sequence[Line]) -> dict[int, str]:
        """See `Target`."""
        errors: dict[int, Any] = {}
        try:
            self._producer = self._producer or self._kafka.Producer(self._options, logger=silent())
            for at, line in enumerate(lines):
                self._produce(at, line, errors)
            self._producer.flush(self._settings.timeout_seconds + GRACE)
        except self._kafka.KafkaException as error:
            self.close()
            raise self._away(error.args[0].str()) from error
        refused = {at: error.str() for at, error in errors.items() if error is not None and error.name() in NEVER}
        failed = [error.str() for at, error in errors.items() if error is not None and at not in refused]
        if failed or len(errors) < len(lines):
            self.close()
            raise self._away(failed[0] if failed else "no answer in time")
        return refused

    def close(self) -> None:
        """See `Target`: what is under way is forgotten."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(GRACE)
            self._producer = None

    def _produce(self, at: int, line: Line, errors: dict[int, Any]) -> None:
        def told(error: Any, _message: Any) -> None:
            errors[at] = error

        while True:
            try:
                self._producer.produce(self._settings.topic, line.payload, line.key, on_delivery=told)
            except BufferError:  # our own queue is full
                self._producer.poll(0.1)
            except self._kafka.KafkaException as error:
                errors[at] = error.args[0]
                return
            else:
                return

    def _away(self, why: str) -> DeliveryError:
        return DeliveryError(f"Kafka at {self._settings.brokers}: {why}", _ADVICE)
