"""What we conclude about a session, and what we tell."""

from typing import Final, Literal

import msgspec

from enricher.model.session import Clock, Disposition, Parent

Leg = Literal["process", "library", "session"]
LegState = Literal["present", "absent", "unavailable"]
Severity = Literal["informational", "low", "medium", "high"]

SEVERITIES: Final[tuple[Severity, ...]] = ("informational", "low", "medium", "high")
"""Ascending."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reason: how much it weighs, on which leg, and the record that proves it."""

    id: str
    leg: Leg
    weight: int
    """Points; negative speaks for innocence."""
    text: str
    ts: float | None = None
    """Time of the source record by its own clock."""
    offset: float | None = None
    """Seconds to add to `ts` to get network time; None: not known."""
    source: str | None = None


class Legs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of each of the analytic's three legs."""

    process: LegState
    library: LegState
    session: LegState


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The weighed evidence on one session."""

    evidence: tuple[Evidence, ...]
    legs: Legs
    score: int
    severity: Severity
    unseen: tuple[str, ...] = ()
    """What could not be seen, and what that did to the severity; one sentence each."""


class NoticeProcess(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The process as a notice tells it."""

    guid: str | None
    pid: int | None
    image: str | None
    user: str | None
    command_line: str | None
    parent: Parent | None
    signer: str | None
    signature_status: str | None
    original_file_name: str | None
    hashes: dict[str, str] | None
    start: float | None


class NoticeServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The far side of the sessions."""

    address: str
    port: int
    name: str | None
    """SNI."""
    subject: str | None
    issuer: str | None
    cert_sha256: str | None
    ja3s: str | None
    serial: str | None = None
    """The certificate's serial number, upper-case hex."""
    not_valid_before: float | None = None
    not_valid_after: float | None = None


class NoticeSession(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One session of a notice: enough to find it in Zeek's logs and in the capture."""

    uid: str
    ts: float
    orig_h: str = msgspec.field(name="id.orig_h")
    orig_p: int = msgspec.field(name="id.orig_p")
    resp_h: str = msgspec.field(name="id.resp_h")
    resp_p: int = msgspec.field(name="id.resp_p")
    community_id: str | None
    anomalies: tuple[str, ...]
    ja3: str | None
    ja4: str | None
    method: str | None
    source: str | None = None
    """The record the sensor saw it in."""
    disposition: Disposition | None = None
    """What became of it in the ledger."""
    version: str | None = None
    """TLS version, as Zeek writes it."""
    cipher: str | None = None


class Attack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """MITRE ATT&CK references."""

    analytic: str = "AN1496"
    technique: tuple[str, ...] = ("T1573.002", "T1573")


class Notice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A verdict worth telling: one process, one server, any number of sessions."""

    id: str
    """Stable: from what is told, not when."""
    revision: int
    """Rises when late evidence changes the verdict."""
    severity: Severity
    score: int
    summary: str
    """One sentence: who did what, where, and why it matters."""
    first: float
    last: float
    count: int
    host: str | None
    client: tuple[str, ...]
    """Addresses of the host in these sessions."""
    process: NoticeProcess | None
    candidates: tuple[str, ...]
    """Images that could have opened the sessions, when more than one could."""
    server: NoticeServer
    sessions: tuple[NoticeSession, ...]
    """At most a configured number; `count` counts all."""
    legs: Legs
    evidence: tuple[Evidence, ...]
    clock: Clock | None
    unseen: tuple[str, ...]
    attack: Attack = Attack()


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One observed session's end: what became of it (sessions.jsonl)."""

    ts: float
    uid: str
    orig_h: str = msgspec.field(name="id.orig_h")
    orig_p: int = msgspec.field(name="id.orig_p")
    resp_h: str = msgspec.field(name="id.resp_h")
    resp_p: int = msgspec.field(name="id.resp_p")
    server_name: str | None
    anomalies: tuple[str, ...]
    disposition: str
    method: str | None
    host: str | None
    process_guid: str | None
    pid: int | None
    image: str | None
    candidates: tuple[str, ...]
    severity: Severity
    score: int
    legs: Legs
    notice_id: str | None
    clock_offset: float | None
    clock_confidence: str | None
    note: str | None
    reports_network: bool = False
    """The host reported network events, so that its sessions count for the attribution rate."""
