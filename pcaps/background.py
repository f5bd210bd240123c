"""What else a Windows host logs all day: process access, files, registry, modules, name queries of other programs."""

from typing import TYPE_CHECKING, Any

import sysmon
from sysmon import Event, Process
from windows import MODULES, Program, explorer, svchost, vendor_file, windows_file

if TYPE_CHECKING:
    from case import Case, Host

_LIBRARIES = (
    "user32.dll",
    "combase.dll",
    "ws2_32.dll",
    "winhttp.dll",
    "wininet.dll",
    "bcryptprimitives.dll",
    "crypt32.dll",
    "bcrypt.dll",
)

_CALL_TRACE = (
    "C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4",
    "C:\\Windows\\System32\\KERNELBASE.dll+2c13e",
    "C:\\Windows\\System32\\kernel32.dll+17034",
)


def _programs() -> list[Program]:
    quiet: dict[str, Any] = {"created": False, "modules": {}}
    defender = "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.25090.3009-0\\MsMpEng.exe"
    return [
        svchost("Dnscache", "NetworkService", age=40_000.0, **quiet),
        svchost("Schedule", age=40_000.0, **quiet),
        Program(windows_file("ctfmon.exe", "CTF Loader"), "ctfmon.exe", age=30_000.0, parent=explorer(), **quiet),
        Program(
            vendor_file(
                defender,
                "Microsoft Corporation",
                "Microsoft® Windows® Operating System",
                "4.18.25090.3009",
                "Microsoft Windows Publisher",
            ),
            "",
            user="NT AUTHORITY\\SYSTEM",
            age=40_000.0,
            **quiet,
        ),
    ]


def noise(case: "Case", host: "Host", begin: float, end: float) -> list[Event]:
    """`host.noise` events between the two times; a name server is asked at least once by who reports connections."""
    processes = [case.process(host, p) for p in _programs()]
    times = [case.random.uniform(begin, end) for _ in range(host.noise)]
    lookup = [] if host.network in ("wfp", "none") else [_lookup(case, host, processes[0], begin + 1)]
    return lookup + [_one(case, host, processes, ts) for ts in times]


def _one(case: "Case", host: "Host", processes: list[Process], ts: float) -> Event:
    chance = case.random
    p = chance.choice(processes)
    kind = chance.choices((10, 12, 13, 11, 7, 3, 22), (40, 22, 12, 8, 14, 2, 2))[0]
    who = p.who()
    if kind == 10:
        return _access(chance.choice(processes), p, ts)
    if kind == 7:
        return sysmon.loaded(p, MODULES[chance.choice(_LIBRARIES)], ts)
    if kind == 3 and host.network not in ("wfp", "none"):
        return _lookup(case, host, processes[0], ts)
    if kind == 22:
        return sysmon.resolved(processes[0], "wpad.corp.example", "10.20.0.2", ts)
    if kind == 11:
        target = f"C:\\Windows\\Prefetch\\APP{chance.randint(100, 999)}.pf"
        return Event(
            11,
            ts,
            {
                "RuleName": "-",
                "UtcTime": "",
                **who,
                "TargetFilename": target,
                "CreationUtcTime": sysmon.utc(ts),
                "User": p.program.user,
            },
        )
    key = f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\bam\\State\\{chance.randint(1000, 9999)}"
    head = {"RuleName": "-", "EventType": "SetValue" if kind == 13 else "CreateKey", "UtcTime": ""}
    details = {"Details": "Binary Data"} if kind == 13 else {}
    return Event(13 if kind == 13 else 12, ts, {**head, **who, "TargetObject": key, **details, "User": p.program.user})


def _lookup(case: "Case", host: "Host", p: Process, ts: float) -> Event:
    source = (host.address, case.random.randint(49152, 65000))
    return sysmon.connected(p, source, ("10.20.0.2", 53), ts, protocol="udp")


def _access(actor: Process, target: Process, ts: float) -> Event:
    return Event(
        10,
        ts,
        {
            "RuleName": "-",
            "UtcTime": "",
            "SourceProcessGUID": actor.guid,
            "SourceProcessId": str(actor.pid),
            "SourceThreadId": "1432",
            "SourceImage": actor.program.image,
            "TargetProcessGUID": target.guid,
            "TargetProcessId": str(target.pid),
            "TargetImage": target.program.image,
            "GrantedAccess": "0x1400",
            "CallTrace": "|".join(_CALL_TRACE),
            "SourceUser": actor.program.user,
            "TargetUser": target.program.user,
        },
    )
