"""Sources from their configuration."""

import time
from collections.abc import Callable
from pathlib import Path

from enricher.config import (
    InterfaceSource,
    KafkaSource,
    LiveConfig,
    RedisListSource,
    RedisStreamSource,
    Source,
    StdinSource,
    TailSource,
    ZeekSource,
    source_name,
)
from enricher.errors import ConfigError, InputError
from enricher.join.cluster import connect as cluster_or_server
from enricher.join.settings import StoreSettings
from enricher.sensor.capture import Sensor
from enricher.service.live.sources import _source
from enricher.service.live.sources.interface import Interface
from enricher.service.live.sources.kafka import KafkaTopic
from enricher.service.live.sources.payloads import check
from enricher.service.live.sources.redis_list import RedisList
from enricher.service.live.sources.redis_stream import RedisStream
from enricher.service.live.sources.stdin import Stdin
from enricher.service.live.sources.tail import Tail
from enricher.service.live.sources.zeek import ZeekSessions
from enricher.service.redis_url import with_credentials


def build(source: Source, live: LiveConfig, worker: str, sensor_for: Callable[[str], Sensor]) -> _source.Source:
    """A source that has not read anything yet; `sensor_for` makes what reads the packets of an interface.

    Raises:
        ConfigError: it can never work as it is configured.
    """
    try:
        check(source.format, lines=isinstance(source, TailSource))
        return _made(source_name(source), source, live, worker, sensor_for)
    except (ConfigError, InputError) as error:
        raise ConfigError(f"{source_name(source)}: {error.message}", error.advice) from error


def _made(
    name: str, source: Source, live: LiveConfig, worker: str, sensor_for: Callable[[str], Sensor]
) -> _source.Source:
    if isinstance(source, TailSource):
        at_end = source.start == "end"
        return Tail(name, Path(source.path), rotated=source.rotated, format_id=source.format, at_end=at_end)
    if isinstance(source, StdinSource):
        return Stdin(name, format_id=source.format)
    if isinstance(source, InterfaceSource):
        sensor, buffer_mib, promiscuous = sensor_for(name), source.buffer_mib, source.promiscuous
        return Interface(name, source.interface, sensor, buffer_mib=buffer_mib, promiscuous=promiscuous)
    if isinstance(source, KafkaSource):
        return KafkaTopic(name, source, most=live.batch)
    if isinstance(source, ZeekSource):
        return ZeekSessions(name, source, most=live.batch)
    return _redis(name, source, live, worker)


def _redis(name: str, source: RedisListSource | RedisStreamSource, live: LiveConfig, worker: str) -> _source.Source:
    cluster = isinstance(source, RedisStreamSource) and source.cluster
    settings = StoreSettings(timeout_seconds=source.timeout_seconds, ca_file=source.ca_file, cluster=cluster)
    url = with_credentials(source.url, source.username, source.password, settings)
    connect = lambda: cluster_or_server(url, settings)  # noqa: E731
    if isinstance(source, RedisListSource):
        return RedisList(name, source.key, worker, connect, most=live.batch, format_id=source.format)
    return RedisStream(
        name,
        source.key,
        worker,
        connect,
        time.monotonic,
        group=source.group,
        claim_seconds=source.claim_seconds,
        most=live.batch,
        format_id=source.format,
        field=source.field,
    )
