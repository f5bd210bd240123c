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
from service_fakes import Log
from sysmon_event import connection


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
    return SimpleNamespace(event=connection, ports=ports, Log=Log)
