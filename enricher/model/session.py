"""An Observation with what the endpoint knows of it."""

from typing import Literal

import msgspec

from enricher.model.observation import Observation

Disposition = Literal["matched", "ambiguous", "late", "no_network_event", "host_unseen"]
Method = Literal["tuple", "bind", "library_time"]
"""tuple: exact 5-tuple; bind: local port only (Security 5158); library_time: host and time of a library load (weak)."""
Confidence = Literal["none", "low", "medium", "high"]


class Clock(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far the endpoint's clock is from the sensor's: add `offset` seconds to endpoint time to get network time."""

    offset: float | None
    """Seconds; None: not known."""
    confidence: Confidence
    """How sure the offset is."""
    samples: int = 0
    """How many matches agree on it."""


class Library(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A TLS or crypto module in a process."""

    name: str
    path: str
    tier: str
    ts: float
    """Endpoint clock of module loads."""
    signed: bool | None = None
    signer: str | None = None
    source: str | None = None


class Tamper(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An injection into or change of a process, endpoint clock."""

    ts: float
    technique: str
    actor_guid: str | None = None
    actor_pid: int | None = None
    actor_image: str | None = None
    detail: str | None = None
    source: str | None = None


class Parent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The process that created another."""

    guid: str | None = None
    """Its ProcessGuid."""
    pid: int | None = None
    """Its process id."""
    image: str | None = None
    """Path of its program."""
    command_line: str | None = None
    """Its command line."""


class Process(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that was reported of one process. None means not reported."""

    guid: str | None
    pid: int | None
    image: str | None
    user: str | None = None
    command_line: str | None = None
    parent: Parent | None = None
    hashes: dict[str, str] | None = None
    original_file_name: str | None = None
    company: str | None = None
    integrity_level: str | None = None
    signed: bool | None = None
    signer: str | None = None
    signature_status: str | None = None
    start: float | None = None
    """Endpoint clock of process events: the creation record's, else ProcessGuid's third and second group."""
    end: float | None = None
    start_source: str | None = None
    """Record of the creation event; None when it was not reported."""
    libraries: tuple[Library, ...] = ()
    """Sorted by time, then path."""
    tampers: tuple[Tamper, ...] = ()


class Candidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A process that could have opened the session."""

    host: str
    guid: str | None
    pid: int | None
    image: str | None
    method: Method
    delta: float | None
    """Seconds from the endpoint record to the session after clock correction; None when no offset is known."""
    source: str | None = None
    process: Process | None = None
    """What was reported of it, where that was looked up."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which kinds of event a host reported at all. What it never reports cannot be called absent."""

    process_start: bool = False
    module_load: bool = False
    network_connect: bool = False
    process_tamper: bool = False


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One observed TLS session and its disposition in the ledger."""

    observation: Observation
    disposition: Disposition
    host: str | None = None
    """Canonical name of the client's host; None when no endpoint owns the address."""
    method: Method | None = None
    flipped: bool = False
    """The sensor took the server for the originator; the endpoint record says otherwise."""
    connect_source: str | None = None
    """The endpoint record that named the process."""
    connect_ts: float | None = None
    """Time of that record, endpoint clock of network events."""
    process: Process | None = None
    candidates: tuple[Candidate, ...] = ()
    """Sorted. More than one when ambiguous."""
    clock: Clock | None = None
    """Network-event clock of this host around this session."""
    module_clock: Clock | None = None
    """Module-event clock of this host."""
    coverage: Coverage = Coverage()
    note: str | None = None
    """Why the disposition is what it is, in words."""
