"""The way back to Zeek: against a server that speaks Zeek's handshake, and against Zeek where it is."""

import contextlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.server import ServerConnection, serve

from enricher.config import ZeekConfig
from enricher.errors import ConfigError
from enricher.model.verdict import Legs, Notice, NoticeServer, NoticeSession
from enricher.service.feedback import Feedback

ROOT = Path(__file__).resolve().parents[2]
PCAPS = ROOT / "pcaps"
ACK = '{"type":"ack","endpoint":"e-websocket-0","version":"8.0.10"}'
REFUSAL = '{"type":"error","code":"deserialization_failed","context":"failed to create Zeek event"}'

Answer = Callable[[ServerConnection, dict[str, Any]], None]


def notice(number: int) -> Notice:
    session = NoticeSession(
        uid=f"C{number}",
        ts=1.0,
        orig_h="10.0.0.5",
        orig_p=50000,
        resp_h="203.0.113.1",
        resp_p=443,
        community_id=None,
        anomalies=(),
        ja3=None,
        ja4="t13d",
        method=None,
    )
    return Notice(
        id=f"AN1496-{number}",
        revision=1,
        severity="high",
        score=60,
        summary=f"summary {number}",
        first=1795493274.25,
        last=2.0,
        count=1,
        host="ws-1",
        client=("10.0.0.5",),
        process=None,
        candidates=("viewer.exe",),
        server=NoticeServer(
            address="203.0.113.1", port=443, name=None, subject=None, issuer=None, cert_sha256=None, ja3s=None
        ),
        sessions=(session,),
        legs=Legs(process="present", library="present", session="present"),
        evidence=(),
        clock=None,
        unseen=(),
    )


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

    def __init__(self, answer: Answer, *, greeting: str = ACK, tls: ssl.SSLContext | None = None) -> None:
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
    return [str(problem) for problem in feedback.publish([notice(number) for number in numbers])]


def test_every_notice_is_told_in_order_and_confirmed() -> None:
    with StandIn(confirm) as zeek:
        assert published(zeek.url, 1, 2, 3) == []
    assert zeek.got == ["AN1496-1", "AN1496-2", "AN1496-3"]
    assert zeek.subscriptions == [["/an1496/receipts"]]
    assert zeek.paths == ["/v1/messages/json"]


def test_without_notices_nobody_is_asked() -> None:
    assert published("ws://127.0.0.1:1") == []


def test_no_address_means_no_way_back() -> None:
    assert Feedback.of(ZeekConfig()) is None


def test_receipts_of_other_notices_confirm_nothing() -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        other = json.loads(json.dumps(message))
        other["data"][2]["data"][1]["data"][1]["data"] = 7
        confirm(link, other)

    with StandIn(answer) as zeek:
        (problem,) = published(zeek.url, 1, timeout_seconds=0.3)
    assert "notice AN1496-1 was not confirmed within 0.3 s" in problem


def test_a_flood_of_foreign_events_does_not_keep_us() -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        message["data"][2]["data"][0]["data"] = "Other::event"
        with contextlib.suppress(Exception):
            while True:
                link.send(json.dumps(message))

    with StandIn(answer) as zeek:
        begin = time.monotonic()
        (problem,) = published(zeek.url, 1, timeout_seconds=0.3)
    assert "not confirmed" in problem
    assert time.monotonic() - begin < 5


def test_what_zeek_refuses_is_told_and_nothing_more_is_sent() -> None:
    with StandIn(lambda link, _: link.send(REFUSAL)) as zeek:
        (problem,) = published(zeek.url, 1, 2)
    assert "Zeek refuses: failed to create Zeek event (deserialization_failed)" in problem
    assert "load the AN1496 package" in problem
    assert zeek.got == ["AN1496-1"]


def test_a_connection_that_is_lost_is_opened_again_and_the_notice_repeated() -> None:
    lost = iter([True, False, False])

    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if next(lost):
            link.close()
        else:
            confirm(link, message)

    with StandIn(answer) as zeek:
        assert published(zeek.url, 1, 2) == []
    assert zeek.got == ["AN1496-1", "AN1496-1", "AN1496-2"]


