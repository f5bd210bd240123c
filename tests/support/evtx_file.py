"""Windows event logs (EVTX), written as Windows' event log service writes them; Python has only readers.

Layout: libyal's "Windows XML Event Log (EVTX) format". A chunk holds each name and each template once, where
it is first used, and refers to it by its place; records of one kind differ in their values alone.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

CHUNK = 1 << 16
HEADER = 4096
_CHUNK_HEADER = 512
_STRINGS_AT, _STRING_BUCKETS = 128, 64
_TEMPLATES_AT, _TEMPLATE_BUCKETS = 384, 32
_FRAGMENT = b"\x0f\x01\x01\x00"
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_FROM_1601_TO_1970 = 11_644_473_600_000_000
"""Microseconds."""

NOTHING, STRING, ANSI, UINT8, UINT16, UINT32, UINT64, BOOLEAN, GUID, FILETIME, HEX64, XML = (
    0x00, 0x01, 0x02, 0x04, 0x06, 0x08, 0x0A, 0x0D, 0x0F, 0x11, 0x15, 0x21,
)  # fmt: skip
_SYSTEM = frozenset(
    ("SourceName", "ProviderGuid", "Level", "Keywords", "Channel", "Hostname", "TimeCreated", "@timestamp", "EventID",
     "Message", "Task")
)  # fmt: skip
"""What NXLog takes from System; the rest is EventData."""


class Value(NamedTuple):
    """A value beside its type."""

    type: int
    data: bytes


class Event(NamedTuple):
    """One event; `logged` in seconds since 1970."""

    provider: str
    channel: str
    computer: str
    event_id: int
    logged: float
    data: dict[str, Value]


def string(text: str) -> Value:
    """A text."""
    return Value(STRING, text.encode("utf-16-le"))


def number(type_: int, value: int) -> Value:
    """A number, of the size that its type has."""
    size = {UINT8: 1, UINT16: 2, UINT32: 4, BOOLEAN: 4}.get(type_, 8)
    return Value(type_, value.to_bytes(size, "little"))


def sysmon_value(name: str, text: str) -> Value:
    """A value in the type that Sysmon's manifest gives to its name."""
    if name.endswith("ProcessGuid"):
        return Value(GUID, UUID(text).bytes_le)
    if name.endswith("ProcessId") or name == "NewThreadId":
        return number(UINT32, int(text))
    if name.endswith("Port"):
        return number(UINT16, int(text))
    return number(BOOLEAN, text == "true") if name == "Initiated" else string(text)


def security_value(name: str, text: str) -> Value:
    """A value in the type that the manifest of Security events gives it."""
    if name in ("ProcessId", "NewProcessId", "ProcessID"):
        return number(HEX64, int(text, 16)) if text.startswith("0x") else number(UINT64, int(text))
    return string(text)


def of_flat_json(log: bytes) -> bytes:
    """The Sysmon log that a log in NXLog's JSON was shipped from."""
    events = []
    for line in log.splitlines():
        row = json.loads(line)
        data = {name: sysmon_value(name, text) for name, text in row.items() if name not in _SYSTEM}
        logged = datetime.fromisoformat(row["TimeCreated"]).timestamp()
        events.append(Event(row["SourceName"], row["Channel"], row["Hostname"], row["EventID"], logged, data))
    return evtx_file(events)


def evtx_file(events: Sequence[Event], per_chunk: int = 40) -> bytes:
    """A log whose chunks hold `per_chunk` events each; record ids count from 1."""
    starts = range(0, len(events), per_chunk)
    chunks = b"".join(_chunk(events[at : at + per_chunk], at + 1) for at in starts)
    head = struct.pack(
        "<8sQQQIHHHH", b"ElfFile\0", 0, max(len(starts) - 1, 0), len(events) + 1, 128, 1, 3, HEADER, len(starts)
    ).ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(HEADER, b"\0") + chunks


def _chunk(events: Iterable[Event], first_id: int) -> bytes:
    chunk = _Chunk()
    last, record_id = _CHUNK_HEADER, first_id
    for record_id, event in enumerate(events, first_id):
        last = len(chunk.data)
        chunk.record(event, record_id)
    data, free = chunk.data, len(chunk.data)
    assert free <= CHUNK, "too many events for one chunk"
    ids = (first_id, record_id)
    struct.pack_into("<8sQQQQIII", data, 0, b"ElfChnk\0", *ids, *ids, 128, last, free)
    struct.pack_into("<I", data, 52, zlib.crc32(data[_CHUNK_HEADER:]))
    struct.pack_into("<I", data, 124, zlib.crc32(data[:120] + data[128:_CHUNK_HEADER]))
    return bytes(data).ljust(CHUNK, b"\0")


