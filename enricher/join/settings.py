"""What a site may set about the store and the join."""

import re

import msgspec

from enricher.errors import ConfigError
from enricher.model.session import Confidence

_NAMESPACE = re.compile(r"[A-Za-z0-9:_.\-]{1,64}")


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the store keeps records."""

    namespace: str | None = None
    """Prefix of every key. None: a random one, deleted when the store closes."""
    retention_days: float = 7.0
    """How long a record is kept, counted from its arrival."""
    max_members: int = 20_000
    """Most records under one key; beyond it the oldest (by their own time) go, and are counted."""
    batch: int = 16384
    """Records per pipeline."""
    timeout_seconds: float = 30.0
    """How long to wait for the server to connect or to answer."""
    ca_file: str | None = None
    """CA certificates that sign a `rediss://` server; None: the system's."""

    cluster: bool = False
    """The URL names nodes of a Redis Cluster, at least one, with commas between; for a service only."""
    replicas: int = 0
    """A service goes on when so many replicas have what it wrote, so that no failover loses it."""

    @property
    def retention_seconds(self) -> int:
        """Retention in whole seconds, as EXPIRE wants it."""
        return max(1, round(self.retention_days * 86400))


class JoinSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sessions and processes are matched. All times in seconds."""

    tie_tolerance: float = 10.0
    """How near the nearest record must be, after clock correction, to win a tie."""
    tie_ratio: float = 3.0
    """How many times farther every other candidate must be."""
    tie_confidence: Confidence = "low"
    """Least confidence in the clock offset for time to break a tie."""
    clock_agreement: float = 2.0
    """Offset samples within this distance of each other agree."""
    clock_neighbours: int = 9
    """How many of the nearest samples vote on the offset."""
    clock_samples: int = 4096
    """Most samples kept per host and clock."""
    library_window: float = 5.0
    """How far a library load may be from a handshake, before or after, in a join by library time."""
    bind_window: float = 60.0
    """How far a port's bind may be from a session in a join by bind."""
    owner_reach: float = 3600.0
    """How long before its first and after its last claim an address still belongs to a host."""
    duplicate_window: float = 2.0
    """Observations of one 5-tuple from two inputs within this time are one connection."""


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a service tells what. All times in seconds."""

    wait_seconds: float = 300.0
    """A session that no endpoint record names waits at most this long, counted from its arrival."""
    disorder_seconds: float = 60.0
    """How far out of order one host's connection records may come: its stream has passed a session when one came that
    is so much later."""
    settle_seconds: float = 3600.0
    """So long after its arrival a session is judged once more, by all that was learned since."""
    repeat_seconds: float = 300.0
    """A notice whose severity stays is told again at most this often, however many sessions it gains."""
    refresh_seconds: float = 60.0
    """Names and clocks of hosts are at most this old."""
    lease_seconds: float = 30.0
    """What a worker was at when it died, others take over after this time."""


def validate_live(store: StoreSettings, live: LiveSettings) -> None:
    """Refuse times that cannot work.

    Raises:
        ConfigError: a time is out of range, or longer than records are kept.
    """
    for name in LiveSettings.__struct_fields__:
        value = getattr(live, name)
        if not value >= 0:
            raise ConfigError(f"live.{name} must not be less than zero", "remove it to get the default")
        if value > store.retention_seconds:
            raise ConfigError(
                f"live.{name} is longer than records are kept ({store.retention_days} days)",
                "raise store.retention_days or lower the time",
            )
    if live.settle_seconds == store.retention_seconds:  # what waits, or is judged once more, would be gone by then
        raise ConfigError("live.settle_seconds is as long as records are kept", "raise store.retention_days")
    if not live.lease_seconds >= 1:
        raise ConfigError("live.lease_seconds must be at least 1", "remove it to get the default")
    if live.wait_seconds > live.settle_seconds:
        raise ConfigError(
            f"live.wait_seconds ({live.wait_seconds:g}) is longer than live.settle_seconds ({live.settle_seconds:g})",
            "a session is judged for the last time when it has waited",
        )


def validate(store: StoreSettings, join: JoinSettings | None = None) -> None:
    """Refuse settings that cannot work.

    Raises:
        ConfigError: a value is out of range, or the join looks back farther than records are kept.
    """
    if store.namespace is not None and not _NAMESPACE.fullmatch(store.namespace):
        raise ConfigError("store.namespace is not usable", "use 1 to 64 letters, digits, ':', '_', '.' or '-'")
    for name in ("retention_days", "max_members", "batch", "timeout_seconds"):
        if not getattr(store, name) > 0:
            raise ConfigError(f"store.{name} must be more than zero", "remove it to get the default")
    for name, most in (("retention_days", 3660), ("timeout_seconds", 86_400)):
        if getattr(store, name) > most:
            raise ConfigError(f"store.{name} must not be more than {most}", "remove it to get the default")
    if store.replicas < 0:
        raise ConfigError("store.replicas must not be less than zero", "remove it to get the default")
    if join is None:
        return
    for name in JoinSettings.__struct_fields__:
        if name != "tie_confidence" and not getattr(join, name) > 0:
            raise ConfigError(f"join.{name} must be more than zero", "remove it to get the default")
    for name in ("tie_tolerance", "library_window", "bind_window", "owner_reach", "duplicate_window"):
        if getattr(join, name) > store.retention_seconds:
            raise ConfigError(
                f"join.{name} is longer than records are kept ({store.retention_days} days)",
                "raise store.retention_days or lower the window",
            )
