"""A notice, time that tests move, and servers on loopback that are strict about what they are sent."""

import gzip
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from enricher.model.verdict import Evidence, Legs, Notice, NoticeServer, NoticeSession
from enricher.service.delivery.dead_letters import DeadLetters
from enricher.service.delivery.writer import Record
from enricher.sinks.encoding import ENCODINGS, Origin

T0 = 1_650_000_000.0
ORIGIN = Origin("sensor-1.example", "1.2.3")


class Time:
    """A clock on which a sleep takes no time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return T0 + self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def notice(number: int = 0, revision: int = 1, **changes: Any) -> Notice:
    facts: dict[str, Any] = {
        "id": f"AN1496-{number:016x}",
        "revision": revision,
        "severity": "high",
        "score": 88,
        "summary": f"a.exe opened a TLS session, number {number}",
        "first": T0,
        "last": T0,
        "count": 1,
        "host": "ws1",
        "client": ("10.0.0.5",),
        "process": None,
        "candidates": (),
        "server": NoticeServer(
            address="203.0.113.7", port=443, name=None, subject=None, issuer=None, cert_sha256=None, ja3s=None
        ),
        "sessions": (
            NoticeSession(
                uid=f"C{number}", ts=T0, orig_h="10.0.0.5", orig_p=50000, resp_h="203.0.113.7", resp_p=443,
                community_id=None, anomalies=(), ja3=None, ja4=None, method=None,
            ),
        ),
        "legs": Legs(process="present", library="present", session="present"),
        "evidence": (Evidence(id="unsigned", leg="process", weight=15, text="It is not signed."),),
        "clock": None,
        "unseen": (),
    }  # fmt: skip
    return Notice(**{**facts, **changes})


class Make:
    """What most tests need."""

    origin = ORIGIN

    def notices(self, count: int, start: int = 0) -> list[Notice]:
        return [notice(number) for number in range(start, start + count)]

    def notice(self, number: int = 0, **changes: Any) -> Notice:
        return notice(number, **changes)

    def records(self, count: int, encoding: str = "json") -> list[Record]:
        encode = ENCODINGS[encoding].encode
        return [Record(each, encode(each, ORIGIN)) for each in self.notices(count)]


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def dead(tmp_path: Path, clock: Time) -> DeadLetters:
    return DeadLetters(tmp_path / "dead.jsonl", 1 << 20, clock)


@pytest.fixture
def letters(dead: DeadLetters) -> Callable[[], list[dict[str, Any]]]:
    """What the dead-letter file holds."""

    def read() -> list[dict[str, Any]]:
        if not dead.path.exists():
            return []
        return [json.loads(line) for line in dead.path.read_bytes().splitlines()]

    return read


class Request:
    """What a server was sent."""

    def __init__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.method, self.path, self.headers = handler.command, handler.path, handler.headers
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.raw = body
        self.body = gzip.decompress(body) if handler.headers.get("Content-Encoding") == "gzip" else body

    @property
    def lines(self) -> list[Any]:
        """The body as JSON lines, each ended."""
        assert self.body.endswith(b"\n")
        return [json.loads(line) for line in self.body.splitlines()]


Reply = tuple[int, dict[str, str], bytes]


class Server:
    """An HTTP server; `replies` are given one by one, the last for ever. A reply may also be a function of the request,
    or None: hang up in the middle of an answer."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.replies: list[Any] = [(200, {}, b"{}")]
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                request = Request(self)
                outer.requests.append(request)
                reply = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                if callable(reply):
                    reply = reply(request)
                if reply is None:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                    self.close_connection = True
                    return
                status, headers, body = reply
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = answer

            def log_message(self, *words: Any) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *words: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://{'127.0.0.1' if context is None else 'localhost'}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def tls_server(pki: Any) -> Iterator[Server]:
    made = Server(pki.context())
    yield made
    made.close()


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
