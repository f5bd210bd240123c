"""A forwarder from files to a real server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from enricher.config import Config
from enricher.join.server import EmbeddedServer
from enricher.service.ship.shipper import Shipper


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, _level: str) -> Any:
        return lambda event, **more: self.lines.append((event, more))

    def said(self, event: str) -> list[dict[str, Any]]:
        return [more for said, more in self.lines if said == event]


def event(n: int, event_id: int = 3, host: str = "PC1") -> str:
    sides = {"SourceIp": "10.0.0.1", "SourcePort": 50000 + n, "DestinationIp": "203.0.113.5", "DestinationPort": 443}
    guid = "{aaaa0001-f09c-6553-0001-000000000500}"
    process = {"ProcessGuid": guid, "ProcessId": 1004, "Image": r"C:\app.exe", "Protocol": "tcp", "Initiated": "true"}
    about = {"EventID": event_id, "SourceName": "Microsoft-Windows-Sysmon", "Hostname": host}
    return json.dumps(about | {"UtcTime": "2023-11-14 22:13:20.000"} | process | sides) + "\n"


def ports(payloads: list[bytes]) -> list[int]:
    return [json.loads(payload)["SourcePort"] - 50000 for payload in payloads]


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def admin(server: EmbeddedServer) -> Iterator[redis.Redis]:
    client = redis.Redis(unix_socket_path=str(server.socket))
    client.flushall()
    client.config_set("maxmemory", "0")
    yield client
    client.close()


@pytest.fixture
def ship(server: EmbeddedServer, admin: redis.Redis, tmp_path: Path) -> Callable[..., Any]:
    """Send what is there; or work as long as `stopping` lets it."""

    def run(stopping: Callable[[float], bool] | None = None, target: str = "", url: str = server.url) -> Log:
        log = Log()
        text = f"""
            [[sources]]
            type = "tail"
            path = "{tmp_path}/events.json"
            [ship]
            state = "{tmp_path}/state"
            target = {{ type = "redis", url = "{url}", stream = "s", timeout_seconds = 5 {target} }}"""
        shipper = Shipper(Config.parse(text.encode(), "test.toml"), log, stopping or (lambda _: False))
        shipper.run(once=stopping is None)
        return log

    return run


@pytest.fixture
def logged(tmp_path: Path) -> Callable[..., None]:
    """Lines are written to the log."""

    def write(*lines: str) -> None:
        with (tmp_path / "events.json").open("a") as file:
            file.writelines(lines)

    return write


@pytest.fixture
def shipped(admin: redis.Redis) -> Callable[[], list[bytes]]:
    return lambda: [fields[b"message"] for _, fields in admin.xrange("s")]


@pytest.fixture(scope="session")
def say() -> SimpleNamespace:
    return SimpleNamespace(event=event, ports=ports, Log=Log)
