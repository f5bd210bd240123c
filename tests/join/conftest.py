"""A server for the room's tests, and short ways to write records."""

import random
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from enricher.join.resolve import Join
from enricher.join.server import EmbeddedServer
from enricher.join.settings import JoinSettings, StoreSettings
from enricher.join.store import Store
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart, ProcessTamper
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
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


HOSTS = {"pc1.corp.example": ("pc1", "10.0.0.1"), "pc2.corp.example": ("pc2", "10.0.0.2"), "pc3": ("pc3", "10.0.0.1")}


def world(seed: int, size: int) -> list[Record]:
    """Hosts with wrong clocks and several names, processes, reused ports and pids, duplicates and lies."""
    r = random.Random(seed)
    records: list[Record] = []
    offsets = {host: r.choice([0.0, -43517.3, 3600.0, 12.5]) for host in HOSTS}
    for _ in range(size):
        host = r.choice(list(HOSTS))
        short, address = HOSTS[host]
        name = r.choice([host, short])
        n, ts, port = r.randrange(4), T + r.randrange(0, 4000) / 4, 50000 + r.randrange(6)
        more = {"host": name, "guid": r.choice([guid(n, r.choice(["aaaa0001", "aaaa0001", "bbbb0001"])), None])}
        wire = {
            "port": port,
            "orig_h": address,
            "uid": f"C{r.randrange(40)}",
            "server_name": r.choice([None, "a.example"]),
        }
        kind = r.randrange(9)
        if kind in (0, 1, 2):
            records.append(observe(ts, **wire, ja4=r.choice([None, "a", "b"])))
            records.append(connect(ts + offsets[host], port, n, local_ip=address, **more))
        elif kind == 3:
            initiated = r.choice([None, True, False])
            records.append(connect(ts, port, n, local_ip=address, initiated=initiated, clock="security:5156", **more))
        elif kind == 4:
            records += [start(ts, n, **more), end(ts + 300, n, **more)]
        elif kind == 5:
            library = r.choice(["schannel.dll", "crypt32.dll", "app.dll", "ncryptsslp.dll"])
            records.append(load(ts, n, library, **more))
        elif kind == 6:
            full = r.random() < 0.5
            chain = (
                {"cert_chain_fps": ("ab",), "cert_visible": True} if full else {"resumed": True, "cert_visible": False}
            )
            records.append(observe(ts, sensor="ssl.log", source=f"ssl.log:{r.randrange(99)}", **wire, **chain))
        elif kind == 7:
            records.append(CertificateRecord(fingerprint="ab", cert_subject=r.choice(["CN=a", "CN=b"])))
            records.append(ConnectionRecord(uid=wire["uid"], ts=ts, proto="tcp", community_id=f"1:{r.randrange(3)}"))
        else:
            tamper = {"technique": "remote_thread", "pid": 1000 + 4 * n, "clock": "sysmon:8", "ts": ts}
            records.append(ProcessTamper(**tamper, **more))
    return records


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(
        guid=guid,
        observe=observe,
        connect=connect,
        start=start,
        end=end,
        load=load,
        world=world,
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