def test_who_always_hangs_up_is_not_tried_for_ever() -> None:
    with StandIn(lambda link, _: link.close(1011, "bad \x1b[31m")) as zeek:
        (problem,) = published(zeek.url, 1, 2)
    assert "Zeek hung up" in problem
    assert "\x1b" not in problem
    assert zeek.got == ["AN1496-1", "AN1496-1"]


@pytest.mark.parametrize("greeting", ["hello", "{}", '{"type":"ack"}', "[" * 70000])
def test_another_service_is_told_apart(greeting: str) -> None:
    with StandIn(confirm, greeting=greeting) as zeek:
        (problem,) = published(zeek.url, 1)
    assert "does not speak Zeek's WebSocket API" in problem or "hung up" in problem
    assert zeek.got == []


def test_a_refusal_instead_of_a_greeting_is_told() -> None:
    with StandIn(confirm, greeting='{"type":"error","code":"invalid_uri","context":"use another"}') as zeek:
        (problem,) = published(zeek.url, 1)
    assert "Zeek refuses: use another (invalid_uri)" in problem


def test_nobody_there_is_one_clear_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (problem,) = published(f"ws://127.0.0.1:{port}", 1, 2)
    assert problem.startswith(f"ws://127.0.0.1:{port}/v1/messages/json: Zeek cannot be reached: connection refused; ")
    assert "\n" not in problem


def test_who_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (problem,) = published(f"ws://127.0.0.1:{silent.getsockname()[1]}", 1, timeout_seconds=0.3)
    assert "Zeek cannot be reached: timed out" in problem


def test_nobody_sends_us_elsewhere() -> None:
    with StandIn(confirm) as other, socket.create_server(("127.0.0.1", 0)) as first:

        def redirect() -> None:
            link, _ = first.accept()
            with link:
                link.recv(4096)
                link.sendall(f"HTTP/1.1 302 Found\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=redirect)
        thread.start()
        (problem,) = published(f"ws://127.0.0.1:{first.getsockname()[1]}", 1)
        thread.join()
    assert "Zeek cannot be reached" in problem
    assert other.subscriptions == []


def test_who_speaks_no_http_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            link, _ = other.accept()
            with link:
                link.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        (problem,) = published(f"ws://127.0.0.1:{other.getsockname()[1]}", 1)
        thread.join()
    assert "Zeek cannot be reached" in problem


@pytest.mark.parametrize(
    "url", ["", "http://z:1", "ws://", "ws://user@z", "ws://z:99999", "ws://z:0", "ws://[::1", "z"]
)
def test_what_is_no_websocket_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a WebSocket"):
        Feedback(ZeekConfig(url=url))


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


def test_over_tls_zeek_must_prove_who_it_is(tmp_path: Path) -> None:
    certificate, key = pem(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with StandIn(confirm, tls=tls) as zeek:
        url = f"wss://127.0.0.1:{zeek.port}"
        (problem,) = published(url, 1)
        assert "certificate verify failed" in problem
        assert published(url, 1, ca_bundle=str(certificate)) == []
    assert zeek.got == ["AN1496-1"]


def test_over_tls_we_prove_who_we_are_where_zeek_asks(tmp_path: Path) -> None:
    (certificate, key), (ours, our_key) = pem(tmp_path), pem(tmp_path, "ours")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ours))
    tls.load_cert_chain(certificate, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    with StandIn(confirm, tls=tls) as zeek:
        url = f"wss://127.0.0.1:{zeek.port}"
        assert len(published(url, 1, ca_bundle=str(certificate))) == 1
        assert published(url, 1, ca_bundle=str(certificate), certificate=str(ours), key=str(our_key)) == []
    assert zeek.got == ["AN1496-1"]


@pytest.mark.parametrize("field", ["ca_bundle", "certificate"])
def test_a_certificate_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, field: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=rf"{path.name}: .*check \[zeek\]"):
            Feedback(ZeekConfig(url="wss://z", **{field: str(path)}))


