"""What a Windows host says about itself, normalised from any product.

Every time is as the host claims it: seconds since 1970 UTC by a clock that may be wrong. `clock` names which
clock it was, because one host's event types can run on different ones.
"""

import msgspec


class _Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="kind"):
    host: str
    """The computer's name as the event gives it (FQDN or NetBIOS, not the collector's), lower case."""
    ts: float
    """When it happened, by the host's clock."""
    clock: str
    """The clock domain of `ts`: product and event id, such as `sysmon:3`."""
    logged: float | None = None
    """When the log says the record was written (`@timestamp`, `TimeCreated`); also only a claim."""
    source: str | None = None
    """`file:line` or `file:record` the event came from."""
    guid: str | None = None
    """Sysmon's ProcessGuid, lower case, without braces; None where the product has none or it is zero."""
    pid: int | None = None
    """Process id; used again within minutes."""
    image: str | None = None
    """Path of the process's program."""
    user: str | None = None
    """Account that the process runs as."""


class ProcessStart(_Event, frozen=True, kw_only=True, tag="process_start"):
    """A process was created (Sysmon 1, Security 4688)."""

    command_line: str | None = None
    """As reported; nothing is redacted yet."""
    parent_guid: str | None = None
    """ProcessGuid of the process that created it."""
    parent_pid: int | None = None
    """Its process id."""
    parent_image: str | None = None
    """Path of its program."""
    parent_command_line: str | None = None
    """Its command line."""
    hashes: dict[str, str] | None = None
    """Lower-case algorithm name (`md5`, `sha1`, `sha256`, `imphash`) to lower-case hex."""
    original_file_name: str | None = None
    """Name in the file's version resource: how it was built."""
    company: str | None = None
    """Company in the file's version resource; anybody may write it."""
    integrity_level: str | None = None
    """`Low`, `Medium`, `High` or `System`, as Windows says."""


class ProcessEnd(_Event, frozen=True, kw_only=True, tag="process_end"):
    """A process ended (Sysmon 5)."""


class ModuleLoad(_Event, frozen=True, kw_only=True, tag="module_load"):
    """A process loaded a TLS or crypto library, or its own image, which carries the signer (Sysmon 7)."""

    image_loaded: str
    """Path of the library or program that was loaded."""
    signed: bool | None = None
    """Whether the file has a signature."""
    signature: str | None = None
    """The signer's name."""
    signature_status: str | None = None
    """What checking the signature gave, such as `Valid`."""
    hashes: dict[str, str] | None = None
    """As for a process's creation."""
    original_file_name: str | None = None
    """Name in the file's version resource."""
    company: str | None = None
    """Company in the file's version resource."""


class NetworkConnect(_Event, frozen=True, kw_only=True, tag="network_connect"):
    """A process opened or accepted a connection (Sysmon 3, Security 5156), or bound a port (5158: no remote side).

    `local_*` is the side on this host, whatever the product calls it.
    """

    proto: str
    """`tcp` or `udp`."""
    local_ip: str | None = None
    """Canonical text (RFC 5952); None where the product says the unspecified address."""
    local_port: int
    """Port on this host."""
    remote_ip: str | None = None
    """Address of the other side."""
    remote_port: int | None = None
    """Port of the other side."""
    initiated: bool | None = None
    """True: this process opened the connection. False: it accepted it."""
    remote_name: str | None = None
    """Name of the other side, as the host resolved it."""


class ProcessTamper(_Event, frozen=True, kw_only=True, tag="process_tamper"):
    """Somebody changed a running process: `guid`, `pid`, `image` are the victim (Sysmon 8, 25)."""

    technique: str
    """`remote_thread` (Sysmon 8) or `image_tampering` (Sysmon 25)."""
    actor_guid: str | None = None
    """ProcessGuid of who did it, where the event says."""
    actor_pid: int | None = None
    """Its process id."""
    actor_image: str | None = None
    """Path of its program."""
    detail: str | None = None
    """Sysmon 8: the thread's start module and function, or address; Sysmon 25: the type of tampering."""


EndpointEvent = ProcessStart | ProcessEnd | ModuleLoad | NetworkConnect | ProcessTamper
