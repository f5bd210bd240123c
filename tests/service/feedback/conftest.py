"""Notices, somebody who speaks Zeek's handshake to publish them to, and certificates."""

import importlib.util
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.server import ServerConnection, serve

from enricher.config import ZeekConfig
from enricher.service.feedback import Feedback

ACK = '{"type":"ack","endpoint":"e-websocket-0","version":"8.0.10"}'
SPEC = importlib.util.spec_from_file_location(
    "publish", Path(__file__).resolve().parents[2] / "zeek" / "Scripts" / "publish.py"
)
assert SPEC is not None
assert SPEC.loader is not None
publish = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(publish)

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
        return f"ws://127.0.0.1:{self.port}"


def published(url: str, *numbers: int, **config: Any) -> list[str]:
    feedback = Feedback.of(ZeekConfig(url=url, **{"timeout_seconds": 5.0} | config))
    assert feedback is not None
    return [str(problem) for problem in feedback.publish(map(publish.notice, numbers))]


def pem(folder: Path, name: str = "zeek") -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret


@pytest.fixture(name="stand_in")
def _stand_in() -> type[StandIn]:
    return StandIn


@pytest.fixture(name="confirm")
def _confirm() -> Answer:
    return confirm


@pytest.fixture(name="published")
def _published() -> Callable[..., list[str]]:
    return published


@pytest.fixture(name="pem")
def _pem() -> Callable[..., tuple[Path, Path]]:
    return pem