class _Chunk:
    def __init__(self) -> None:
        self.data = bytearray(_CHUNK_HEADER)
        self._names: dict[str, int] = {}
        self._templates: dict[object, int] = {}

    def record(self, event: Event, record_id: int) -> None:
        start, time = len(self.data), (round(event.logged * 1_000_000) + _FROM_1601_TO_1970) * 10
        self._put("<4sIQQ", b"**\0\0", 0, record_id, time)
        self._instance("event", self._event)
        values = [
            number(UINT8, 4), number(UINT8, 0), number(UINT16, event.event_id), number(UINT16, event.event_id),
            Value(NOTHING, b""), number(HEX64, 1 << 63), number(FILETIME, time), Value(NOTHING, b""),
            number(UINT32, 3316), number(UINT32, 4708), number(UINT64, record_id), number(UINT8, 5),
            string(event.provider), string(event.channel), string(event.computer),
        ]  # fmt: skip
        descriptors = self._values([*values, Value(XML, b"")])
        fragment = len(self.data)
        self._instance((event.event_id, *event.data), lambda: self._event_data(event.data))
        self._values(list(event.data.values()))
        struct.pack_into("<H", self.data, descriptors + 4 * len(values), len(self.data) - fragment)
        size = len(self.data) + 4 - start
        self._put("<I", size)
        struct.pack_into("<I", self.data, start + 4, size)

    def _put(self, layout: str, *values: object) -> None:
        self.data += struct.pack(layout, *values)

    def _values(self, values: Sequence[Value]) -> int:
        """Write values; give where their descriptors start."""
        self._put("<I", len(values))
        at = len(self.data)
        for value in values:
            self._put("<HBx", len(value.data), value.type)
        for value in values:
            self.data += value.data
        return at

    def _sized(self, write: Callable[[], None]) -> None:
        """Write how many bytes follow, and these."""
        self._put("<I", 0)
        start = len(self.data)
        write()
        struct.pack_into("<I", self.data, start - 4, len(self.data) - start)

    def _chained(self, table: int, bucket: int) -> None:
        """Write the link that makes what stands here the head of its bucket's chain."""
        head = table + 4 * bucket
        self.data += self.data[head : head + 4]
        struct.pack_into("<I", self.data, head, len(self.data) - 4)

    def _instance(self, key: object, body: Callable[[], None]) -> None:
        """Write a fragment that is an instance of a template, whose definition stands here if this is its first use."""
        id_ = zlib.crc32(repr(key).encode())
        known = self._templates.get(key)
        at = len(self.data) + len(_FRAGMENT) + 10
        self._put("<4sBBII", _FRAGMENT, 0x0C, 1, id_, at if known is None else known)
        if known is None:
            self._templates[key] = at
            self._chained(_TEMPLATES_AT, id_ % _TEMPLATE_BUCKETS)
            self._put("<I12x", id_)
            self._sized(lambda: self._definition(body))

    def _definition(self, body: Callable[[], None]) -> None:
        self._put("<4s", _FRAGMENT)
        body()
        self._put("<B", 0)

    def _name(self, name: str) -> None:
        known = self._names.get(name)
        at = len(self.data) + 4
        self._put("<I", at if known is None else known)
        if known is None:
            self._names[name] = at
            hashed = 0
            for character in name:
                hashed = (hashed * 65599 + ord(character)) & 0xFFFFFFFF
            self._chained(_STRINGS_AT, (hashed & 0xFFFF) % _STRING_BUCKETS)
            self._put("<HH", hashed & 0xFFFF, len(name))
            self.data += f"{name}\0".encode("utf-16-le")

    def _literal(self, text: str) -> None:
        self._put("<BBH", 0x05, STRING, len(text))
        self.data += text.encode("utf-16-le")

    def _substitute(self, index: int, type_: int) -> None:
        self._put("<BHB", 0x0E, index, type_)

    def _element(self, name: str, content: Callable[[], None] | None = None, **attributes: Callable[[], None]) -> None:
        def write() -> None:
            self._name(name)
            if attributes:
                self._sized(write_attributes)
            self._put("<B", 0x03 if content is None else 0x02)
            if content is not None:
                content()
                self._put("<B", 0x04)

        def write_attributes() -> None:
            for left, (attribute, value) in zip(range(len(attributes) - 1, -1, -1), attributes.items(), strict=True):
                self._put("<B", 0x46 if left else 0x06)
                self._name(attribute)
                value()

        self._put("<BH", 0x41 if attributes else 0x01, 0xFFFF)
        self._sized(write)

    def _event(self) -> None:
        """The template of all events: its values 0 to 14 are those of System, 15 is EventData."""

        def value(index: int, type_: int) -> Callable[[], None]:
            return lambda: self._substitute(index, type_)

        def system() -> None:
            self._element("Provider", Name=value(12, STRING))
            self._element("EventID", value(3, UINT16), Qualifiers=value(4, UINT16))
            self._element("Version", value(11, UINT8))
            self._element("Level", value(0, UINT8))
            self._element("Task", value(2, UINT16))
            self._element("Opcode", value(1, UINT8))
            self._element("Keywords", value(5, HEX64))
            self._element("TimeCreated", SystemTime=value(6, FILETIME))
            self._element("EventRecordID", value(10, UINT64))
            self._element("Correlation", ActivityID=value(7, GUID))
            self._element("Execution", ProcessID=value(8, UINT32), ThreadID=value(9, UINT32))
            self._element("Channel", value(13, STRING))
            self._element("Computer", value(14, STRING))

        def event() -> None:
            self._element("System", system)
            self._substitute(15, XML)

        self._element("Event", event, xmlns=lambda: self._literal(_NAMESPACE))

    def _event_data(self, data: dict[str, Value]) -> None:
        def values() -> None:
            for index, (name, value) in enumerate(data.items()):
                self._element(
                    "Data",
                    lambda index=index, value=value: self._substitute(index, value.type),
                    Name=lambda name=name: self._literal(name),
                )

        self._element("EventData", values)
