"""Windows events, fields in their order and spelling (Sysmon 1, 3, 5, 7, 8, 10-13, 22, 25; Security 5156, 5158)."""

import datetime as dt
from dataclasses import dataclass
from ipaddress import ip_address

from windows import File, Program

SYSMON = ("Microsoft-Windows-Sysmon", "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}", "Microsoft-Windows-Sysmon/Operational")
SECURITY = ("Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-a5ba-3e3b0328c30d}", "Security")
TITLE = {
    1: "Process Create",
    3: "Network connection detected",
    5: "Process terminated",
    7: "Image loaded",
    8: "CreateRemoteThread detected",
    10: "Process accessed",
    11: "File created",
    12: "Registry object added or deleted",
    13: "Registry value set",
    22: "Dns query",
    25: "Process Tampering",
    5156: "The Windows Filtering Platform has permitted a connection.",
    5158: "The Windows Filtering Platform has permitted a bind to a local port.",
}
VERSION = {1: 5, 3: 5, 5: 3, 7: 3, 8: 2, 10: 3, 11: 2, 12: 2, 13: 2, 22: 5, 25: 5, 5156: 1, 5158: 0}
TASK = {5156: 12810, 5158: 12810}


@dataclass(frozen=True)
class Event:
    """`ts` is true time. UtcTime and TimeCreated come of it through the host's clocks when the log is written."""

    eid: int
    ts: float
    fields: dict[str, str]
    delay: float = 0.05
    """From the event to its record in the log."""

    @property
    def provider(self) -> tuple[str, str, str]:
        return SECURITY if self.eid > 1000 else SYSMON


@dataclass(eq=False)
class Process:
    """A running program on one host; times are true ones."""

    program: Program
    host: str
    pid: int
    guid: str
    start: float
    parent: "Process | None" = None

    def who(self) -> dict[str, str]:
        return {"ProcessGuid": self.guid, "ProcessId": str(self.pid), "Image": self.program.image}


def guid(machine: str, start: float, sequence: int, boot: int = 6) -> str:
    """Sysmon's ProcessGuid: machine, start time in two halves, a sequence, the boot."""
    seconds = int(start)
    parts = (seconds & 0xFFFF, seconds >> 16, (sequence & 0xFF) << 8 | sequence >> 8)
    return f"{{{machine}-" + "-".join(f"{p:04x}" for p in parts) + f"-00000000{boot:02x}00}}"


def utc(ts: float, *, zone: bool = False, digits: int = 3) -> str:
    at = dt.datetime.fromtimestamp(ts, dt.UTC)
    text = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond:06d}"[:digits].ljust(digits, "0")
    return text.replace(" ", "T") + "Z" if zone else text


def created(p: Process) -> Event:
    program, parent = p.program, p.parent
    machine = p.guid[:9]
    return Event(
        1,
        p.start,
        {
            "RuleName": "-",
            "UtcTime": "",
            **p.who(),
            **program.file.resource(),
            "CommandLine": program.command_line,
            "CurrentDirectory": program.image.rpartition("\\")[0] + "\\",
            "User": program.user,
            "LogonGuid": f"{machine}-2773-64de-0b81-200000000000}}",
            "LogonId": "0x3e7" if program.integrity == "System" else "0x20810b",
            "TerminalSessionId": "0" if program.integrity == "System" else "1",
            "IntegrityLevel": program.integrity,
            "Hashes": program.file.hashes,
            "ParentProcessGuid": parent.guid if parent else "{00000000-0000-0000-0000-000000000000}",
            "ParentProcessId": str(parent.pid) if parent else "4",
            "ParentImage": parent.program.image if parent else "-",
            "ParentCommandLine": parent.program.command_line if parent else "-",
            "ParentUser": parent.program.user if parent else "-",
        },
    )


def ended(p: Process, ts: float) -> Event:
    return Event(5, ts, {"RuleName": "-", "UtcTime": "", **p.who(), "User": p.program.user})


