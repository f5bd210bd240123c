"""A Kafka topic, by librdkafka's idempotent producer. Lines with one key go to one partition, in their order."""

from collections.abc import Sequence
from typing import Any, Final

from enricher.config_ship import KafkaTarget
from enricher.errors import DeliveryError
from enricher.service.delivery.kafka import GRACE, NEVER, library, options, produce, silent
from enricher.service.ship.line import Line

_ADVICE: Final = "check brokers, topic, TLS and credentials"


class Kafka:
    """One topic."""

    def __init__(self, settings: KafkaTarget) -> None:
        """Check what can be checked without talking to the brokers.

        Raises:
            ConfigError: confluent-kafka is not installed, or roots or password cannot be used.
        """
        self._kafka = library()
        self._settings = settings
        # As other producers choose the partition of a key, so that a host's events meet whoever ships them.
        self._options = options(settings) | {"partitioner": "murmur2_random"}
        self._producer: Any = None

    def put(self, lines: Sequence[Line]) -> dict[int, str]:
        """See `Target`."""
        errors: dict[int, Any] = {}
        try:
            self._producer = self._producer or self._kafka.Producer(self._options, logger=silent())
            for at, line in enumerate(lines):
                produce(self._producer, self._settings.topic, {"value": line.payload, "key": line.key}, at, errors)
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

    def _away(self, why: str) -> DeliveryError:
        return DeliveryError(f"Kafka at {self._settings.brokers}: {why}", _ADVICE)
