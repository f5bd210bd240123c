"""A Windows event, whatever shape it came in, to an EndpointEvent."""

from collections import Counter
from typing import Any, Final

from enricher.formats._eventdata import EventData
from enricher.formats._memo import Memo
from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON, Mapper
from enricher.formats._values import Values, number, text
from enricher.model.endpoint import EndpointEvent

_LONGEST_NAME: Final = 256
"""Characters of a provider's or channel's name; Windows allows 255."""


class WindowsEvents:
    """Turns events into records and counts those that give none."""

    def __init__(self, skipped: Counter[str]) -> None:
        self.values = Values()
        self._kinds = Memo(_kind)
        self._skipped = skipped

    def event(
        self,
        *,
        origin: Any,
        event_id: Any,
        computer: Any,
        logged: Any,
        data: EventData,
        source: str,
    ) -> EndpointEvent | None:
        """Map one event.

        Args:
            origin: the provider or channel; says whose event id it is.
            event_id: as the log has it.
            computer: the event's own computer, not the collector's.
            logged: when the log says it was written.
            data: the event's values.
            source: where the record stands.
        """
        label, mapper = self._kinds[str(origin)[:_LONGEST_NAME], str(event_id)[:_LONGEST_NAME]]
        result = "not needed" if mapper is None else self._map(mapper, label, computer, logged, data, source)
        if isinstance(result, str):
            self._skipped[f"{label.replace(':', ' ')}: {result}"] += 1
            return None
        return result

    def _map(
        self, mapper: Mapper, clock: str, computer: Any, logged: Any, data: EventData, source: str
    ) -> EndpointEvent | str:
        host = text(computer)
        if host is None:
            return "no computer name"
        written = self.values.time(logged)
        ts = self.values.time(data.utc_time)
        if ts is None:
            ts = written
        if ts is None:
            return "no time"
        at = {"host": host.lower().rstrip("."), "ts": ts, "clock": clock, "logged": written, "source": source}
        return mapper(data, at, self.values)


def _kind(kind: tuple[str, str]) -> tuple[str, Mapper | None]:
    """Product and event id as `clock` names them, and what maps such events, from origin and event id."""
    name, number_ = kind[0].lower(), number(kind[1], 0xFFFF)
    if "sysmon" in name:
        product, mappers = "sysmon", SYSMON
    elif name in ("security", "microsoft-windows-security-auditing"):
        product, mappers = "security", SECURITY
    else:
        return f"event:{number_}", None
    return f"{product}:{number_}", None if number_ is None else mappers.get(number_)
