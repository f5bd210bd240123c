"""The sensor alone and the endpoint reader alone: no store, no join."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from enricher.errors import InputError
from enricher.model.endpoint import EndpointEvent
from enricher.model.observation import Observation
from enricher.service.engine import Engine
from enricher.service.inputs import CAPTURE, Input
from enricher.service.reading import Progress, Reader, Tally, read
from enricher.sinks import jsonl

_SENSORS: Final = MappingProxyType({"zeek": "Zeek", "suricata": "Suricata"})
"""Formats of those who see the network."""


def sense(source: Input, engine: Engine, tally: Tally, progress: Progress) -> Iterator[list[bytes]]:
    """Judged Observations of a capture as JSON lines, as they end. Rarity is unavailable: that takes the store."""

    def captures_only(kind: str, name: str) -> Reader:
        if kind != CAPTURE:
            raise InputError("a log, not a capture", "give it to `an1496 endpoint` or `an1496 replay`")
        return engine.reader_for(kind, name)

    for records in read(source, captures_only, tally, progress):
        yield [jsonl.line(engine.judge(record, None)) for record in records if isinstance(record, Observation)]


def endpoint(source: Input, engine: Engine, tally: Tally, progress: Progress) -> Iterator[list[bytes]]:
    """EndpointEvents of a log as JSON lines, in the log's order."""

    def logs_only(kind: str, name: str) -> Reader:
        if kind == CAPTURE:
            raise InputError("a capture, not an endpoint log", "give it to `an1496 sense` or `an1496 replay`")
        if kind in _SENSORS:
            raise InputError(f"a log of {_SENSORS[kind]}, not an endpoint log", "give it to `an1496 replay`")
        return engine.reader_for(kind, name)

    for records in read(source, logs_only, tally, progress):
        yield [jsonl.line(record) for record in records if isinstance(record, EndpointEvent)]
