"""The same Windows event in every shape that we read, and a reader driven to the end."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest

import evtx_file
from enricher import formats

PROVIDERS = {
    "sysmon": ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"),
    "security": ("Microsoft-Windows-Security-Auditing", "Security"),
    "another": ("Another-Provider", "Another-Provider/Operational"),
}

GUID = "{ec2b781c-0568-64f8-9606-000000000500}"
PARENT = "{ec2b781c-47a5-64f7-7400-000000000500}"
SHA256 = "73D84D249F16B943D1D3F9DD9E516FADD323E70939C29B4A640693EB8818EE9A"

EVENTS: dict[tuple[str, int], dict[str, str]] = {
    ("sysmon", 1): {
        "RuleName": "-",
        "UtcTime": "2026-03-01 10:00:00.250",
        "ProcessGuid": GUID,
        "ProcessId": "6948",
        "Image": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "FileVersion": "?",
        "Company": "?",
        "OriginalFileName": "loader.exe",
        "CommandLine": '"C:\\Users\\ann\\AppData\\Local\\Temp\\updater.exe" --to "a&b" <x>',
        "User": r"CORP\ann",
        "IntegrityLevel": "Medium",
        "Hashes": f"MD5=AD8536C7440638D40156E883AC25086E,SHA256={SHA256},IMPHASH={'0' * 32}",
        "ParentProcessGuid": PARENT,
        "ParentProcessId": "3660",
        "ParentImage": r"C:\Windows\explorer.exe",
        "ParentCommandLine": r"C:\Windows\Explorer.EXE",
    },
    ("sysmon", 3): {
        "UtcTime": "2026-03-01 10:00:01.000",
        "ProcessGuid": GUID,
        "ProcessId": "6948",
        "Image": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "User": r"CORP\ann",
        "Protocol": "tcp",
        "Initiated": "true",
        "SourceIp": "192.0.2.7",
        "SourceHostname": "-",
        "SourcePort": "49678",
        "DestinationIp": "198.51.100.9",
        "DestinationHostname": "c2.example",
        "DestinationPort": "8443",
    },
    ("sysmon", 5): {
        "UtcTime": "2026-03-01 10:09:00.000",
        "ProcessGuid": GUID,
        "ProcessId": "6948",
        "Image": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "User": r"CORP\ann",
    },
    ("sysmon", 7): {
        "UtcTime": "2026-03-01 10:00:01.120",
        "ProcessGuid": GUID,
        "ProcessId": "6948",
        "Image": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "ImageLoaded": r"C:\Windows\System32\schannel.dll",
        "OriginalFileName": "schannel.dll",
        "Company": "Microsoft Corporation",
        "Hashes": f"SHA256={SHA256}",
        "Signed": "true",
        "Signature": "Microsoft Windows",
        "SignatureStatus": "Valid",
        "User": r"CORP\ann",
    },
    ("sysmon", 8): {
        "UtcTime": "2026-03-01 10:05:00.000",
        "SourceProcessGuid": GUID,
        "SourceProcessId": "6948",
        "SourceImage": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "TargetProcessGuid": PARENT,
        "TargetProcessId": "3660",
        "TargetImage": r"C:\Windows\explorer.exe",
        "NewThreadId": "5264",
        "StartAddress": "0x0000029AF0630000",
        "StartModule": "-",
        "StartFunction": "-",
        "TargetUser": r"CORP\ann",
    },
    ("sysmon", 25): {
        "UtcTime": "2026-03-01 10:06:00.000",
        "ProcessGuid": GUID,
        "ProcessId": "6948",
        "Image": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "Type": "Image is replaced",
        "User": r"CORP\ann",
    },
    ("security", 4688): {
        "SubjectUserName": "WS7$",
        "SubjectDomainName": "CORP",
        "NewProcessId": "0x1b24",
        "NewProcessName": r"C:\Users\ann\AppData\Local\Temp\updater.exe",
        "ProcessId": "0xe4c",
        "CommandLine": "updater.exe --quiet",
        "TargetUserName": "ann",
        "TargetDomainName": "CORP",
        "ParentProcessName": r"C:\Windows\explorer.exe",
        "MandatoryLabel": "S-1-16-8192",
    },
    ("security", 5156): {
        "ProcessID": "6948",
        "Application": r"\device\harddiskvolume2\users\ann\appdata\local\temp\updater.exe",
        "Direction": "%%14593",
        "SourceAddress": "192.0.2.7",
        "SourcePort": "49678",
        "DestAddress": "198.51.100.9",
        "DestPort": "8443",
        "Protocol": "6",
    },
    ("security", 5158): {
        "ProcessId": "6948",
        "Application": r"\device\harddiskvolume2\users\ann\appdata\local\temp\updater.exe",
        "SourceAddress": "0.0.0.0",
        "SourcePort": "49678",
        "Protocol": "6",
    },
}
"""One event of each kind, as Windows names and writes its values."""

COMPUTER = "WS7.corp.example"
LOGGED = "2026-03-01T10:00:02.500Z"

Shape = Callable[[str, int, dict[str, str]], bytes]


def flat_json(product: str, event_id: int, data: dict[str, str]) -> bytes:
    provider, channel = PROVIDERS[product]
    header = {
        "SourceName": provider,
        "Channel": channel,
        "Hostname": COMPUTER,
        "TimeCreated": LOGGED,
        "EventReceivedTime": "2026-03-01T11:00:00Z",
        "EventID": event_id,
        "Message": "\r\n".join(f"{k}: {v}" for k, v in data.items()),
    }
    return json.dumps(header | data, separators=(",", ":")).encode() + b"\n"


def spaced_json(product: str, event_id: int, data: dict[str, str]) -> bytes:
    """Flat JSON with blanks, keys in another order, the event id as text."""
    flat = json.loads(flat_json(product, event_id, data))
    flat["EventID"] = str(event_id)
    return json.dumps(dict(reversed(flat.items()))).encode() + b"\r\n"


def tree(product: str, event_id: int, data: dict[str, str]) -> dict[str, Any]:
    provider, channel = PROVIDERS[product]
    system = {
        "Provider": {"#attributes": {"Name": provider}},
        "EventID": event_id,
        "TimeCreated": {"#attributes": {"SystemTime": LOGGED}},
        "Channel": channel,
        "Computer": COMPUTER,
    }
    typed = {
        k: int(v) if k.endswith("Id") and v.isdigit() else v.strip("{}").upper() if "Guid" in k else v
        for k, v in data.items()
    }
    return {"Event": {"#attributes": {}, "System": system, "EventData": typed}}


def event_json(product: str, event_id: int, data: dict[str, str]) -> bytes:
    return json.dumps(tree(product, event_id, data)).encode() + b"\n"


def event_xml(product: str, event_id: int, data: dict[str, str], between: str = "") -> bytes:
    provider, channel = PROVIDERS[product]
    values = between.join(f"<Data Name={quoteattr(k)}>{escape(v)}</Data>" for k, v in data.items())
    return (
        f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>{between}<System>{between}"
        f"<Provider Name='{provider}' Guid='{{0}}'/><EventID>{event_id}</EventID>{between}"
        f"<TimeCreated SystemTime='{LOGGED}'/><Channel>{channel}</Channel><Computer>{COMPUTER}</Computer>{between}"
        f"</System>{between}<EventData>{between}{values}{between}</EventData></Event>\n"
    ).encode()


def pretty_xml(product: str, event_id: int, data: dict[str, str]) -> bytes:
    return event_xml(product, event_id, data, between="\n   ")


def ecs(product: str, event_id: int, data: dict[str, str]) -> bytes:
    provider, channel = PROVIDERS[product]
    document = {
        "@timestamp": LOGGED,
        "agent": {"hostname": "collector"},
        "host": {"name": "collector"},
        "event": {"code": str(event_id), "provider": provider},
        "winlog": {
            "provider_name": provider,
            "channel": channel,
            "computer_name": COMPUTER,
            "event_id": str(event_id),
            "event_data": data,
        },
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def dotted_ecs(product: str, event_id: int, data: dict[str, str]) -> bytes:
    document = json.loads(ecs(product, event_id, data))
    flat = {f"winlog.{k}": v for k, v in document["winlog"].items() if k != "event_data"}
    flat |= {f"winlog.event_data.{k}": v for k, v in data.items()}
    return (
        json.dumps({"_index": "logs", "_source": {"@timestamp": LOGGED, "host.name": "collector"} | flat}).encode()
        + b"\n"
    )


def evtx_event(product: str, event_id: int, data: dict[str, str]) -> evtx_file.Event:
    typed = evtx_file.security_value if product == "security" else evtx_file.sysmon_value
    logged = datetime.fromisoformat(LOGGED).timestamp()
    values = {name: typed(name, text) for name, text in data.items()}
    return evtx_file.Event(*PROVIDERS[product], COMPUTER, event_id, logged, values)


def evtx(product: str, event_id: int, data: dict[str, str]) -> bytes:
    return evtx_file.evtx_file([evtx_event(product, event_id, data)])


SHAPES: dict[str, tuple[str, Shape]] = {
    "flat": ("flat_json", flat_json),
    "flat, spaced": ("flat_json", spaced_json),
    "event tree": ("event_json", event_json),
    "xml": ("event_xml", event_xml),
    "xml, pretty": ("event_xml", pretty_xml),
    "ecs": ("ecs", ecs),
    "ecs, dotted": ("ecs", dotted_ecs),
    "evtx": ("evtx", evtx),
}


class Result:
    """What a reader gave."""

    def __init__(self, format_id: str, data: bytes, chunk: int) -> None:
        reader = formats.reader(format_id, "log")
        self.out = []
        for at in range(0, len(data), chunk):
            self.out += reader.feed(data[at : at + chunk])
        self.out += reader.close()
        self.problems = [str(p) for p in reader.problems]
        self.skipped = dict(reader.skipped)
        self.records = reader.records

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other)


def _read(format_id: str, data: bytes, chunk: int = 1 << 20) -> Result:
    return Result(format_id, data, chunk)


@pytest.fixture(scope="session")
def read() -> Callable[..., Result]:
    """Read all of an input with one format, in chunks."""
    return _read


@pytest.fixture(scope="session")
def events() -> dict[tuple[str, int], dict[str, str]]:
    return EVENTS


@pytest.fixture(scope="session")
def shapes() -> dict[str, tuple[str, Shape]]:
    return SHAPES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `kind` runs for each event; one that asks for `shape_name` runs for each shape."""
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", EVENTS, ids=lambda k: f"{k[0]}-{k[1]}")
    if "shape_name" in metafunc.fixturenames:
        metafunc.parametrize("shape_name", SHAPES)


@pytest.fixture(scope="session")
def evtx_log() -> bytes:
    """Three chunks of an event log: every kind of event, and what is passed over, by Sysmon old and new."""
    own = {"Image": r"C:\tmp\Odd.scr", "ImageLoaded": r"C:\tmp\odd.scr"}
    idle = {"ImageLoaded": r"C:\Windows\System32\user32.dll"}
    loads = {k: v for k, v in EVENTS["sysmon", 7].items() if k != "User"}
    found = []
    for n in range(6):
        found += [evtx_event(product, event_id, values) for (product, event_id), values in EVENTS.items()]
        found += [evtx_event("sysmon", event_id, {"UtcTime": "-", "CallTrace": "x" * n}) for event_id in (10, 12, 22)]
        for rule in ({}, {"RuleName": "technique_id=T1055"}):  # the name of a rule stands first since Sysmon 8
            found += [evtx_event("sysmon", 7, rule | loads | change) for change in (idle, {}, own, idle)]
        found.append(evtx_event("another", 1, EVENTS["sysmon", 1]))
    return evtx_file.evtx_file(found, per_chunk=len(found) // 3)
