"""Notices on their way out: thin writers, one file per transport, and what is common to all."""

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from enricher import __version__
from enricher.config import Config
from enricher.errors import ConfigError
from enricher.service.delivery.courier import Statistics
from enricher.service.delivery.dead_letters import DeadLetters
from enricher.service.delivery.delivery import Delivery, Report
from enricher.service.delivery.elastic import Elastic
from enricher.service.delivery.file import File
from enricher.service.delivery.kafka import Kafka
from enricher.service.delivery.redis_stream import RedisStream
from enricher.service.delivery.splunk import Splunk
from enricher.service.delivery.syslog import Syslog
from enricher.service.delivery.webhook import Webhook
from enricher.service.delivery.writer import Clock, SystemClock, Writer
from enricher.service.delivery.zeek import Zeek
from enricher.sinks.encoding import Origin
from enricher.sinks.settings import (
    ElasticSink,
    FileSink,
    KafkaSink,
    RedisSink,
    Sink,
    SplunkSink,
    SyslogSink,
    WebhookSink,
    ZeekSink,
    label,
)

__all__ = ["Delivery", "Outlets", "Report", "Statistics", "writer"]


_WRITERS: Final[Mapping[type, Callable[[Any, Origin, Clock], Writer]]] = MappingProxyType(
    {
        ElasticSink: lambda sink, _origin, clock: Elastic(sink, clock),
        SplunkSink: lambda sink, _origin, clock: Splunk(sink, clock),
        WebhookSink: lambda sink, _origin, clock: Webhook(sink, clock),
        SyslogSink: Syslog,
        KafkaSink: lambda sink, _origin, _clock: Kafka(sink),
        RedisSink: lambda sink, _origin, _clock: RedisStream(sink),
        ZeekSink: lambda sink, _origin, _clock: Zeek(sink),
        FileSink: lambda sink, _origin, _clock: File(sink),
    }
)


def writer(sink: Sink, origin: Origin, clock: Clock) -> Writer:
    """What carries records to a sink.

    Raises:
        ConfigError: it can never work as it is configured.
    """
    return _WRITERS[type(sink)](sink, origin, clock)


class Outlets:
    """The sinks of one configuration, checked before any work is done for them."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        """Check all of them without talking to any.

        Raises:
            ConfigError: one can never work as it is configured; says which.
        """
        self._clock = clock or SystemClock()
        self._settings = config.delivery
        self._origin = Origin(socket.gethostname() or None, __version__)
        self._sinks: list[tuple[Sink, Writer]] = []
        for at, sink in enumerate(config.sinks):
            try:
                self._sinks.append((sink, writer(sink, self._origin, self._clock)))
            except ConfigError as error:
                raise ConfigError(f"{label(sink, at)}: {error.message}", error.advice) from error

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._sinks)

    def dead_letters(self, folder: Path) -> Path:
        """Where what no sink takes is kept; `folder`: where the results are."""
        return Path(self._settings.dead_letters or folder / "dead-letters.jsonl")

    def open(self, folder: Path) -> Delivery:
        """Begin to deliver."""
        dead = DeadLetters(self.dead_letters(folder), int(self._settings.dead_letters_mib * 2**20), self._clock)
        return Delivery(self._sinks, dead, self._origin, self._clock)
