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
    """Which reason; all are in docs/anomalies.md."""
    leg: Leg
    """The leg that it speaks for."""
    weight: int
    """Points; negative speaks for innocence."""
    text: str
    """The reason in one sentence, with the names that it is about."""
    ts: float | None = None
    """Time of the source record by its own clock."""
    offset: float | None = None
    """Seconds to add to `ts` to get network time; None: not known."""
    source: str | None = None
    """The record that proves it, as `file:line` or `file:frame`."""


class Legs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of each of the analytic's three legs."""

    process: LegState
    """Whether the program is one that does not normally do TLS."""
    library: LegState
    """Whether it loaded a TLS or crypto library."""
    session: LegState
    """Whether handshake or certificate are abnormal."""


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
    """Sysmon's ProcessGuid, lower case, without braces."""
    pid: int | None
    """Process id."""
    image: str | None
    """Path of its program."""
    user: str | None
    """Account that it runs as."""
    command_line: str | None
    """What looks like a secret is replaced."""
    parent: Parent | None
    """Who created it."""
    signer: str | None
    """Whose signature the program has."""
    signature_status: str | None
    """What checking it gave, such as `Valid`."""
    original_file_name: str | None
    """Name in the file's version resource."""
    hashes: dict[str, str] | None
    """Lower-case algorithm name to lower-case hex."""
    start: float | None
    """When it was created, by its host's clock."""


class NoticeServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The far side of the sessions."""

    address: str
    """Where the sessions went."""
    port: int
    """The server's port."""
    name: str | None
    """SNI."""
    subject: str | None
    """Of its certificate, RFC 2253."""
    issuer: str | None
    """Of its certificate, RFC 2253."""
    cert_sha256: str | None
    """SHA-256 of its certificate, lower-case hex."""
    ja3s: str | None
    """Fingerprint of what it chose."""
    serial: str | None = None
    """The certificate's serial number, upper-case hex."""
    not_valid_before: float | None = None
    """First valid moment of its certificate."""
    not_valid_after: float | None = None
    """Last valid moment of its certificate."""


class NoticeSession(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One session of a notice: enough to find it in Zeek's logs and in the capture."""

    uid: str
    """The connection's id in Zeek's logs; the sensor makes one of the same form."""
    ts: float
    """When its handshake began."""
    orig_h: str = msgspec.field(name="id.orig_h")
    """Address of the side that opened the connection."""
    orig_p: int = msgspec.field(name="id.orig_p")
    """Its port."""
    resp_h: str = msgspec.field(name="id.resp_h")
    """Address of the other side."""
    resp_p: int = msgspec.field(name="id.resp_p")
    """Its port."""
    community_id: str | None
    """Community ID v1, seed 0."""
    anomalies: tuple[str, ...]
    """What is abnormal about it; ids."""
    ja3: str | None
    """MD5 of the client's offer."""
    ja4: str | None
    """Fingerprint of the client's offer, sorted."""
    method: str | None
    """How the process was found: `tuple`, `bind` or `library_time`."""
    source: str | None = None
    """The record the sensor saw it in."""
    disposition: Disposition | None = None
    """What became of it in the ledger."""
    version: str | None = None
    """TLS version, as Zeek writes it."""
    cipher: str | None = None
    """The chosen cipher suite, under IANA's name."""


class Attack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """MITRE ATT&CK references."""

    analytic: str = "AN1496"
    """Id of the analytic."""
    technique: tuple[str, ...] = ("T1573.002", "T1573")
    """Ids of the techniques."""


class Notice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A verdict worth telling: one process, one server, any number of sessions."""

    id: str
    """Stable: from what is told, not when."""
    revision: int
    """Rises when late evidence changes the verdict."""
    severity: Severity
    """By the score, held down by what is not there."""
    score: int
    """Sum of the weights, each leg to its cap; 0 to 100."""
    summary: str
    """One sentence: who did what, where, and why it matters."""
    first: float
    """Begin of the earliest session."""
    last: float
    """Begin of the latest session."""
    count: int
    """How many sessions; 0: withdrawn."""
    host: str | None
    """Canonical name of the client's host."""
    client: tuple[str, ...]
    """Addresses of the host in these sessions."""
    process: NoticeProcess | None
    """Who opened them; None: nobody could be named."""
    candidates: tuple[str, ...]
    """Images that could have opened the sessions, when more than one could."""
    server: NoticeServer
    """Where they went."""
    sessions: tuple[NoticeSession, ...]
    """At most a configured number; `count` counts all."""
    legs: Legs
    """The state of each leg."""
    evidence: tuple[Evidence, ...]
    """Every reason, for and against."""
    clock: Clock | None
    """How far the host's network events are from network time."""
    unseen: tuple[str, ...]
    """What could not be seen, and what that did to the severity; one sentence each."""
    attack: Attack = Attack()
    """What it means in ATT&CK."""


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One observed session's end: what became of it (sessions.jsonl)."""

    ts: float
    """When the handshake began."""
    uid: str
    """The connection's id in Zeek's logs; the sensor makes one of the same form."""
    orig_h: str = msgspec.field(name="id.orig_h")
    """Address of the side that opened the connection."""
    orig_p: int = msgspec.field(name="id.orig_p")
    """Its port."""
    resp_h: str = msgspec.field(name="id.resp_h")
    """Address of the other side."""
    resp_p: int = msgspec.field(name="id.resp_p")
    """Its port."""
    server_name: str | None
    """SNI: the name that the client asked for."""
    anomalies: tuple[str, ...]
    """What is abnormal about it; ids."""
    disposition: str
    """What became of it: see docs/output.md."""
    method: str | None
    """How the process was found: `tuple`, `bind` or `library_time`."""
    host: str | None
    """Canonical name of the client's host; None: no endpoint owns the address."""
    process_guid: str | None
    """ProcessGuid of the process that opened it."""
    pid: int | None
    """Its process id."""
    image: str | None
    """Path of its program."""
    candidates: tuple[str, ...]
    """Programs that could have opened it, when more than one could."""
    severity: Severity
    """What its verdict came to, also where nothing was told."""
    score: int
    """Sum of the weights of its evidence; 0 to 100."""
    legs: Legs
    """The state of each leg."""
    notice_id: str | None
    """The notice that tells it; None: none does."""
    clock_offset: float | None
    """Seconds to add to the host's network events to get network time."""
    clock_confidence: str | None
    """How sure that is."""
    note: str | None
    """Why the disposition is what it is, in words."""
    reports_network: bool = False
    """The host reported network events, so that its sessions count for the attribution rate."""
