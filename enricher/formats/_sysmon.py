"""Sysmon's EventData to EndpointEvents (Microsoft-Windows-Sysmon/Operational)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from enricher.formats._eventdata import EventData
from enricher.formats._values import Values, boolean, image, pid, port, text
from enricher.model.endpoint import (
    EndpointEvent,
    ModuleLoad,
    NetworkConnect,
    ProcessEnd,
    ProcessStart,
    ProcessTamper,
)
from enricher.model.library import tier

Stamp = dict[str, Any]
"""host, ts, clock, logged and source of the event."""

Mapper = Callable[[EventData, Stamp, Values], EndpointEvent | str]
"""Gives the event, or why there is none."""

_NO_PROCESS: Final = "names no process"


def tells(loaded: str) -> bool:
    """Whether a module's path alone says that its load matters: a TLS or crypto library, or a program."""
    return tier(loaded) is not None or loaded[-4:].lower() == ".exe"


def _process(d: EventData, values: Values) -> dict[str, Any]:
    return {
        "guid": values.guid(d.process_guid),
        "pid": pid(d.process_id),
        "image": image(d.image),
        "user": text(d.user),
    }


def process_start(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """Event 1."""
    process = _process(d, values)
    if process["guid"] is None and process["pid"] is None:
        return _NO_PROCESS
    return ProcessStart(
        **at,
        **process,
        command_line=text(d.command_line),
        parent_guid=values.guid(d.parent_process_guid),
        parent_pid=pid(d.parent_process_id),
        parent_image=image(d.parent_image),
        parent_command_line=text(d.parent_command_line),
        hashes=values.hashes(d.hashes),
        original_file_name=text(d.original_file_name),
        company=text(d.company),
        integrity_level=text(d.integrity_level),
    )


def network_connect(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """Event 3.

    Source is who opened the connection, so the local side is Source when `Initiated`, else Destination: where
    Initiated is false, Destination holds the host's own address (measured), also for multicast received.
    """
    proto = str(d.protocol).lower()
    if proto not in ("tcp", "udp"):
        return "neither TCP nor UDP"
    initiated = boolean(d.initiated)
    sides = (d.source_ip, d.source_port), (d.destination_ip, d.destination_port)
    local, remote = reversed(sides) if initiated is False else sides
    local_port = port(local[1])
    if local_port is None:
        return "no local port"
    return NetworkConnect(
        **at,
        **_process(d, values),
        proto=proto,
        local_ip=values.address(local[0]),
        local_port=local_port,
        remote_ip=values.address(remote[0]),
        remote_port=port(remote[1]),
        initiated=initiated,
        remote_name=text(d.destination_hostname) if initiated else None,
    )


def process_end(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """Event 5."""
    process = _process(d, values)
    if process["guid"] is None and process["pid"] is None:
        return _NO_PROCESS
    return ProcessEnd(**at, **process)


def module_load(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """Event 7, if the module is a TLS library or the process's own image."""
    loaded = text(d.image_loaded)
    process = _process(d, values)
    if loaded is None or not (tells(loaded) or loaded.lower() == str(process["image"]).lower()):
        return "no TLS library"
    if process["guid"] is None and process["pid"] is None:
        return _NO_PROCESS
    return ModuleLoad(
        **at,
        **process,
        image_loaded=loaded,
        signed=boolean(d.signed),
        signature=text(d.signature),
        signature_status=text(d.signature_status),
        hashes=values.hashes(d.hashes),
        original_file_name=text(d.original_file_name),
        company=text(d.company),
    )


def remote_thread(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """Event 8: the process in which the thread starts is the victim."""
    victim, victim_pid = values.guid(d.target_process_guid), pid(d.target_process_id)
    if victim is None and victim_pid is None:
        return _NO_PROCESS
    start = "!".join(filter(None, (text(d.start_module), text(d.start_function))))
    return ProcessTamper(
        **at,
        guid=victim,
        pid=victim_pid,
        image=image(d.target_image),
        user=text(d.target_user),
        technique="remote_thread",
        actor_guid=values.guid(d.source_process_guid),
        actor_pid=pid(d.source_process_id),
        actor_image=image(d.source_image),
        detail=start or text(d.start_address),
    )


def image_tampering(d: EventData, at: Stamp, values: Values) -> EndpointEvent | str:
    """Event 25: hollowed or herpaderped; who did it is not told."""
    process = _process(d, values)
    if process["guid"] is None and process["pid"] is None:
        return _NO_PROCESS
    return ProcessTamper(**at, **process, technique="image_tampering", detail=text(d.type))


SYSMON: Final[Mapping[int, Mapper]] = MappingProxyType(
    {
        1: process_start,
        3: network_connect,
        5: process_end,
        7: module_load,
        8: remote_thread,
        25: image_tampering,
    }
)
