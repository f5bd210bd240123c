"""The sensor alone on a network interface: no store, no join."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from enricher.config import InterfaceSource
from enricher.model.observation import Observation
from enricher.service import privileges
from enricher.service.engine import Engine
from enricher.service.live.sources.interface import Interface
from enricher.service.reading import Tally
from enricher.sinks import jsonl

_PAUSE: Final = 0.1
"""Seconds between two looks where there was nothing."""


def watch(
    interface: str, user: str | None, engine: Engine, tally: Tally, stopping: Callable[[float], bool]
) -> Iterator[list[bytes]]:
    """Judged Observations as JSON lines, as they end, until we are to stop; then those that are still open.

    Args:
        interface: the system's name of it.
        user: who we are once it is open; None: who we were.
        engine: judges.
        tally: gets what was dropped.
        stopping: waits so many seconds, less if we are to end; whether we are.

    Raises:
        An1496Error: the interface cannot be listened to, any more.
    """

    def lines(records: Iterable[Observation]) -> list[bytes]:
        return [jsonl.line(engine.judge(record, None)) for record in records]

    defaults = InterfaceSource(interface=interface)
    buffer_mib, promiscuous = defaults.buffer_mib, defaults.promiscuous
    sensor = engine.sensor(interface)
    source = Interface(interface, interface, sensor, buffer_mib=buffer_mib, promiscuous=promiscuous)
    source.open()
    try:
        privileges.drop(user)
        while not stopping(0):
            yield lines(records := source.read())
            if not records and stopping(_PAUSE):
                break
        yield lines(source.finish())
        tally.lost.update({name: count for name, count in source.counts().items() if name != "packets"})
    finally:
        source.close()