def loaded(p: Process, module: File, ts: float) -> Event:
    signed = module.signer is not None
    return Event(
        7,
        ts,
        {
            "RuleName": "-",
            "UtcTime": "",
            **p.who(),
            "ImageLoaded": module.path,
            **module.resource(),
            "Hashes": module.hashes,
            "Signed": str(signed).lower(),
            "Signature": module.signer or "-",
            "SignatureStatus": "Valid" if signed else "Unavailable",
            "User": p.program.user,
        },
    )


def long_address(address: str) -> str:
    """Sysmon writes IPv6 with every group and without `::`."""
    at = ip_address(address)
    return address if at.version == 4 else ":".join(f"{int(g, 16):x}" for g in at.exploded.split(":"))


def connected(p: Process, src: tuple[str, int], dst: tuple[str, int], ts: float, *, protocol: str = "tcp") -> Event:
    v6 = str(":" in src[0]).lower()
    return Event(
        3,
        ts,
        {
            "RuleName": "-",
            "UtcTime": "",
            **p.who(),
            "User": p.program.user,
            "Protocol": protocol,
            "Initiated": "true",
            "SourceIsIpv6": v6,
            "SourceIp": long_address(src[0]),
            "SourceHostname": "-",
            "SourcePort": str(src[1]),
            "SourcePortName": "-",
            "DestinationIsIpv6": v6,
            "DestinationIp": long_address(dst[0]),
            "DestinationHostname": "-",
            "DestinationPort": str(dst[1]),
            "DestinationPortName": {443: "https", 53: "domain"}.get(dst[1], "-"),
        },
        delay=1.1,
    )


def permitted(p: Process, src: tuple[str, int], dst: tuple[str, int], ts: float) -> Event:
    return Event(
        5156,
        ts,
        {
            "ProcessID": str(p.pid),
            "Application": device_path(p.program.image),
            "Direction": "%%14593",
            "SourceAddress": src[0],
            "SourcePort": str(src[1]),
            "DestAddress": dst[0],
            "DestPort": str(dst[1]),
            "Protocol": "6",
            "FilterRTID": "68211",
            "LayerName": "%%14611",
            "LayerRTID": "48",
            "RemoteUserID": "S-1-0-0",
            "RemoteMachineID": "S-1-0-0",
        },
        delay=0.0,
    )


def bound(p: Process, port: int, ts: float) -> Event:
    return Event(
        5158,
        ts,
        {
            "ProcessId": str(p.pid),
            "Application": device_path(p.program.image),
            "SourceAddress": "0.0.0.0",
            "SourcePort": str(port),
            "Protocol": "6",
            "FilterRTID": "0",
            "LayerName": "%%14608",
            "LayerRTID": "36",
        },
        delay=0.0,
    )


def device_path(image: str) -> str:
    return "\\device\\harddiskvolume3" + image[2:].lower()


def remote_thread(actor: Process, victim: Process, ts: float) -> Event:
    return Event(
        8,
        ts,
        {
            "RuleName": "-",
            "UtcTime": "",
            "SourceProcessGuid": actor.guid,
            "SourceProcessId": str(actor.pid),
            "SourceImage": actor.program.image,
            "TargetProcessGuid": victim.guid,
            "TargetProcessId": str(victim.pid),
            "TargetImage": victim.program.image,
            "NewThreadId": "6184",
            "StartAddress": "0x000001B7C1A40000",
            "StartModule": "-",
            "StartFunction": "-",
            "SourceUser": actor.program.user,
            "TargetUser": victim.program.user,
        },
    )


def tampered(p: Process, ts: float) -> Event:
    return Event(
        25, ts, {"RuleName": "-", "UtcTime": "", **p.who(), "Type": "Image is replaced", "User": p.program.user}
    )


def resolved(p: Process, name: str, address: str, ts: float) -> Event:
    result = f"::ffff:{address};" if "." in address else f"{address};"
    fields = {"RuleName": "-", "UtcTime": "", "ProcessGuid": p.guid, "ProcessId": str(p.pid), "QueryName": name}
    return Event(
        22,
        ts,
        {**fields, "QueryStatus": "0", "QueryResults": result, "Image": p.program.image, "User": p.program.user},
        1.3,
    )
