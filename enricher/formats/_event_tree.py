"""The tree that an EVTX record becomes in JSON: `{"Event": {"System": …, "EventData": …}}`."""

from typing import Any, Final

import msgspec

from enricher.formats._eventdata import EventData
from enricher.formats._json import Decoder
from enricher.formats._windows import WindowsEvents
from enricher.model.endpoint import EndpointEvent


class _System(msgspec.Struct, rename="pascal", gc=False):
    provider: Any = None
    event_id: Any = msgspec.field(name="EventID", default=None)
    time_created: Any = None
    channel: Any = None
    computer: Any = None


class _Event(msgspec.Struct, rename="pascal", gc=False):
    system: _System
    event_data: EventData | None = None


class EventTree(msgspec.Struct, rename="pascal", gc=False):
    """One record; attributes of elements stand under `#attributes`, their text under `#text`."""

    event: _Event


TREE: Final = Decoder(msgspec.json.Decoder(EventTree))


def event_of(tree: EventTree, events: WindowsEvents, source: str) -> EndpointEvent | None:
    """Map one record."""
    system = tree.event.system
    return events.event(
        origin=_attribute(system.provider, "Name") or system.channel,
        event_id=system.event_id.get("#text") if isinstance(system.event_id, dict) else system.event_id,
        computer=system.computer,
        logged=_attribute(system.time_created, "SystemTime"),
        data=tree.event.event_data or EventData(),
        source=source,
    )


def _attribute(element: Any, name: str) -> Any:
    attributes = element.get("#attributes") if isinstance(element, dict) else None
    return attributes.get(name) if isinstance(attributes, dict) else None
