"""Where lines are put."""

from collections.abc import Sequence
from typing import Protocol

from enricher.config_ship import RedisTarget
from enricher.config_ship import Target as Settings
from enricher.errors import ConfigError
from enricher.service.ship.kafka import Kafka
from enricher.service.ship.line import Line
from enricher.service.ship.redis_stream import RedisStream


class Target(Protocol):
    """Takes lines."""

    def put(self, lines: Sequence[Line]) -> dict[int, str]:
        """Put all. When that fails, some may be there; putting them again is no harm.

        Returns:
            Those that are refused for what they are, by their place, and why.

        Raises:
            An1496Error: it is away, or full. Putting again tries again.
        """

    def close(self) -> None:
        """Hang up."""


def build(settings: Settings) -> Target:
    """A target that has not talked to anybody yet.

    Raises:
        ConfigError: it can never work as it is configured.
    """
    try:
        return RedisStream(settings) if isinstance(settings, RedisTarget) else Kafka(settings)
    except ConfigError as error:
        raise ConfigError(f"ship.target: {error.message}", error.advice) from error
