"""Somebody who speaks Zeek's end of its WebSocket API, and certificates for whoever is a server."""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from websockets.sync.server import ServerConnection, serve

ACK = '{"type":"ack","endpoint":"e-websocket-0","version":"8.0.10"}'

Answer = Callable[[ServerConnection, dict[str, Any]], None]


def arguments(message: dict[str, Any]) -> list[Any]:
    return [value["data"] for value in message["data"][2]["data"][1]["data"]]


def confirm(link: ServerConnection, message: dict[str, Any]) -> None:
    name = {"@data-type": "string", "data": "AN1496::correlation_received"}
    id_, revision = message["data"][2]["data"][1]["data"][:2]
    event = {"@data-type": "vector", "data": [name, {"@data-type": "vector", "data": [id_, revision]}]}
    one = {"@data-type": "count", "data": 1}
    receipt = {"type": "data-message", "topic": "/an1496/receipts", "@data-type": "vector", "data": [one, one, event]}
    link.send(json.dumps(receipt))


class StandIn:
    """Zeek's end of the WebSocket: greets, and answers each event as the test says."""

    def __init__(self, answer: Answer = confirm, *, greeting: str = ACK, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[str] = []
        self.subscriptions: list[Any] = []
        self.paths: list[str] = []
        self._answer = answer
        self._greeting = greeting
        # Who does not listen at the end, as a client that sends notices only, is not waited for.
        self._server = serve(self._talk, "127.0.0.1", 0, ssl=tls, close_timeout=0.2)
        self._scheme = "ws" if tls is None else "wss"
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _talk(self, link: ServerConnection) -> None:
        assert link.request is not None
        self.paths.append(link.request.path)
        self.subscriptions.append(json.loads(link.recv()))
        link.send(self._greeting)
        for text in link:
            message = json.loads(text)
            self.got.append(arguments(message)[0])
            self._answer(link, message)

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self.port}"


@pytest.fixture(name="stand_in", scope="session")
def _stand_in() -> type[StandIn]:
    return StandIn


@pytest.fixture(name="confirm", scope="session")
def _confirm() -> Answer:
    return confirm


class Pki:
    """A certificate for localhost, which signs itself."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "30",
             "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True,
        )  # fmt: skip

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate, self.key)
        return made


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def brokers() -> Iterator[str]:
    """librdkafka's own mock cluster, which speaks the protocol on loopback; it lives as long as its first client."""
    admin = pytest.importorskip("confluent_kafka.admin")
    owner = admin.AdminClient({"test.mock.num.brokers": 3, "bootstrap.servers": "ignored"})
    found = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    del owner
