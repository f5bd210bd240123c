"""`an1496 ship`: a forwarder from a configuration file, with its log and its signals."""

from pathlib import Path

from enricher.config import Config
from enricher.config_ship import RedisTarget, Target
from enricher.service.engine import configuration
from enricher.service.log import logger
from enricher.service.ship.shipper import Shipper
from enricher.service.signals import Signals
from enricher.service.systemd import Notifier


def run(config_file: Path, *, once: bool = False) -> None:
    """Work until a signal ends it; `once`: until all that is there is sent.

    Raises:
        ConfigError: it can never work as it is configured.
    """
    config = configuration(config_file)
    signals = Signals(config.ship.stop_seconds if config.ship else 0.0)
    manager = Notifier()
    shipper = Shipper(config, logger(), manager.hearing(signals.stopping))
    manager.ready()
    shipper.run(once=once)


def check(config: Config) -> list[str]:
    """What a forwarder of this configuration would do, in words; talks to nobody.

    Raises:
        ConfigError: it could never work; says why.
    """
    shipper = Shipper(config, logger(), lambda _seconds: True)
    assert config.ship is not None
    return [
        *(f"ships {source.name}" for source in shipper.sources),
        f"puts it on {_place(config.ship.target)}",
        f"keeps positions in {config.ship.state}",
    ]


def _place(target: Target) -> str:
    if isinstance(target, RedisTarget):
        return f"the Redis stream {target.stream} at {target.url}"
    return f"the Kafka topic {target.topic} at {target.brokers}"
