"""Windows events as flat JSON lines: header and EventData side by side, as NXLog writes them."""

from typing import Any, Final

import msgspec

from enricher.formats._eventdata import EventData
from enricher.formats._json import Decoder, JsonReader, has_key
from enricher.formats._reader import Format
from enricher.model.record import Record


class FlatEvent(EventData, rename="pascal", gc=False):
    """One line. Header fields under NXLog's names, and those of Windows where shippers keep them."""

    event_id: Any = msgspec.field(name="EventID", default=None)
    source_name: Any = None
    provider_name: Any = None
    channel: Any = None
    hostname: Any = None
    computer: Any = None
    computer_name: Any = None
    time_created: Any = None
    system_time: Any = None
    timestamp: Any = msgspec.field(name="@timestamp", default=None)
    event_time: Any = None


_DECODER: Final = Decoder(msgspec.json.Decoder(FlatEvent))


class FlatJsonReader(JsonReader):
    """Reads flat JSON lines."""

    def __init__(self, name: str) -> None:
        super().__init__(name, b'"EventID":', b'"ImageLoaded":"', b'"Image":"')

    def _event(self, line: bytes) -> Record | None:
        e: FlatEvent = _DECODER.decode(line)
        return self.events.event(
            origin=e.source_name or e.provider_name or e.channel,
            event_id=e.event_id,
            computer=e.computer or e.hostname or e.computer_name,
            logged=e.time_created or e.system_time or e.timestamp or e.event_time,
            data=e,
            source=self._source(),
        )


def recognises(head: bytes) -> bool:
    """An event id beside a channel or source, and none of the nested shapes."""
    return (
        head.lstrip()[:1] in (b"{", b"[")
        and has_key(head, "EventID")
        and has_key(head, "SourceName", "ProviderName", "Channel")
        and not has_key(head, "System")
    )


FORMAT: Final = Format("flat_json", recognises, FlatJsonReader)
