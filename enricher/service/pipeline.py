"""The one way through: inputs → store → join → verdict → notices → files."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from enricher.join.hosts import HostReport
from enricher.join.resolve import Join
from enricher.join.store import Store
from enricher.model.record import Record
from enricher.model.session import Session
from enricher.model.verdict import LedgerRow, Notice, Verdict
from enricher.service import outputs, parallel
from enricher.service.delivery import Outlets
from enricher.service.delivery.once import deliver
from enricher.service.engine import Engine
from enricher.service.inputs import Input
from enricher.service.reading import Progress, Tally, read
from enricher.sinks import jsonl
from enricher.verdict import ledger_row, notice_id, notices

BATCH: Final = 1000
"""Sessions judged together: one round trip for how common all their fingerprints are."""

STORED: Final = 4096
"""Records stored together; one piece of a log gives only a few."""

Judged = tuple[Session, Verdict]


class Outcome(msgspec.Struct):
    """What a replay found."""

    notices: list[Notice]
    ledger: list[LedgerRow]
    hosts: tuple[HostReport, ...]


def replay(sources: Sequence[Input], engine: Engine, out: Path, progress: Progress, tally: Tally) -> Outcome:
    """Read every input into the store, conclude, write the results, tell the sinks. The order does not matter.

    Raises:
        ConfigError: a sink to tell cannot be used.
        StoreError: Redis is away or refuses.
        OutputError: a result cannot be written.
    """
    outputs.folder(out)
    outlets = Outlets(engine.config)
    with engine.open_store() as store:
        for records in parallel.each(_read, sources, engine, tally, progress):
            store.put(records)
        progress.start("joining", None)
        join = Join(store, engine.config.join)
        judged = sorted(_judged(join.sessions(), store, engine), key=_order)
        tally.lost.update(store.counters)
        tally.lost.update(join.counters)
    told = notices(judged, engine.verdict_settings)
    ledger = _ledger(judged, told)
    results: dict[str, Iterable[msgspec.Struct]] = {
        outputs.OBSERVATIONS: (session.observation for session, _ in judged),
        outputs.SESSIONS: ledger,
        outputs.NOTICES: told,
    }
    outputs.write(out, {name: map(jsonl.line, records) for name, records in results.items()})
    tally.problems += deliver(told, outlets, out)
    return Outcome(told, ledger, join.hosts())


def _read(source: Input, engine: Engine, tally: Tally, progress: Progress) -> Iterator[Sequence[Record]]:
    """An input's records, many at a time."""
    gathered: list[Record] = []
    for records in read(source, engine.reader_for, tally, progress):
        gathered += records
        if len(gathered) >= STORED:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _judged(sessions: Iterable[Session], store: Store, engine: Engine) -> Iterator[Judged]:
    remaining = iter(sessions)
    while batch := list(islice(remaining, BATCH)):
        common = store.prevalence(sorted({s.observation.ja4 for s in batch if s.observation.ja4}))
        for session in batch:
            seen = session.observation
            judged = engine.judge(seen, common.get(seen.ja4) if seen.ja4 else None)
            session = msgspec.structs.replace(session, observation=judged)  # noqa: PLW2901
            yield session, engine.verdict(session)


def _order(pair: Judged) -> tuple[float, str, str]:
    seen = pair[0].observation
    return seen.ts, seen.uid, seen.source or ""


def _ledger(judged: Iterable[Judged], told: Iterable[Notice]) -> list[LedgerRow]:
    ids = {notice.id for notice in told}
    rows = []
    for session, verdict in judged:
        id_ = notice_id(session)
        rows.append(ledger_row(session, verdict, id_ if id_ in ids else None))
    return rows
