"""One host's events as the products ship them: NXLog's flat JSON, Winlogbeat, Elastic Agent, Windows Event XML."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import ecs
from sysmon import SYSMON, TASK, TITLE, VERSION, Event, utc

Clock = Callable[[int, float], float]
"""(event id, true time) → the time the host believes."""


class Record:
    """One event as one host recorded it."""

    def __init__(self, event: Event, number: int, computer: str, clock: Clock, collector: str | None) -> None:
        self.event, self.number, self.computer, self.collector = event, number, computer, collector
        self.claimed = clock(event.eid, event.ts)
        self.written = clock(0, event.ts + event.delay)
        self.fields = {k: utc(self.claimed) if k == "UtcTime" else v for k, v in event.fields.items()}


def nxlog(r: Record) -> str:
    name, provider, channel = r.event.provider
    written = utc(r.written, zone=True)
    return _json(
        {
            "SourceName": name,
            "ProviderGuid": provider,
            "Level": "4" if name == SYSMON[0] else "0",
            "Keywords": "0x8000000000000000" if name == SYSMON[0] else "0x8020000000000000",
            "Channel": channel,
            "Hostname": r.computer,
            "TimeCreated": written,
            "@timestamp": written,
            "EventID": r.event.eid,
            "Message": message(r),
            "Task": str(TASK.get(r.event.eid, r.event.eid)),
            **r.fields,
        }
    )


def message(r: Record) -> str:
    lines = [f"{k}: {v}" for k, v in r.fields.items()]
    return "\r\n".join([TITLE[r.event.eid] + (":" if r.event.eid < 1000 else ""), *lines])


def winlogbeat(r: Record) -> str:
    """Winlogbeat without its Sysmon module: the event's own fields under winlog.event_data."""
    name, provider, channel = r.event.provider
    written = utc(r.written, zone=True)
    collector = r.collector or r.computer
    task = f"{TITLE[r.event.eid]} (rule: {TITLE[r.event.eid].replace(' ', '')})"
    return _json(
        {
            "@timestamp": written,
            "@metadata": {"beat": "winlogbeat", "type": "_doc", "version": "8.15.3"},
            "event": {
                "code": str(r.event.eid),
                "kind": "event",
                "provider": name,
                "action": task,
                "created": utc(r.written + 1.4, zone=True),
            },
            "log": {"level": "information"},
            "message": message(r).replace("\r\n", "\n"),
            "host": {"name": collector},
            "agent": {
                "type": "winlogbeat",
                "version": "8.15.3",
                "name": collector,
                "ephemeral_id": "5f0c1d6e-6f0e-4f52-9d2a-0d9b6f3a7c11",
            },
            "ecs": {"version": "8.0.0"},
            "winlog": {
                "channel": channel,
                "provider_name": name,
                "provider_guid": provider,
                "event_id": str(r.event.eid),
                "version": VERSION[r.event.eid],
                "record_id": r.number,
                "computer_name": r.computer,
                "task": task,
                "opcode": "Info",
                "api": "wineventlog",
                "process": {"pid": 3316, "thread": {"id": 4708}},
                "user": {"identifier": "S-1-5-18", "name": "SYSTEM", "domain": "NT AUTHORITY", "type": "User"},
                "event_data": {k: v for k, v in r.fields.items() if v != ""},
            },
        }
    )


def elastic_agent(r: Record) -> str:
    name, provider, channel = r.event.provider
    collector = r.collector or r.computer
    eid = r.event.eid
    base = {
        "@timestamp": utc(r.claimed, zone=True),
        "event": {
            "code": str(eid),
            "kind": "event",
            "provider": name,
            "module": "windows",
            "dataset": "windows.sysmon_operational",
            "created": utc(r.written, zone=True),
        },
        "host": {"name": collector.lower(), "hostname": r.computer.partition(".")[0], "os": {"family": "windows"}},
        "agent": {"type": "filebeat", "version": "8.15.3", "name": collector},
        "data_stream": {"dataset": "windows.sysmon_operational", "namespace": "default", "type": "logs"},
    }
    winlog = {
        "channel": channel,
        "provider_name": name,
        "provider_guid": provider,
        "event_id": str(eid),
        "record_id": str(r.number),
        "computer_name": r.computer,
        "opcode": "Info",
        "process": {"pid": 3316, "thread": {"id": 4708}},
        "user": {"identifier": "S-1-5-18"},
        "version": VERSION[eid],
    }
    return _json(ecs.document(eid, r.fields, base, winlog))


def xml(r: Record, *, pretty: bool) -> str:
    name, provider, channel = r.event.provider
    eid, level = r.event.eid, "4" if name == SYSMON[0] else "0"
    keywords = "0x8000000000000000" if name == SYSMON[0] else "0x8020000000000000"
    written = utc(r.written, zone=True, digits=6)[:-1] + "0Z"
    system = [
        f'<Provider Name="{name}" Guid="{provider}"/>',
        f"<EventID>{eid}</EventID>",
        f"<Version>{VERSION[eid]}</Version>",
        f"<Level>{level}</Level>",
        f"<Task>{TASK.get(eid, eid)}</Task>",
        "<Opcode>0</Opcode>",
        f"<Keywords>{keywords}</Keywords>",
        f'<TimeCreated SystemTime="{written}"/>',
        f"<EventRecordID>{r.number}</EventRecordID>",
        "<Correlation/>",
        '<Execution ProcessID="3316" ThreadID="4708"/>',
        f"<Channel>{channel}</Channel>",
        f"<Computer>{escape(r.computer)}</Computer>",
        '<Security UserID="S-1-5-18"/>' if name == SYSMON[0] else "<Security/>",
    ]
    data = [f"<Data Name={quoteattr(k)}>{escape(v)}</Data>" for k, v in r.fields.items()]
    head = '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">'
    if not pretty:
        return "".join((head, "<System>", *system, "</System>", "<EventData>", *data, "</EventData>", "</Event>"))
    inner = [
        "  <System>",
        *(f"    {s}" for s in system),
        "  </System>",
        "  <EventData>",
        *(f"    {d}" for d in data),
        "  </EventData>",
    ]
    return "\n".join([head, *inner, "</Event>"])


def write(path: Path, shape: str, records: Iterable[Record]) -> None:
    """Write in `shape`: nxlog, winlogbeat, elastic_agent, xml_lines, or xml (one pretty `<Events>` document)."""
    if shape == "xml":
        events = "\n".join(xml(r, pretty=True) for r in records)
        text = f'\ufeff<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<Events>\n{events}\n</Events>\n'
    else:
        line: Callable[[Record], str] = {
            "nxlog": nxlog,
            "winlogbeat": winlogbeat,
            "elastic_agent": elastic_agent,
            "xml_lines": lambda r: xml(r, pretty=False),
        }[shape]
        text = "".join(line(r) + "\n" for r in records)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0) if path.suffix == ".gz" else text.encode())


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
