"""The Security log's EventData to EndpointEvents (Microsoft-Windows-Security-Auditing)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from enricher.formats._eventdata import EventData
from enricher.formats._sysmon import Mapper, Stamp
from enricher.formats._values import Values, image, number, pid, port, text
from enricher.model.endpoint import EndpointEvent, NetworkConnect, ProcessStart

_INBOUND: Final = "%%14592"
_OUTBOUND: Final = "%%14593"
_PROTOCOLS: Final = MappingProxyType({6: "tcp", 17: "udp"})
_INTEGRITY: Final = MappingProxyType(
    {
        "S-1-16-0": "Untrusted",
        "S-1-16-4096": "Low",
        "S-1-16-8192": "Medium",
        "S-1-16-8448": "Medium",
        "S-1-16-12288": "High",
        "S-1-16-16384": "System",
    }
)
"""Mandatory labels (MS-DTYP 2.4.2.4) in Sysmon's words."""


def _account(domain: Any, name: Any) -> str | None:
    parts = text(domain), text(name)
    return None if parts[1] is None else "\\".join(filter(None, parts))


def process_start(d: EventData, at: Stamp, _: Values) -> EndpointEvent | str:
    """4688: `NewProcessId` is the new process, `ProcessId` its creator, both hexadecimal.

    The new process runs as Target where that is given, else as its creator's Subject.
    """
    started = pid(d.new_process_id)
    if started is None:
        return "names no process"
    return ProcessStart(
        **at,
        pid=started,
        image=image(d.new_process_name),
        user=_account(d.target_domain_name, d.target_user_name) or _account(d.subject_domain_name, d.subject_user_name),
        command_line=text(d.command_line),
        parent_pid=pid(d.process_id),
        parent_image=image(d.parent_process_name),
        integrity_level=_INTEGRITY.get(str(d.mandatory_label)),
    )


def connection(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    r"""5156: outbound, Source is the local side.

    Inbound, older Windows writes the local side as Source and newer as Destination (both measured, nothing tells
    which), so the local side is the one with the lower, the service's port; equal ports leave it unknown.
    `image` is a `\device\harddiskvolumeN\…` path in lower case.
    """
    proto = _PROTOCOLS.get(number(d.protocol, 255) or 0)
    if proto is None:
        return "neither TCP nor UDP"
    source, dest = (d.source_address, port(d.source_port)), (d.dest_address, port(d.dest_port))
    if source[1] is None or dest[1] is None:
        return "no local port"
    if d.direction == _OUTBOUND:
        local, remote = source, dest
    elif d.direction == _INBOUND and source[1] != dest[1]:
        local, remote = (source, dest) if source[1] < dest[1] else (dest, source)
    else:
        return "local side unknown"
    return NetworkConnect(
        **at,
        pid=pid(d.wfp_process_id if d.wfp_process_id is not None else d.process_id),
        image=image(d.application),
        proto=proto,
        local_ip=values.address(local[0]),
        local_port=local[1],  # type: ignore[arg-type]
        remote_ip=values.address(remote[0]),
        remote_port=remote[1],
        initiated=d.direction == _OUTBOUND,
    )


def bind(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """5158: a local port was bound; the far side is not known yet."""
    proto = _PROTOCOLS.get(number(d.protocol, 255) or 0)
    if proto is None:
        return "neither TCP nor UDP"
    local_port = port(d.source_port)
    if local_port is None:
        return "no local port"
    return NetworkConnect(
        **at,
        pid=pid(d.process_id if d.process_id is not None else d.wfp_process_id),
        image=image(d.application),
        proto=proto,
        local_ip=values.address(d.source_address),
        local_port=local_port,
    )


SECURITY: Final[Mapping[int, Mapper]] = MappingProxyType({4688: process_start, 5156: connection, 5158: bind})
