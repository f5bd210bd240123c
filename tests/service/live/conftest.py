"""A worker over a real server, with a clock that stands still until it is moved."""

import importlib.util
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from enricher.config import Config
from enricher.join.cluster import connect
from enricher.join.live import LiveJoin
from enricher.join.resolve import Join
from enricher.join.server import EmbeddedServer
from enricher.join.settings import LiveSettings, StoreSettings
from enricher.join.store import Store
from enricher.model.record import Record
from enricher.model.verdict import LedgerRow, Notice
from enricher.service.delivery.delivery import Report
from enricher.service.engine import Engine
from enricher.service.live.ledger import Booked, Ledger
from enricher.service.live.worker import Worker
from enricher.verdict import ledger_row, notice_id, notices


class Outlet:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def put(self, notices: Sequence[Notice]) -> None:
        self.notices.extend(notices)

    def flush(self, deadline: float | None = None, beat: Callable[[], None] = lambda: None) -> Report:
        return Report({})

    def report(self) -> Report:
        return Report({})


class Rows(Ledger):
    """Keeps rows."""

    def __init__(self) -> None:
        super().__init__(None)
        self.rows: list[Booked] = []

    def append(self, rows: Iterable[Booked]) -> None:
        self.rows.extend(rows)


class Live:
    """One live run. `again` is a new process over the same store: nothing but the store and the outputs survives."""

    def __init__(self, engine: Engine, url: str, live: LiveSettings, beside: "Live | None" = None) -> None:
        self.engine = engine
        self.url = url
        self.live = live
        self.name = secrets.token_hex(4)
        self.namespace = beside.namespace if beside else f"t{secrets.token_hex(8)}"
        self.outlet = beside.outlet if beside else Outlet()
        self.ledger = beside.ledger if beside else Rows()
        self.now = 1_700_010_000.0
        self.again()

    def beside(self) -> "Live":
        """Another worker of the same service."""
        return Live(self.engine, self.url, self.live, self)

    def again(self) -> None:
        several = "," in self.url
        settings = StoreSettings(
            namespace=self.namespace, cluster=several, replicas=int(several), timeout_seconds=5.0 if several else 30.0
        )
        self.store = Store(connect(self.url, settings), settings, exact=True)
        self.join = LiveJoin(self.store, self.engine.config.join, self.live, self.name)
        self.worker = Worker(self.engine, self.join, self.outlet, self.ledger, lambda: self.now)

    def take(self, *records: Record, source: str = "s") -> None:
        self.worker.round([(source, list(records))])

    def worker_drain(self) -> None:
        self.worker.drain()

    def rows(self) -> dict[str, Booked]:
        """The last row of each session."""
        last: dict[Any, Booked] = {}
        for row in self.ledger.rows:
            at = last.get(key(row))
            assert at is None or row.revision >= at.revision
            last[key(row)] = row
        return last

    def notices(self) -> dict[str, Notice]:
        """The last revision of each notice."""
        last: dict[str, Notice] = {}
        for notice in self.outlet.notices:
            at = last.get(notice.id)
            assert at is None or notice.revision >= at.revision
            last[notice.id] = notice
        return last


def key(row: LedgerRow) -> Any:
    return row.uid, row.orig_h, row.orig_p, row.resp_h, row.resp_p


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The join's own ways to write records."""
    path = Path(__file__).parents[2] / "join" / "conftest.py"
    spec = importlib.util.spec_from_file_location("join_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = ("world", "observe", "connect", "load", "start", "end", "guid", "T", "HOST")
    return SimpleNamespace(**{name: getattr(module, name) for name in names})


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine(Config())


@pytest.fixture(scope="session")
def telling_engine() -> Engine:
    """Tells of everything."""
    config = Config()
    verdict = msgspec.structs.replace(config.verdict, min_severity="informational")
    return Engine(msgspec.structs.replace(config, verdict=verdict))


@pytest.fixture
def start(server: EmbeddedServer, engine: Engine) -> Iterator[Callable[..., Live]]:
    begun: list[Live] = []

    def run(own: Engine | None = None, **live: Any) -> Live:
        begun.append(Live(own or engine, server.url, LiveSettings(**live)))
        return begun[-1]

    yield run
    for live in begun:
        live.store.close()


def replayed(engine: Engine, url: str, records: Iterable[Record]) -> tuple[dict[Any, LedgerRow], dict[str, Notice]]:
    """What a replay of the records concludes."""
    with Store.open(url) as store:
        store.put(records)
        judged = []
        for session in Join(store, engine.config.join).sessions():
            seen = session.observation
            common = store.prevalence([seen.ja4]) if seen.ja4 else {}
            now_is = engine.judge(seen, common.get(seen.ja4) if seen.ja4 else None)
            found = msgspec.structs.replace(session, observation=now_is)
            judged.append((found, engine.verdict(found)))
    told = {notice.id: notice for notice in notices(judged, engine.verdict_settings)}
    rows = [ledger_row(s, v, id_ if (id_ := notice_id(s)) in told else None) for s, v in judged]
    assert len({key(row) for row in rows}) == len(rows)
    return {key(row): row for row in rows}, told


@pytest.fixture(scope="session")
def replay(server: EmbeddedServer) -> Callable[..., Any]:
    return lambda engine, records: replayed(engine, server.url, records)


def same_notice(notice: Notice) -> Notice:
    """Without what a replay cannot know: revision, and lateness."""
    sessions = tuple(
        msgspec.structs.replace(s, disposition="matched" if s.disposition == "late" else s.disposition)
        for s in notice.sessions
    )
    return msgspec.structs.replace(notice, revision=1, sessions=sessions)


def same_row(row: LedgerRow) -> dict[str, Any]:
    found = msgspec.structs.asdict(row)
    found.pop("revision", None)
    if found["disposition"] == "late":
        found["disposition"] = "matched"
    return found


@pytest.fixture(scope="session")
def equal() -> Callable[..., None]:
    """A live run has come to what a replay says."""

    def check(live: Live, expected: tuple[dict[Any, LedgerRow], dict[str, Notice]]) -> None:
        rows, told = expected
        found = {k: row for k, row in live.rows().items() if row.disposition != "duplicate"}
        assert {k: same_row(r) for k, r in found.items()} == {k: same_row(r) for k, r in rows.items()}
        standing = {id_: same_notice(n) for id_, n in live.notices().items() if n.count}
        assert standing == {id_: same_notice(n) for id_, n in told.items()}

    return check


@pytest.fixture
def own() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, own: EmbeddedServer, make) -> Any:
    (tmp_path / "an1496.log").write_bytes(msgspec.json.encode(make.observe(sensor="an1496.log")) + b"\n")

    def configured(more: str = "") -> Engine:
        text = f"""
            store = {{ url = "{own.url}", timeout_seconds = 1 }}
            live = {{ ledger = "{tmp_path}/ledger.jsonl", wait_seconds = 0, poll_seconds = 0.01, metrics_port = 0 }}
            [[sources]]
            type = "tail"
            path = "{tmp_path}/an1496.log"
            {more}"""
        return Engine(Config.parse(text.encode(), "test.toml"))

    return configured
