"""The way through, as the store sees it."""

from pathlib import Path
from typing import Any

import pytest

from enricher.join.store import Store
from enricher.service import inputs, pipeline
from enricher.service.engine import Engine
from enricher.service.reading import Tally

LOG = Path(__file__).resolve().parents[2] / "pcaps" / "demo" / "ws-04.json"
COPIES = 8


class Unseen:
    def start(self, name: str, size: int | None) -> None: ...

    def advance(self, position: int) -> None: ...


def test_the_store_gets_the_records_of_many_pieces_of_a_log_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, stored = Store.put, []

    def counting(store: Store, records: Any, arrived: float | None = None) -> None:
        stored.append(len(records))
        put(store, records, arrived)

    monkeypatch.setattr(Store, "put", counting)
    (tmp_path / "log").write_bytes(LOG.read_bytes() * COPIES)
    tally = Tally()
    sources = inputs.find([str(tmp_path / "log")], tally.problems)
    assert (sources[0].size or 0) > 8 * inputs.CHUNK
    pipeline.replay(sources, Engine.open(None), tmp_path / "out", Unseen(), tally)
    assert stored == [sum(tally.records.values())]
    assert stored[0] > COPIES
