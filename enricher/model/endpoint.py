"""What a Windows host says about itself, normalised from any product.

Every time is as the host claims it: seconds since 1970 UTC by a clock that may be wrong. `clock` names which
clock it was, because one host's event types can run on different ones.
"""

import msgspec


class _Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="kind"):
    host: str
    """The computer's name as the event gives it (FQDN or NetBIOS, not the collector's), lower case."""
    ts: float
    clock: str
    """The clock domain of `ts`: product and event id, such as `sysmon:3`."""
    logged: float | None = None
    """When the log says the record was written (`@timestamp`, `TimeCreated`); also only a claim."""
    source: str | None = None
    """`file:line` or `file:record` the event came from."""
    guid: str | None = None
    """Sysmon's ProcessGuid, lower case, without braces; None where the product has none or it is zero."""
    pid: int | None = None
    image: str | None = None
    user: str | None = None


class ProcessStart(_Event, frozen=True, kw_only=True, tag="process_start"):
    """A process was created (Sysmon 1, Security 4688)."""

    command_line: str | None = None
    parent_guid: str | None = None
    parent_pid: int | None = None
    parent_image: str | None = None
    parent_command_line: str | None = None
    hashes: dict[str, str] | None = None
    """Lower-case algorithm name (`md5`, `sha1`, `sha256`, `imphash`) to lower-case hex."""
    original_file_name: str | None = None
    company: str | None = None
    integrity_level: str | None = None


class ProcessEnd(_Event, frozen=True, kw_only=True, tag="process_end"):
    """A process ended (Sysmon 5)."""


class ModuleLoad(_Event, frozen=True, kw_only=True, tag="module_load"):
    """A process loaded a TLS or crypto library, or its own image, which carries the signer (Sysmon 7)."""

    image_loaded: str
    signed: bool | None = None
    signature: str | None = None
    """The signer's name."""
    signature_status: str | None = None
    hashes: dict[str, str] | None = None
    original_file_name: str | None = None
    company: str | None = None


class NetworkConnect(_Event, frozen=True, kw_only=True, tag="network_connect"):
    """A process opened or accepted a connection (Sysmon 3, Security 5156), or bound a port (5158: no remote side).

    `local_*` is the side on this host, whatever the product calls it.
    """

    proto: str
    local_ip: str | None = None
    """Canonical text (RFC 5952); None where the product says the unspecified address."""
    local_port: int
    remote_ip: str | None = None
    remote_port: int | None = None
    initiated: bool | None = None
    """True: this process opened the connection. False: it accepted it."""
    remote_name: str | None = None


class ProcessTamper(_Event, frozen=True, kw_only=True, tag="process_tamper"):
    """Somebody changed a running process: `guid`, `pid`, `image` are the victim (Sysmon 8, 25)."""

    technique: str
    """`remote_thread` (Sysmon 8) or `image_tampering` (Sysmon 25)."""
    actor_guid: str | None = None
    actor_pid: int | None = None
    actor_image: str | None = None
    detail: str | None = None
    """Sysmon 8: the thread's start module and function, or address; Sysmon 25: the type of tampering."""


EndpointEvent = ProcessStart | ProcessEnd | ModuleLoad | NetworkConnect | ProcessTamper
