"""`[ship]`: where `an1496 ship` puts what it reads of its sources."""

from typing import Annotated, Literal

import msgspec

from enricher.errors import ConfigError
from enricher.sinks.settings import Count, Name, Seconds, Secret


class _Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    username: str | None = None
    password: Secret | None = None
    timeout_seconds: Seconds = 10.0
    """How long it may take to connect, and to answer."""


class RedisTarget(_Target, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redis"):
    """A Redis stream: one entry a line, in its field `message`."""

    url: str
    """`redis://`, `rediss://` or `unix://`, without password."""
    stream: Name = "an1496:events"
    limit: Count = 1_000_000
    """About how many entries the stream may hold. When it holds more, those that all its groups have acknowledged are
    removed; when that does not help, nothing is read until it does."""
    drop_oldest: bool = False
    """Beyond the limit, the oldest entries are removed whether they were read or not."""
    cluster: bool = False
    """The URL names nodes of a Redis Cluster, at least one, with commas between."""
    ca_file: str | None = None
    """PEM file of the roots that vouch for a `rediss://` server; None: the system's."""


class KafkaTarget(_Target, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kafka"):
    """A Kafka topic: one message a line, under the host or the connection's uid, so that those keep their order."""

    brokers: Name
    """`host:port`, several with commas."""
    topic: Name = "an1496-events"
    tls: bool = True
    ca_file: str | None = None
    """PEM file of the roots that vouch for the brokers; None: certifi's."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"


Target = RedisTarget | KafkaTarget


class ShipConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[ship]`: the forwarder. It reads the `[[sources]]`, which must be files."""

    target: Target
    state: Name
    """File that keeps how far each source was read; no other forwarder may use it."""
    poll_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 0.2
    """How often to look for more where there was nothing."""
    stop_seconds: Seconds = 10.0
    """How long it may take to end after SIGTERM; then it is cut off, and what is not safe is sent again."""


def validate_ship(ship: ShipConfig) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigError: credentials are incomplete, or the secret has not one place.
    """
    username, password = ship.target.username, ship.target.password
    if password is not None and (password.env is None) == (password.file is None):
        raise ConfigError("ship.target.password has not one place", 'write { env = "NAME" } or { file = "PATH" }')
    if username is not None and password is None:
        raise ConfigError("ship.target.username has no password", "give password too")
    if password is not None and username is None and isinstance(ship.target, KafkaTarget):
        raise ConfigError("ship.target.password has no username", "give username too")
