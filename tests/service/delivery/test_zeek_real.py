"""The way back to a Zeek that has the package, where there is one."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from enricher.model.verdict import Notice
from enricher.service.delivery.writer import Record, Sent, UnavailableError
from enricher.service.delivery.zeek import Zeek
from enricher.service.live.telling import withdrawn
from enricher.sinks.encoding import Origin
from enricher.sinks.settings import ZeekSink

ROOT = Path(__file__).resolve().parents[3]
ZEEK = shutil.which("zeek")
pytestmark = pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
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
{more}
"""
BARE = """
@load base/frameworks/cluster
redef exit_only_after_terminate = T;

event zeek_init()
	{{
	Cluster::listen_websocket(Cluster::WebSocketServerOptions($listen_addr=127.0.0.1, $listen_port={port}/tcp));
	}}
"""


@contextlib.contextmanager
def zeek_running(
    folder: Path, certificate: Path | str = "", key: Path | str = "", *, text: str = SITE, more: str = ""
) -> Iterator[str]:
    """A Zeek with the package, somewhere on loopback; its WebSocket's address."""
    assert ZEEK is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = folder / "site.zeek"
    site.write_text(text.format(package=ROOT / "zeek_scripts", port=port, certificate=certificate, key=key, more=more))
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
        yield f"{'wss' if certificate else 'ws'}://localhost:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def noticed(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "notice.log").read_text().splitlines()]
    return [line for line in found if line["note"] == "AN1496::Correlated_Process"]


def published(url: str, *notices: Notice, **settings: Any) -> Sent:
    writer = Zeek(ZeekSink(url=url, timeout_seconds=20.0, **settings))
    try:
        return writer.send([Record(each, writer.encoding.encode(each, Origin())) for each in notices])
    finally:
        writer.close()


@pytest.fixture
def notices(make: Any) -> list[Notice]:
    return [
        make.notice(
            number,
            first=1795493274.25,
            candidates=("viewer.exe",),
            sessions=tuple(msgspec.structs.replace(each, ja4="t13d") for each in make.notice(number).sessions),
        )
        for number in (1, 2)
    ]


def test_zeek_raises_a_notice_for_each_of_ours_and_once(tmp_path: Path, notices: Any) -> None:
    begin = time.time()
    with zeek_running(tmp_path) as url:
        assert published(url, *notices) == Sent()
        assert published(url, notices[0]) == Sent()
    first, second = noticed(tmp_path)
    assert first["uid"] == "C1"
    assert first["msg"] == "a.exe opened a TLS session, number 1"
    assert first["sub"] == "high, viewer.exe on ws1: It is not signed (+15)"
    assert (first["id.orig_h"], first["id.orig_p"], first["id.resp_h"], first["id.resp_p"], first["proto"]) == (
        "10.0.0.5",
        50000,
        "203.0.113.7",
        443,
        "tcp",
    )
    assert begin - 1 < first["ts"] < time.time() + 1
    about = ("id=AN1496-0000000000000001", "revision=1", "severity=high", "score=88", "ts=1795493274.25")
    for fact in (*about, "process=viewer.exe"):
        assert fact in first["about"]
    assert second["uid"] == "C2"


def test_zeek_is_told_that_a_notice_is_withdrawn(tmp_path: Path, notices: Any) -> None:
    with zeek_running(tmp_path) as url:
        assert published(url, notices[0], withdrawn(notices[0])) == Sent()
    _, last = noticed(tmp_path)
    assert last["msg"].startswith("Withdrawn: ")
    assert (last["n"], last["id.orig_h"], last["id.resp_h"], last["id.resp_p"]) == (0, "10.0.0.5", "203.0.113.7", 443)


def test_a_zeek_that_is_silent_for_long_is_told_again_over_a_new_connection(tmp_path: Path, notices: Any) -> None:
    with zeek_running(tmp_path, more="redef Cluster::default_websocket_ping_interval = 1sec;") as url:
        writer = Zeek(ZeekSink(url=url, timeout_seconds=20.0))
        for each in notices:
            assert writer.send([Record(each, writer.encoding.encode(each, Origin()))]) == Sent()
            time.sleep(3)
        writer.close()
    assert [line["uid"] for line in noticed(tmp_path)] == ["C1", "C2"]


def test_a_zeek_without_the_package_is_told_apart(tmp_path: Path, notices: Any) -> None:
    with zeek_running(tmp_path, text=BARE) as url, pytest.raises(UnavailableError, match="load the AN1496 package"):
        published(url, *notices)


def test_zeek_is_told_over_tls(tmp_path: Path, notices: Any, pki: Any) -> None:
    with zeek_running(tmp_path, pki.certificate, pki.key) as url:
        with pytest.raises(UnavailableError, match="its certificate is not accepted"):
            published(url, notices[0])
        assert published(url, notices[0], ca_file=str(pki.certificate)) == Sent()
    assert [line["uid"] for line in noticed(tmp_path)] == ["C1"]
