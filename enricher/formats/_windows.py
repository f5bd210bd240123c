"""A Windows event, whatever shape it came in, to an EndpointEvent."""

from collections import Counter
from typing import Any

from enricher.formats._eventdata import EventData
from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON
from enricher.formats._values import Values, number, text
from enricher.model.endpoint import EndpointEvent


class WindowsEvents:
    """Turns events into records and counts those that give none."""

    def __init__(self, skipped: Counter[str]) -> None:
        self.values = Values()
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
        product = _product(origin)
        number_ = number(event_id, 0xFFFF)
        mapper = None if number_ is None else (SYSMON if product == "sysmon" else SECURITY).get(number_)
        if product is None or mapper is None:
            self._skipped[f"{product or 'event'} {number_}: not needed"] += 1
            return None
        result = self._map(mapper, f"{product}:{number_}", computer, logged, data, source)
        if isinstance(result, str):
            self._skipped[f"{product} {number_}: {result}"] += 1
            return None
        return result

    def _map(
        self, mapper: Any, clock: str, computer: Any, logged: Any, data: EventData, source: str
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
        result: EndpointEvent | str = mapper(data, at, self.values)
        return result


def _product(origin: Any) -> str | None:
    name = str(origin).lower()
    if "sysmon" in name:
        return "sysmon"
    return "security" if name in ("security", "microsoft-windows-security-auditing") else None
