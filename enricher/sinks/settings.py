"""`[[sinks]]`: who is told of notices, in what format and by what way. Secrets are named here, never written."""

from typing import Annotated, Literal

import msgspec

from enricher.errors import ConfigError

Format = Literal["cef", "ecs", "hec", "json", "ocsf", "rfc5424", "webhook", "zeek_event", "zeek_json", "zeek_tsv"]
"""Ids of `sinks.encoding`."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class Secret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is: one of both."""

    env: str | None = None
    """Name of an environment variable."""
    file: str | None = None
    """Path of a file; the newline at its end does not belong to the secret."""


class _Sink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    name: str | None = None
    """What messages and dead letters call this sink; None: its type and place."""
    batch: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    """Most notices sent together."""
    batch_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    """How long the first notice of a batch waits for others."""
    queue: Count = 10_000
    """Most notices that wait for this sink; who brings more waits too."""
    retry_seconds: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    """How long a sink that is away or busy is tried again, ever less often; then its notices become dead letters.

    `inf`: for ever.
    """
    timeout_seconds: Seconds = 10.0
    """How long the sink may take to connect, and to answer."""


class ElasticSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="elastic"):
    """Elasticsearch or OpenSearch, by the bulk API."""

    url: str
    """`https://host:9200`, with a path if there is one before `_bulk`."""
    index: str | None = None
    """Index, alias or data stream; None: `an1496-notices`, or `logs-an1496.notice-default` as a data stream."""
    data_stream: bool = False
    """True: each revision of a notice is a document of its own. False: a revision overwrites."""
    put_template: bool = False
    """Put the index template before the first notice; takes the privilege to manage index templates."""
    format: Literal["ecs", "ocsf", "json"] = "ecs"
    api_key: Secret | None = None
    """The encoded form, `base64(id:key)`."""
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    """PEM file of the roots that vouch for the server; None: certifi's."""
    gzip: bool = True


class SplunkSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="splunk"):
    """Splunk's HTTP Event Collector."""

    url: str
    """`https://host:8088`."""
    token: Secret
    acknowledge: bool = False
    """Wait until Splunk has indexed; the token must have indexer acknowledgment on."""
    ca_file: str | None = None
    """PEM file of the roots that vouch for the server; None: certifi's."""
    gzip: bool = True


class WebhookSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """Any HTTP server: one POST for each notice."""

    url: str | Secret
    """A secret where knowing the address is all it takes, as with chat services."""
    format: Format = "webhook"
    token: Secret | None = None
    """Sent as `Authorization: Bearer`."""
    signing_key: Secret | None = None
    """Signs the time and the body: HMAC-SHA-256 in `X-AN1496-Signature`."""
    ca_file: str | None = None
    """PEM file of the roots that vouch for the server; None: certifi's."""
    gzip: bool = False


class SyslogSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="syslog"):
    """Syslog over UDP (RFC 5426), TCP with counted octets (RFC 6587) or TLS (RFC 5425)."""

    host: Name
    port: Port = 6514
    transport: Literal["udp", "tcp", "tls"] = "tls"
    format: Literal["rfc5424", "cef"] = "rfc5424"
    ca_file: str | None = None
    """PEM file of the roots that vouch for the server; None: certifi's."""
    certificate: str | None = None
    """PEM file of our own certificate, where the server asks for one."""
    key: str | None = None
    """PEM file of its key; None: in the same file."""


class KafkaSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kafka"):
    """A Kafka topic; takes the extra `kafka`. The key is the notice's id, so that its revisions keep their order."""

    brokers: Name
    """`host:port`, several with commas."""
    topic: Name = "an1496-notices"
    format: Format = "json"
    tls: bool = True
    ca_file: str | None = None
    """PEM file of the roots that vouch for the brokers; None: certifi's."""
    username: str | None = None
    password: Secret | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"


class RedisSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redis"):
    """A Redis stream: fields `id`, `revision`, `format`, `payload`."""

    url: str
    """`redis://`, `rediss://` or `unix://`, without password."""
    stream: Name = "an1496:notices"
    max_length: Count = 100_000
    """About how many entries the stream keeps."""
    format: Format = "json"
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    """PEM file of the roots that vouch for a `rediss://` server; None: the system's."""


class ZeekSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="zeek"):
    """A Zeek that has the AN1496 package, over its WebSocket API: it raises notices of its own."""

    url: Name
    """`ws://host:port` or `wss://host:port`."""
    ca_file: str | None = None
    """PEM file of the roots that vouch for a `wss://` server; None: certifi's."""
    certificate: str | None = None
    """PEM file of our own certificate, where Zeek asks for one."""
    key: str | None = None
    """PEM file of its key; None: in the same file."""


class FileSink(_Sink, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="file"):
    """A file, one record a line; opened anew when it was renamed or removed."""

    path: Name
    format: Format = "json"


Sink = ElasticSink | SplunkSink | WebhookSink | SyslogSink | KafkaSink | RedisSink | ZeekSink | FileSink


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[delivery]`: what holds for all sinks."""

    dead_letters: str | None = None
    """File for what no sink takes, with the reason; None: `dead-letters.jsonl` beside the results."""
    dead_letters_mib: Annotated[float, msgspec.Meta(gt=0, le=1 << 20)] = 256
    """Size at which it takes no more; what is lost then is counted."""


def validate(sinks: tuple[Sink, ...]) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigError: a secret has not one place, credentials are incomplete, or a key cannot be used with the others.
    """
    labels = [label(sink, at) for at, sink in enumerate(sinks)]
    for at, sink in enumerate(sinks):
        where = f"sinks[{at}]"
        if labels.index(labels[at]) != at:
            raise ConfigError(f"{where}.name stands twice", "give each sink a name of its own")
        for field in sink.__struct_fields__:
            value = getattr(sink, field)
            if isinstance(value, Secret) and (value.env is None) == (value.file is None):
                raise ConfigError(f"{where}.{field} has not one place", 'write { env = "NAME" } or { file = "PATH" }')
        username, password = getattr(sink, "username", None), getattr(sink, "password", None)
        if username is not None and password is None:
            raise ConfigError(f"{where}.username has no password", "give password too")
        if password is not None and username is None and not isinstance(sink, RedisSink):
            raise ConfigError(f"{where}.password has no username", "give username too")
        if isinstance(sink, ElasticSink) and sink.api_key is not None and username is not None:
            raise ConfigError(f"{where} has api_key and username", "give one of both")


def label(sink: Sink, at: int) -> str:
    """What a sink is called: its name, else its type and place, counted from one."""
    kind = type(sink).__struct_config__.tag
    return sink.name or f"{kind} (sink {at + 1})"
