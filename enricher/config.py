"""One TOML for everything; each room owns its own settings."""

from typing import Annotated, Any, Self

import msgspec

from enricher.errors import ConfigError
from enricher.join.settings import JoinSettings, StoreSettings, validate
from enricher.sensor.certificate import CertificateSettings
from enricher.sensor.contract import WireSettings
from enricher.sensor.thresholds import Thresholds
from enricher.sinks.settings import DeliverySettings, Sink
from enricher.sinks.settings import validate as validate_sinks
from enricher.verdict.settings import VerdictOptions


class SensorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sensor]`: what the embedded sensor may use, and what counts as abnormal whoever observed it."""

    wire: WireSettings = WireSettings()
    certificate: CertificateSettings = CertificateSettings()
    thresholds: Thresholds = Thresholds()
    ca_bundle: str | None = None
    """PEM file of trusted roots; None: certifi's."""
    known_bad: tuple[str, ...] = ()
    """Files of known-bad fingerprints and certificates: plain text, or the CSV of abuse.ch."""


class StoreConfig(StoreSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[store]`."""

    url: str | None = None
    """`redis://`, `rediss://` or `unix://`; None: a server is started for the run and removed after it."""


class VerdictConfig(VerdictOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[verdict]`."""

    weights: dict[str, Any] = msgspec.field(default_factory=dict)
    """Laid over the packaged weights.toml."""
    programs: dict[str, Any] = msgspec.field(default_factory=dict)
    """Added to the packaged known_programs.toml."""


class ZeekConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[zeek]`: the Zeek that is told of notices."""

    url: str | None = None
    """`ws://host:port` or `wss://host:port` of its WebSocket API; None: no Zeek is told."""
    ca_bundle: str | None = None
    """PEM file of the roots that vouch for its certificate; None: certifi's."""
    certificate: str | None = None
    """PEM file of our own certificate, where Zeek asks for one."""
    key: str | None = None
    """PEM file of its key; None: in the same file."""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """How long Zeek may take to answer."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set. Every value has a default that works."""

    sensor: SensorConfig = SensorConfig()
    store: StoreConfig = StoreConfig()
    join: JoinSettings = JoinSettings()
    verdict: VerdictConfig = VerdictConfig()
    zeek: ZeekConfig = ZeekConfig()
    sinks: tuple[Sink, ...] = ()
    """Who is told of notices; any number."""
    delivery: DeliverySettings = DeliverySettings()

    @classmethod
    def parse(cls, text: bytes, name: str) -> Self:
        """Read a configuration file's text.

        Raises:
            ConfigError: not TOML, an unknown key, or a value that cannot be used; says which.
        """
        try:
            config = msgspec.toml.decode(text, type=cls)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: {error}", "see docs/configuration.md for every key") from error
        validate(config.store, config.join)
        validate_sinks(config.sinks)
        return config

    def with_options(self, *, ca_bundle: str | None, redis_url: str | None, zeek_url: str | None = None) -> Self:
        """Lay what the command line gave over the file."""
        replace = msgspec.structs.replace
        config = self
        if ca_bundle is not None:
            config = replace(config, sensor=replace(config.sensor, ca_bundle=ca_bundle))
        if redis_url is not None:
            config = replace(config, store=replace(config.store, url=redis_url))
        if zeek_url is not None:
            config = replace(config, zeek=replace(config.zeek, url=zeek_url))
        return config
