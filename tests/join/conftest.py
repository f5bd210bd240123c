"""A server for the room's tests, and short ways to write records."""

from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from enricher.join.resolve import Join
from enricher.join.server import EmbeddedServer
from enricher.join.settings import JoinSettings, StoreSettings
from enricher.join.store import Store
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart
from enricher.model.observation import Observation
from enricher.model.record import Record
from enricher.model.session import Session

HOST, CLIENT, SERVER = "pc1.corp.example", "10.0.0.1", "203.0.113.5"
T = 1_700_000_000.0


def guid(n: int, machine: str = "aaaa0001", start: float = T - 100) -> str:
    seconds = f"{int(start):08x}"
    return f"{machine}-{seconds[4:]}-{seconds[:4]}-{n:04x}-000000000500"


def observe(ts: float = T, port: int = 50000, **more: Any) -> Observation:
    base: dict[str, Any] = {
        "ts": ts,
        "uid": f"C{ts}-{port}",
        "orig_h": CLIENT,
        "orig_p": port,
        "resp_h": SERVER,
        "resp_p": 443,
        "source": f"capture.pcap:{ts * 1000:.0f}",
    }
    return Observation(**(base | more))


def connect(ts: float = T, port: int = 50000, n: int = 1, **more: Any) -> NetworkConnect:
    base: dict[str, Any] = {
        "host": HOST,
        "ts": ts,
        "clock": "sysmon:3",
        "guid": guid(n),
        "pid": 1000 + 4 * n,
        "image": rf"C:\Apps\app{n}.exe",
        "proto": "tcp",
        "local_ip": CLIENT,
        "local_port": port,
        "remote_ip": SERVER,
        "remote_port": 443,
        "initiated": True,
        "source": f"sysmon.json:{ts * 1000:.0f}",
    }
    return NetworkConnect(**(base | more))


def start(ts: float = T - 100, n: int = 1, **more: Any) -> ProcessStart:
    base: dict[str, Any] = {
        "host": HOST,
        "ts": ts,
        "clock": "sysmon:1",
        "guid": guid(n),
        "pid": 1000 + 4 * n,
        "image": rf"C:\Apps\app{n}.exe",
        "command_line": f"app{n}.exe -x",
        "source": f"sysmon.json:s{n}",
    }
    return ProcessStart(**(base | more))


def end(ts: float, n: int = 1, **more: Any) -> ProcessEnd:
    base: dict[str, Any] = {"host": HOST, "ts": ts, "clock": "sysmon:5", "guid": guid(n), "pid": 1000 + 4 * n}
    return ProcessEnd(**(base | more))


def load(ts: float = T, n: int = 1, name: str = "schannel.dll", **more: Any) -> ModuleLoad:
    base: dict[str, Any] = {
        "host": HOST,
        "ts": ts,
        "clock": "sysmon:7",
        "guid": guid(n),
        "pid": 1000 + 4 * n,
        "image": rf"C:\Apps\app{n}.exe",
        "image_loaded": rf"C:\Windows\System32\{name}",
        "source": f"sysmon.json:l{n}",
    }
    return ModuleLoad(**(base | more))


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(
        guid=guid,
        observe=observe,
        connect=connect,
        start=start,
        end=end,
        load=load,
        T=T,
        HOST=HOST,
        CLIENT=CLIENT,
        SERVER=SERVER,
    )


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(scope="session")
def joined(server: EmbeddedServer) -> Callable[..., list[Session]]:
    """Put records, in batches if given several lists, and resolve: all sessions by time and uid."""

    def run(*batches: Iterable[Record], settings: JoinSettings | None = None, batch: int = 1000) -> list[Session]:
        with Store.open(server.url, StoreSettings(batch=batch)) as store:
            for records in batches:
                store.put(records)
            return sorted(Join(store, settings).sessions(), key=lambda s: (s.observation.ts, s.observation.uid))

    return run
