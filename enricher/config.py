"""One TOML for everything; each room owns its own settings."""

from typing import Annotated, Any, Final, Literal, Self

import msgspec

from enricher.config_place import placed, refused
from enricher.config_ship import ShipConfig, validate_ship
from enricher.errors import ConfigError
from enricher.join.settings import JoinSettings, LiveSettings, StoreSettings, validate, validate_live
from enricher.sensor.certificate import CertificateSettings
from enricher.sensor.contract import WireSettings
from enricher.sensor.thresholds import Thresholds
from enricher.sinks.settings import DeliverySettings, Name, Seconds, Secret, Sink, ZeekSink
from enricher.sinks.settings import validate as validate_sinks
from enricher.verdict.settings import VerdictOptions

_ATTENDED: Final = 5.0
"""Seconds for which whoever gave an option on the command line and waits will see it tried again."""


SensorChoice = Literal["embedded", "zeek", "auto"]


class SensorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sensor]`: who observes, what the embedded sensor may use, and what counts as abnormal whoever observed it."""

    use: SensorChoice = "embedded"
    """Who reads a replay's captures: the embedded sensor, or Zeek with our package; `auto`: Zeek where there is one."""
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
    username: str | None = None
    """User of the server, where the URL does not hold it."""
    password: Secret | None = None
    """Where its password is."""


class VerdictConfig(VerdictOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[verdict]`."""

    weights: dict[str, Any] = msgspec.field(default_factory=dict)
    """Laid over the packaged weights.toml."""
    programs: dict[str, Any] = msgspec.field(default_factory=dict)
    """Added to the packaged known_programs.toml."""


class _Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    name: str | None = None
    """What messages and metrics call it, and what its position is kept under; None: its type and what it reads."""
    format: str | None = None
    """Id of the format; None: recognised by content."""


class TailSource(_Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tail"):
    """A log file that is followed: Zeek's logs, or JSON lines."""

    path: str
    """The name that the log has while it is written."""
    rotated: str | None = None
    """Pattern of its later names (`/logs/*/ssl.*`); None: beside it, with a number or a date in the name."""
    start: Literal["beginning", "end"] = "beginning"
    """Where to begin a log of which no position is known."""


