"""Sessions over Zeek's WebSocket: from a stand-in that speaks its format, and from a real Zeek where there is one."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from enricher.config import Config, ZeekSource
from enricher.errors import ConfigError, InputError
from enricher.service.live.sources.zeek import ZeekSessions

ROOT = Path(__file__).resolve().parents[4]
ZEEK = shutil.which("zeek")
ACK = '{"type":"ack","endpoint":"e-websocket-0","version":"8.0.10"}'
RECORD = {
    "ts": 1772359200.25,
    "uid": "C1",
    "id": {
        "orig_h": "192.0.2.7",
        "orig_p": {"port": 49678, "proto": "tcp"},
        "resp_h": "198.51.100.9",
        "resp_p": {"port": 443, "proto": "tcp"},
        "ctx": {},
    },
    "proto": "tcp",
    "certificate": {"subject": "CN=a"},
    "san": {"dns": ["a.example"]},
    "anomalies": ["self_signed"],
    "anomaly_facts": ["CN=a"],
}


def event(text: str, name: str = "AN1496::session_published_v1") -> str:
    """As Broker's JSON has it."""
    arguments = {"@data-type": "vector", "data": [{"@data-type": "string", "data": text}]}
    call = {"@data-type": "vector", "data": [{"@data-type": "string", "data": name}, arguments]}
    one = {"@data-type": "count", "data": 1}
    message = {"type": "data-message", "topic": "/an1496/sessions", "@data-type": "vector", "data": [one, one, call]}
    return json.dumps(message)


@contextlib.contextmanager
def stand_in(
    talk: Callable[[ServerConnection], None], tls: ssl.SSLContext | None = None, *, greeting: str = ACK
) -> Iterator[str]:
    """Zeek's end: greets whoever subscribes to the sessions, then says what it is told to say, and hangs up."""

    def greet(link: ServerConnection) -> None:
        assert json.loads(link.recv()) == ["/an1496/sessions"]
        link.send(greeting)
        talk(link)

    with serve(greet, "127.0.0.1", 0, ssl=tls, close_timeout=0.2) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'wss' if tls else 'ws'}://localhost:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def source() -> Iterator[Callable[..., ZeekSessions]]:
    with contextlib.ExitStack() as stack:

        def make(url: str, most: int = 100, **settings: Any) -> ZeekSessions:
            made = ZeekSessions("z", ZeekSource(url=url, timeout_seconds=5.0, **settings), most=most)
            stack.callback(made.close)
            return made

        yield make


