"""Sources from their configuration."""

import time
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from enricher.config import LiveConfig, RedisListSource, RedisStreamSource, Source, StdinSource, TailSource, source_name
from enricher.errors import ConfigError, InputError
from enricher.join.link import Link
from enricher.join.link import check as check_link
from enricher.join.settings import StoreSettings
from enricher.service.delivery.secret import reveal
from enricher.service.live.sources import _source
from enricher.service.live.sources.payloads import check
from enricher.service.live.sources.redis_list import RedisList
from enricher.service.live.sources.redis_stream import RedisStream
from enricher.service.live.sources.stdin import Stdin
from enricher.service.live.sources.tail import Tail


def build(source: Source, live: LiveConfig, worker: str) -> _source.Source:
    """A source that has not read anything yet.

    Raises:
        ConfigError: it can never work as it is configured.
    """
    name = source_name(source)
    try:
        check(source.format)
    except InputError as error:
        raise ConfigError(f"{name}: format: {error.message}", error.advice) from error
    if isinstance(source, TailSource):
        at_end = source.start == "end"
        return Tail(name, Path(source.path), rotated=source.rotated, format_id=source.format, at_end=at_end)
    if isinstance(source, StdinSource):
        return Stdin(name, format_id=source.format)
    settings = StoreSettings(timeout_seconds=source.timeout_seconds, ca_file=source.ca_file)
    check_link(source.url, settings)
    url = _address(source, name)
    connect = lambda: Link(url, settings)  # noqa: E731
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


def _address(source: RedisListSource | RedisStreamSource, name: str) -> str:
    """The URL with its credentials."""
    parts = urlsplit(source.url)
    if parts.password is not None or parts.username is not None:
        raise ConfigError(f"{name}: url holds credentials", "give username and password in their own keys")
    if source.password is None:
        return source.url
    user = f"{quote(source.username or '', safe='')}:{quote(reveal(source.password), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))
