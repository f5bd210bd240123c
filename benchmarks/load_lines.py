"""Lines of a simulated site as shippers and Zeek send them: Sysmon events as Winlogbeat (ECS) or NXLog (flat JSON)
write them, with the rendered message, and rows of an1496.log as Zeek's JSON writer does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

Fields = dict[str, str]
"""EventData, in Sysmon's order."""

TITLES = {
    1: "Process Create",
    3: "Network connection detected",
    5: "Process terminated",
    7: "Image loaded",
    10: "Process accessed",
}
_PROVIDER, _CHANNEL = "Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"


def utc(ts: float) -> str:
    """As Sysmon's UtcTime."""
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def ecs(event: int, host: str, ts: float, fields: Fields) -> bytes:
    """What Winlogbeat puts on a Redis list or stream."""
    at = utc(ts).replace(" ", "T") + "Z"
    title = TITLES[event]
    task = f"{title} (rule: {title.title().replace(' ', '')})"
    document = {
        "@timestamp": at,
        "@metadata": {"beat": "winlogbeat", "type": "_doc", "version": "8.15.3"},
        "event": {"code": str(event), "kind": "event", "provider": _PROVIDER, "action": task, "created": at},
        "log": {"level": "information"},
        "message": f"{title}:\n" + "\n".join(f"{name}: {value}" for name, value in fields.items()),
        "host": {"name": host},
        "agent": {"type": "winlogbeat", "version": "8.15.3", "name": host, "ephemeral_id": "5f0c1d6e-6f0e-4f52-9d2a-0d9b6f3a7c11"},
        "ecs": {"version": "8.0.0"},
        "winlog": {
            "channel": _CHANNEL,
            "provider_name": _PROVIDER,
            "provider_guid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
            "event_id": str(event),
            "version": 5,
            "record_id": 40000,
            "computer_name": host,
            "task": task,
            "opcode": "Info",
            "api": "wineventlog",
            "process": {"pid": 3316, "thread": {"id": 4708}},
            "user": {"identifier": "S-1-5-18", "name": "SYSTEM", "domain": "NT AUTHORITY", "type": "User"},
            "event_data": fields,
        },
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode()


def flat(event: int, host: str, ts: float, fields: Fields) -> bytes:
    """What NXLog ships."""
    at = utc(ts).replace(" ", "T") + "Z"
    line = {
        "SourceName": _PROVIDER,
        "ProviderGuid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
        "Level": "4",
        "Keywords": "0x8000000000000000",
        "Channel": _CHANNEL,
        "Hostname": host,
        "TimeCreated": at,
        "@timestamp": at,
        "EventID": event,
        "Message": f"{TITLES[event]}:\r\n" + "\r\n".join(f"{name}: {value}" for name, value in fields.items()),
        "Task": str(event),
        **fields,
    }
    return json.dumps(line, separators=(",", ":")).encode()


FORMS: dict[str, Callable[[int, str, float, Fields], bytes]] = {"ecs": ecs, "flat": flat}


def zeek(ts: float, uid: str, connection: tuple[str, int, str, int], community_id: str, facts: bytes) -> bytes:
    """A row of an1496.log; `facts`: what depends on programs and servers only, as the inside of a JSON object."""
    head = {
        "ts": round(ts, 6), "uid": uid, "id.orig_h": connection[0], "id.orig_p": connection[1], "id.resp_h": connection[2],
        "id.resp_p": connection[3], "proto": "tcp", "community_id": community_id,
    }  # fmt: skip
    return json.dumps(head, separators=(",", ":")).encode()[:-1] + b"," + facts + b"}"


def unwanted(form: str) -> bytes:
    """An event that the service has no use for: two thirds of what an unfiltered Sysmon writes."""
    image = r"C:\Windows\System32\svchost.exe"
    fields = {
        "RuleName": "-", "UtcTime": utc(1.79e9), "SourceProcessGUID": "{a966a6f0-ae87-6b04-320e-000000000600}", "SourceProcessId": "6696",
        "SourceThreadId": "1432", "SourceImage": image, "TargetProcessGUID": "{f54faa25-ae87-6b04-ae03-000000000600}", "TargetProcessId": "14488",
        "TargetImage": image, "GrantedAccess": "0x1400", "CallTrace": r"C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e" * 4,
        "SourceUser": r"NT AUTHORITY\SYSTEM", "TargetUser": r"NT AUTHORITY\SYSTEM",
    }  # fmt: skip
    return FORMS[form](10, "ws000001.corp.example", 1.79e9, fields)