def until(done: Callable[[], Any], patience: float = 20.0) -> Any:
    deadline = time.monotonic() + patience
    while not (found := done()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_published_session_is_the_logs(source: Any) -> None:
    def talk(link: ServerConnection) -> None:
        link.send(event(json.dumps(RECORD)))
        link.recv(5)

    with stand_in(talk) as url:
        zeek = source(url)
        (found,) = until(zeek.read)
        zeek.close()
    assert (found.uid, found.orig_h, found.orig_p, found.resp_p, found.sensor) == (
        "C1",
        "192.0.2.7",
        49678,
        443,
        "an1496.log",
    )
    assert (found.cert_subject, found.san_dns, found.anomalies) == ("CN=a", ("a.example",), ("self_signed",))
    assert found.source.startswith("z:")


def test_a_large_record_that_comes_in_pieces_is_whole(source: Any) -> None:
    names = [f"{'x' * 200}{n}.example" for n in range(500)]
    text = event(json.dumps(RECORD | {"san": {"dns": names}}))
    sent = threading.Event()

    def pieces() -> Iterator[str]:
        yield text[:1000]
        sent.wait(5)
        yield text[1000:]

    def talk(link: ServerConnection) -> None:
        link.send(pieces())
        link.recv(5)

    with stand_in(talk) as url:
        zeek = source(url)
        assert list(zeek.read()) == []
        assert list(zeek.read()) == []
        sent.set()
        (found,) = until(zeek.read)
        zeek.close()
    assert len(found.san_dns) == 500


def test_a_zeek_that_hangs_up_is_away_and_heard_again(source: Any) -> None:
    with stand_in(lambda link: link.send(event(json.dumps(RECORD)))) as url:
        zeek = source(url)
        assert until(zeek.read)[0].uid == "C1"
        with pytest.raises(InputError, match="Zeek hung up"):
            until(zeek.read)
        assert until(zeek.read)[0].uid == "C1"


def test_nobody_there_is_an_error_in_words(source: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match="refused"):
        source(url).read()


def test_what_is_no_session_is_a_problem_and_the_next_is_read(source: Any) -> None:
    def talk(link: ServerConnection) -> None:
        for text in (event("[]"), event("x", "Other::event"), event("no JSON"), event(json.dumps(RECORD))):
            link.send(text)
        link.recv(5)

    with stand_in(talk) as url:
        zeek = source(url)
        assert [record.uid for record in until(zeek.read)] == ["C1"]
        assert [problem.what for problem in zeek.problems()] == ["a session that is no JSON object"] * 2
        zeek.close()


def test_who_does_not_greet_is_no_zeek(source: Any) -> None:
    session = event(json.dumps(RECORD))
    with stand_in(lambda link: link.recv(5), greeting=session) as url, pytest.raises(InputError, match="not greet"):
        source(url).read()


def test_one_reading_is_bounded(source: Any) -> None:
    def talk(link: ServerConnection) -> None:
        for _ in range(5):
            link.send(event(json.dumps(RECORD)))
        link.recv(5)

    with stand_in(talk) as url:
        zeek = source(url, most=2)
        assert len(until(zeek.read)) <= 2
        zeek.close()


def test_over_tls_both_prove_who_they_are(source: Any, pki: Any, tmp_path: Path) -> None:
    def talk(link: ServerConnection) -> None:
        link.send(event(json.dumps(RECORD)))
        link.recv(5)

    ours = type(pki)(tmp_path)
    context = pki.context()
    context.load_verify_locations(ours.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    files = {"certificate": str(ours.certificate), "key": str(ours.key)}
    with stand_in(talk, context) as url:
        for lacking in ({"ca_file": str(pki.certificate)}, files):
            with pytest.raises(InputError, match="hung up"):
                source(url, **lacking).read()
        zeek = source(url, ca_file=str(pki.certificate), **files)
        assert [record.uid for record in until(zeek.read)] == ["C1"]
        zeek.close()


def test_an_address_that_is_no_websockets_is_refused() -> None:
    with pytest.raises(ConfigError):
        ZeekSessions("z", ZeekSource(url="http://h:1"), most=1)
    with pytest.raises(ConfigError, match="has none"):
        Config.parse(b'[[sources]]\ntype = "zeek"\nurl = "ws://h:1"\nformat = "ecs"\n', "c.toml")


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_a_real_zeek_publishes_what_it_logs(source: Any, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "site.zeek").write_text(
        f"@load {ROOT / 'zeek_scripts'}\n"
        f"redef AN1496::feedback_port = {port}/tcp;\n"
        "redef AN1496::publish_sessions = T;\n"
        "redef exit_only_after_terminate = T;\n"
        "redef LogAscii::use_json = T;\n"
        # The capture waits until somebody listens.
        "event zeek_init() { suspend_processing(); }\n"
        "event Cluster::websocket_client_added(endpoint: Cluster::EndpointInfo, subscriptions: string_vec)\n"
        "\t{ continue_processing(); }\n"
    )
    assert ZEEK is not None
    capture = ROOT / "pcaps" / "demo" / "capture.pcap"
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [ZEEK, "-C", "-r", str(capture), "site.zeek"], cwd=tmp_path, stdout=out, stderr=out, env=dict(os.environ)
        )
    try:
        zeek = source(f"ws://127.0.0.1:{port}")

        def listening() -> bool:
            assert process.poll() is None, (tmp_path / "out").read_text()
            with contextlib.suppress(InputError):
                zeek.read()
                return True
            return False

        until(listening, 60)
        found: list[Any] = []
        log = tmp_path / "an1496.log"

        def all_there() -> bool:
            found.extend(zeek.read())
            logged = log.read_text().splitlines() if log.exists() else []
            return bool(logged) and len(found) >= len(logged)

        until(all_there, 40)
        time.sleep(1)
        found.extend(zeek.read())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert sorted(record.uid for record in found) == sorted(row["uid"] for row in logged)
    one = next(row for row in logged if "certificate.subject" in row)
    same = next(record for record in found if record.uid == one["uid"])
    assert (same.cert_subject, same.ts, same.orig_p) == (one["certificate.subject"], one["ts"], one["id.orig_p"])