def replay(out: Path, url: str) -> subprocess.CompletedProcess[str]:
    words = ["replay", PCAPS / "demo/capture.pcap", "--endpoint", PCAPS / "demo", "--ca-bundle", PCAPS / "ca.pem"]
    command = [sys.executable, "-m", "enricher", *map(str, words), "--out", str(out), "--zeek", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def ids(out: Path) -> list[str]:
    lines = (out / "notices.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Notice).id for line in lines]


def test_replay_tells_zeek_what_it_wrote(tmp_path: Path) -> None:
    with StandIn(confirm) as zeek:
        done = replay(tmp_path, zeek.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert zeek.got == ids(tmp_path)
    assert zeek.got


def test_a_replay_that_cannot_reach_zeek_keeps_its_results_and_fails_with_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = replay(tmp_path, f"ws://127.0.0.1:{port}")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Zeek cannot be reached: connection refused" in line
    assert "Notices" in done.stdout
    assert ids(tmp_path)


def test_a_replay_with_a_wrong_address_does_not_begin(tmp_path: Path) -> None:
    done = replay(tmp_path / "out", "http://127.0.0.1")
    assert done.returncode == 2
    assert "write ws://host:port" in done.stderr
    assert not (tmp_path / "out" / "notices.jsonl").exists()


ZEEK = shutil.which("zeek")
SITE = """
@load {package}
redef exit_only_after_terminate = T;
redef AN1496::feedback_port = {port}/tcp;
redef AN1496::feedback_certificate = "{certificate}";
redef AN1496::feedback_key = "{key}";

redef record Notice::Info += {{
	about: string &log &optional;
}};

hook Notice::policy(n: Notice::Info)
	{{
	if ( n?$correlation )
		n$about = cat(n$correlation);
	}}

redef LogAscii::use_json = T;
redef LogAscii::json_timestamps = JSON::TS_EPOCH;
"""


@contextlib.contextmanager
def zeek_running(folder: Path, *, tls: bool = False) -> Iterator[str]:
    """A Zeek with the package, somewhere on loopback; its WebSocket's address."""
    assert ZEEK is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    certificate, key = pem(folder) if tls else ("", "")
    site = folder / "site.zeek"
    site.write_text(SITE.format(package=ROOT / "zeek_scripts", port=port, certificate=certificate, key=key))
    with (folder / "zeek.out").open("wb") as out:
        process = subprocess.Popen(
            [ZEEK, site], cwd=folder, stdout=out, stderr=out, env=os.environ | {"TZ": "Asia/Tokyo"}
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, (folder / "zeek.out").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def noticed(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "notice.log").read_text().splitlines()]
    return [line for line in found if line["note"] == "AN1496::Correlated_Process"]


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_zeek_raises_a_notice_for_each_of_ours_and_once(tmp_path: Path) -> None:
    begin = time.time()
    with zeek_running(tmp_path) as url:
        assert published(url, 1, 2, timeout_seconds=20) == []
        assert published(url, 1, timeout_seconds=20) == []
    first, second = noticed(tmp_path)
    assert first["uid"] == "C1"
    assert first["msg"] == "summary 1"
    assert first["sub"] == "high, viewer.exe on ws-1: "
    assert (first["id.orig_h"], first["id.orig_p"], first["id.resp_h"], first["id.resp_p"], first["proto"]) == (
        "10.0.0.5",
        50000,
        "203.0.113.1",
        443,
        "tcp",
    )
    assert begin - 1 < first["ts"] < time.time() + 1
    for fact in ("id=AN1496-1", "revision=1", "severity=high", "score=60", "ts=1795493274.25", "process=viewer.exe"):
        assert fact in first["about"]
    assert second["uid"] == "C2"


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_zeek_is_told_over_tls(tmp_path: Path) -> None:
    with zeek_running(tmp_path, tls=True) as url:
        (problem,) = published(url, 1, timeout_seconds=20)
        assert "certificate verify failed" in problem
        assert published(url, 1, timeout_seconds=20, ca_bundle=str(tmp_path / "zeek.pem")) == []
    assert [line["uid"] for line in noticed(tmp_path)] == ["C1"]
