"""Windows events in the Elastic Common Schema, as Winlogbeat and Elastic Agent ship them, one JSON object a line.

Keys may be nested or dotted, alone or under `_source`. Both shippers' Sysmon modules move values from
`winlog.event_data` to ECS fields and set `@timestamp` from UtcTime; the agent's and collector's names
(`agent.*`, `host.*`, `beat.*`) are not the event's computer.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from enricher.formats._eventdata import EventData
from enricher.formats._json import Decoder, JsonReader, has_key
from enricher.formats._reader import Format
from enricher.formats._values import text
from enricher.model.record import Record

_DECODER: Final = Decoder(msgspec.json.Decoder(dict[str, Any]))
_DEEPEST: Final = 8

_PROCESS: Final = {
    "process_guid": ("process.entity_id",),
    "process_id": ("process.pid",),
    "image": ("process.executable",),
}
_LOADED: Final = {
    "image_loaded": ("dll.path", "file.path"),
    "signed": ("dll.code_signature.signed", "file.code_signature.signed"),
    "signature": ("dll.code_signature.subject_name", "file.code_signature.subject_name"),
    "signature_status": ("dll.code_signature.status", "file.code_signature.status"),
    "original_file_name": ("dll.pe.original_file_name", "file.pe.original_file_name"),
    "company": ("dll.pe.company", "file.pe.company"),
}
_CREATED: Final = {
    "command_line": ("process.command_line",),
    "parent_process_guid": ("process.parent.entity_id",),
    "parent_process_id": ("process.parent.pid",),
    "parent_image": ("process.parent.executable",),
    "parent_command_line": ("process.parent.command_line",),
    "original_file_name": ("process.pe.original_file_name",),
    "company": ("process.pe.company",),
}
_CONNECTED: Final = {
    "protocol": ("network.transport",),
    "source_ip": ("source.ip",),
    "source_port": ("source.port",),
    "destination_ip": ("destination.ip",),
    "destination_port": ("destination.port",),
    "destination_hostname": ("destination.domain",),
}
_MOVED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "1": {**_PROCESS, **_CREATED},
        "3": {**_PROCESS, **_CONNECTED},
        "5": _PROCESS,
        "7": {**_PROCESS, **_LOADED},
        "8": {
            "source_process_guid": ("process.entity_id",),
            "source_process_id": ("process.pid",),
            "source_image": ("process.executable",),
        },
        "25": _PROCESS,
        "4688": {
            "new_process_id": ("process.pid",),
            "new_process_name": ("process.executable",),
            "command_line": ("process.command_line",),
            "process_id": ("process.parent.pid",),
            "parent_process_name": ("process.parent.executable",),
        },
        "5156": {
            "wfp_process_id": ("process.pid",),
            "application": ("process.executable",),
            "source_address": ("source.ip",),
            "source_port": ("source.port",),
            "dest_address": ("destination.ip",),
            "dest_port": ("destination.port",),
        },
        "5158": {
            "process_id": ("process.pid",),
            "application": ("process.executable",),
            "source_address": ("source.ip",),
            "source_port": ("source.port",),
        },
    }
)
"""For each event, where its values stand when the shipper moved them out of event_data."""


class EcsReader(JsonReader):
    """Reads ECS documents."""

    def __init__(self, name: str) -> None:
        super().__init__(name, b'event_id":', b'ImageLoaded":"', b'"Image":"')

    def _event(self, line: bytes) -> Record | None:
        document = _DECODER.decode(line)
        source = document.get("_source")
        fields = dict(_flatten(source if isinstance(source, dict) else document))
        event_id = fields.get("winlog.event_id", fields.get("event.code"))
        data = EventData(**{name: fields[key] for name, key in _EVENT_DATA.items() if key in fields})
        _fill(data, str(event_id), fields)
        return self.events.event(
            origin=fields.get("winlog.provider_name") or fields.get("winlog.channel") or fields.get("event.provider"),
            event_id=event_id,
            computer=fields.get("winlog.computer_name") or fields.get("host.hostname") or fields.get("host.name"),
            logged=fields.get("winlog.time_created") or fields.get("event.created") or fields.get("@timestamp"),
            data=data,
            source=self._source(),
        )


_EVENT_DATA: Final = MappingProxyType(
    {f.name: f"winlog.event_data.{f.encode_name}" for f in msgspec.structs.fields(EventData)}
)


def _flatten(tree: Mapping[str, Any], prefix: str = "", depth: int = _DEEPEST) -> Iterator[tuple[str, Any]]:
    """Every value under its dotted key, whichever way the document nests."""
    for key, value in tree.items():
        if isinstance(value, dict) and depth:
            yield from _flatten(value, f"{prefix}{key}.", depth - 1)
        else:
            yield prefix + key, value


def _fill(data: EventData, event_id: str, fields: Mapping[str, Any]) -> None:
    """Take what event_data lacks from ECS fields."""
    for name, keys in _MOVED.get(event_id, {}).items():
        if getattr(data, name) is None:
            setattr(data, name, next((fields[key] for key in keys if key in fields), None))
    if data.utc_time is None:
        data.utc_time = fields.get("@timestamp")
    if data.user is None and (user := text(fields.get("user.name"))) is not None:
        data.user = "\\".join(filter(None, (text(fields.get("user.domain")), user)))
    if data.hashes is None:
        subject = "process" if event_id == "1" else "dll" if "dll.path" in fields else "file"
        names = [f"{subject}.hash.{name}" for name in ("md5", "sha1", "sha256")]
        found = {key.rpartition(".")[2]: fields[key] for key in names if key in fields}
        if (imphash := fields.get(f"{subject}.pe.imphash")) is not None:
            found["imphash"] = imphash
        data.hashes = ",".join(f"{name}={digest}" for name, digest in found.items()) or None
    if data.initiated is None:
        data.initiated = {"egress": True, "outbound": True, "ingress": False, "inbound": False}.get(
            str(fields.get("network.direction"))
        )


def recognises(head: bytes) -> bool:
    """Has a `winlog` object or dotted `winlog.` keys."""
    return head.lstrip()[:1] in (b"{", b"[") and (has_key(head, "winlog") or b'"winlog.' in head)


FORMAT: Final = Format("ecs", recognises, EcsReader)
