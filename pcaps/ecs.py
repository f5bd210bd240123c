"""Elastic Common Schema: one Sysmon event as Elastic Agent's pipeline leaves it.

What ECS has a name for has left `winlog.event_data`, empty values are gone, and `@timestamp` is the event's UtcTime.
"""

from typing import Any

_TEXT = {
    "ProcessGuid": "process.entity_id",
    "SourceProcessGuid": "process.entity_id",
    "SourceProcessGUID": "process.entity_id",
    "Image": "process.executable",
    "SourceImage": "process.executable",
    "CommandLine": "process.command_line",
    "CurrentDirectory": "process.working_directory",
    "ParentProcessGuid": "process.parent.entity_id",
    "ParentImage": "process.parent.executable",
    "ParentCommandLine": "process.parent.command_line",
    "ImageLoaded": "file.path",
    "TargetFilename": "file.path",
    "TargetObject": "registry.path",
    "Protocol": "network.transport",
    "SourceIp": "source.ip",
    "DestinationIp": "destination.ip",
    "QueryName": "dns.question.name",
}
_NUMBERS = {
    "ProcessId": "process.pid",
    "SourceProcessId": "process.pid",
    "ParentProcessId": "process.parent.pid",
    "SourcePort": "source.port",
    "DestinationPort": "destination.port",
}
_COPIED = {
    "Company": "pe.company",
    "Description": "pe.description",
    "FileVersion": "pe.file_version",
    "Product": "pe.product",
}
"""Of the image that starts (process) or the module that loads (file); stays in event_data as well."""
_EMPTY = ("", "-", "{00000000-0000-0000-0000-000000000000}")


def document(eid: int, fields: dict[str, str], base: dict[str, Any], winlog: dict[str, Any]) -> dict[str, Any]:
    """`base` and `winlog` are the parts that do not depend on the event's fields."""
    doc = dict(base)
    rest = {k: v for k, v in fields.items() if v not in _EMPTY and k not in ("UtcTime", "RuleName")}
    for key in list(rest):
        if key in _TEXT:
            _put(doc, _TEXT[key], rest.pop(key))
        elif key in _NUMBERS:
            _put(doc, _NUMBERS[key], int(rest.pop(key)))
    _files(doc, rest, "file" if eid == 7 else "process")
    _signature(doc, rest)
    _network(doc, rest)
    if "User" in rest:
        domain, _, user = rest.pop("User").rpartition("\\")
        doc["user"] = {"id": "S-1-5-18", "name": user, "domain": domain}
    if "Type" in rest:
        doc["message"] = rest.pop("Type")
    for section, path in (("process", "executable"), ("file", "path")):
        if path in doc.get(section, {}):
            doc[section]["name"] = doc[section][path].rpartition("\\")[2]
    doc["winlog"] = winlog | ({"event_data": rest} if rest else {})
    doc["ecs"] = {"version": "8.0.0"}
    return doc


def _files(doc: dict[str, Any], rest: dict[str, str], owner: str) -> None:
    for key, name in _COPIED.items():
        if key in rest:
            _put(doc, f"{owner}.{name}", rest[key])
    if "OriginalFileName" in rest:
        _put(doc, f"{owner}.pe.original_file_name", rest.pop("OriginalFileName"))
    if "Hashes" in rest:
        hashes = dict(h.split("=") for h in rest.pop("Hashes").lower().split(","))
        _put(doc, f"{owner}.pe.imphash", hashes.pop("imphash"))
        _put(doc, f"{owner}.hash", hashes)


def _signature(doc: dict[str, Any], rest: dict[str, str]) -> None:
    if "Signature" in rest:
        _put(doc, "file.code_signature.subject_name", rest["Signature"])
    if "SignatureStatus" in rest:
        _put(doc, "file.code_signature.status", rest["SignatureStatus"])
    if rest.get("SignatureStatus") == "Valid":
        _put(doc, "file.code_signature.valid", value=True)


def _network(doc: dict[str, Any], rest: dict[str, str]) -> None:
    if "Initiated" in rest:
        _put(doc, "network.direction", "egress" if rest["Initiated"] == "true" else "ingress")
        _put(doc, "network.type", "ipv6" if rest.pop("SourceIsIpv6") == "true" else "ipv4")
        del rest["DestinationIsIpv6"]


def _put(doc: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for part in parents:
        doc = doc.setdefault(part, {})
    doc[last] = value
