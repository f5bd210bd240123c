"""EVTX records dumped as JSON lines, one event tree a line."""

import re
from typing import Final

from enricher.formats._event_tree import TREE, event_of
from enricher.formats._json import JsonReader, has_key
from enricher.formats._reader import Format
from enricher.model.record import Record

_START: Final = re.compile(rb'[\s\[]*\{\s*"Event"\s*:\s*\{')


class EventJsonReader(JsonReader):
    """Reads event trees."""

    def __init__(self, name: str) -> None:
        super().__init__(name, b'"EventID":', b'"ImageLoaded":"', b'"Image":"')

    def _event(self, line: bytes) -> Record | None:
        return event_of(TREE.decode(line), self.events, self._source())


def recognises(head: bytes) -> bool:
    """Starts with an `Event` that has a `System`."""
    return _START.match(head) is not None and has_key(head, "System")


FORMAT: Final = Format("event_json", recognises, EventJsonReader)