class _RedisSource(_Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    """`redis://`, `rediss://` or `unix://`, without password."""
    key: str
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    """PEM file of the roots that vouch for a `rediss://` server; None: the system's."""
    timeout_seconds: Seconds = 10.0
    """How long it may take to connect, and to answer."""


class RedisListSource(_RedisSource, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redis_list"):
    """A Redis list that shippers push to, as Winlogbeat and Logstash do."""


class RedisStreamSource(_RedisSource, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redis_stream"):
    """A Redis stream, read in a consumer group."""

    group: str = "an1496"
    field: str | None = None
    """Which field of an entry holds the event; None: `message`, `payload`, `event`, `data`, else the first."""
    cluster: bool = False
    """The URL names nodes of a Redis Cluster, at least one, with commas between."""
    claim_seconds: Seconds = 60.0
    """An entry that a worker has held for so long is taken over by another."""


class StdinSource(_Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="stdin"):
    """Standard input; the service ends with it, when it has no other source."""


class InterfaceSource(_Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="interface"):
    """A network interface, read by the embedded sensor. Takes Linux, and root or CAP_NET_RAW at the start."""

    interface: Annotated[str, msgspec.Meta(min_length=1)]
    """What the system calls it: `eth0`."""
    user: str | None = None
    """Who the service is once the interface is open: a user that may do less; None: who started it."""
    buffer_mib: Annotated[int, msgspec.Meta(ge=2, le=4096)] = 64
    """Packets that wait for us; beyond it the kernel drops them, which is counted."""
    promiscuous: bool = True
    """Packets for others are read too."""


class KafkaSource(_Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kafka"):
    """A Kafka topic, read in a consumer group; takes the extra `kafka`."""

    brokers: Name
    """`host:port`, several with commas."""
    topic: Name
    group: Name = "an1496"
    start: Literal["beginning", "end"] = "beginning"
    """Where to begin a partition of which the group has no offset."""
    tls: bool = True
    ca_file: str | None = None
    """PEM file of the roots that vouch for the brokers; None: certifi's."""
    username: str | None = None
    password: Secret | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    timeout_seconds: Seconds = 10.0
    """How long the brokers may take to answer."""


class ZeekSource(_Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="zeek"):
    """A Zeek that has the AN1496 package and publishes its sessions, over its WebSocket API."""

    url: Name
    """`ws://host:port` or `wss://host:port`."""
    ca_file: str | None = None
    """PEM file of the roots that vouch for a `wss://` server; None: certifi's."""
    certificate: str | None = None
    """PEM file of our own certificate, where Zeek asks for one."""
    key: str | None = None
    """PEM file of its key; None: in the same file."""
    timeout_seconds: Seconds = 10.0
    """How long Zeek may take to answer."""


Source = TailSource | RedisListSource | RedisStreamSource | StdinSource | InterfaceSource | KafkaSource | ZeekSource


class LiveConfig(LiveSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[live]`: the service."""

    worker: str | None = None
    """Name of this worker: the same after a restart, of no other worker; None: the machine's name."""
    ledger: str | None = None
    """File to which the ledger's rows are appended as JSON lines; None: they are only counted."""
    batch: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    """Most entries read at once from a list or a stream."""
    poll_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 0.2
    """How often to look for more where there was nothing."""
    stop_seconds: Seconds = 10.0
    """How long a round may take to end after SIGTERM; then it is cut off, and done again at the next start."""
    shed_lag: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """A source that is behind by more, in bytes or entries, loses its sessions without anomalies; None: none ever."""
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    """Port for `/metrics` and `/health`; None: nobody listens."""
    metrics_host: str = "127.0.0.1"


def source_name(source: Source) -> str:
    """What a source is called."""
    kind = type(source).__struct_config__.tag
    reads = next(
        (getattr(source, key) for key in ("path", "key", "interface", "topic", "url") if hasattr(source, key)), None
    )
    return source.name or (f"{kind}:{reads}" if reads else str(kind))


def _one_place(secret: Secret | None, where: str) -> None:
    if secret is not None and (secret.env is None) == (secret.file is None):
        raise ConfigError(f"{where} has not one place", 'write { env = "NAME" } or { file = "PATH" }')


def validate_sources(sources: tuple[Source, ...]) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigError: two sources have one name, a secret has not one place, or standard input is read twice.
    """
    names = [source_name(source) for source in sources]
    for at, source in enumerate(sources):
        where = f"sources[{at}]"
        if names.index(names[at]) != at:
            raise ConfigError(f"{where}.name: {names[at]} stands twice", "give each source a name of its own")
        _one_place(getattr(source, "password", None), f"{where}.password")
        if isinstance(source, KafkaSource) and (source.username is None) != (source.password is None):
            raise ConfigError(f"{where}: username and password belong together", "give both, or neither")
        if isinstance(source, InterfaceSource | ZeekSource) and source.format is not None:
            raise ConfigError(f"{where}.format: {source_name(source)} has none", "take it out")
    if sum(isinstance(source, StdinSource) for source in sources) > 1:
        raise ConfigError("sources: standard input is read twice", "leave one of them")
    if len({source.user for source in sources if isinstance(source, InterfaceSource)}) > 1:
        raise ConfigError("sources: interfaces name different users", "one process is one user: name the same")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set. Every value has a default that works."""

    sensor: SensorConfig = SensorConfig()
    store: StoreConfig = StoreConfig()
    join: JoinSettings = JoinSettings()
    verdict: VerdictConfig = VerdictConfig()
    sinks: tuple[Sink, ...] = ()
    """Who is told of notices; any number."""
    delivery: DeliverySettings = DeliverySettings()
    sources: tuple[Source, ...] = ()
    """What the service reads; any number."""
    live: LiveConfig = LiveConfig()
    ship: ShipConfig | None = None
    """Where `an1496 ship` puts what it reads; None: this is no forwarder's configuration."""

    @classmethod
    def parse(cls, text: bytes, name: str) -> Self:
        """Read a configuration file's text.

        Raises:
            ConfigError: not TOML, an unknown key, or a value that cannot be used; says which.
        """
        try:
            written = text.decode("utf-8-sig")  # editors of Windows begin with a mark
            config = msgspec.toml.decode(written, type=cls)
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name}: no text in UTF-8 ({error.reason})", "write it anew") from error
        except msgspec.ValidationError as error:
            raise refused(error, cls, written, name) from error
        except msgspec.DecodeError as error:
            raise ConfigError(f"{name}: {error}", "see docs/configuration.md for every key") from error
        try:
            config.check()
        except ConfigError as error:
            raise placed(error, written, name) from error
        return config

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigError: begins with the key that is wrong.
        """
        validate(self.store, self.join)
        _one_place(self.store.password, "store.password")
        validate_live(self.store, self.live)
        validate_sinks(self.sinks)
        validate_sources(self.sources)
        if self.ship is not None:
            validate_ship(self.ship)

    def with_options(
        self,
        *,
        ca_bundle: str | None,
        redis_url: str | None,
        zeek_url: str | None = None,
        sensor: SensorChoice | None = None,
    ) -> Self:
        """Lay what the command line gave over the file."""
        replace = msgspec.structs.replace
        config = self
        if sensor is not None:
            config = replace(config, sensor=replace(config.sensor, use=sensor))
        if ca_bundle is not None:
            config = replace(config, sensor=replace(config.sensor, ca_bundle=ca_bundle))
        if redis_url is not None:
            config = replace(config, store=replace(config.store, url=redis_url, username=None, password=None))
        if zeek_url is not None:
            config = replace(config, sinks=(*config.sinks, ZeekSink(url=zeek_url, retry_seconds=_ATTENDED)))
        return config
