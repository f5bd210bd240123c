"""Somebody who speaks Zeek's end of its WebSocket API."""

import json
import ssl
import threading
from collections.abc import Callable
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
        self._server = serve(self._talk, "127.0.0.1", 0, ssl=tls)
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
