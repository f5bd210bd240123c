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

import pytest

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
"""


@contextlib.contextmanager
def zeek_running(folder: Path, certificate: Path | str = "", key: Path | str = "") -> Iterator[str]:
    """A Zeek with the package, somewhere on loopback; its WebSocket's address."""
    assert ZEEK is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
        yield f"{'wss' if certificate else 'ws'}://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def noticed(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "notice.log").read_text().splitlines()]
    return [line for line in found if line["note"] == "AN1496::Correlated_Process"]


def test_zeek_raises_a_notice_for_each_of_ours_and_once(tmp_path: Path, published: Any) -> None:
    begin = time.time()
    with zeek_running(tmp_path) as url:
        assert published(url, 1, 2, timeout_seconds=20) == []
        assert published(url, 1, timeout_seconds=20) == []
    first, second = noticed(tmp_path)
    assert first["uid"] == "C1"
    assert first["msg"] == "summary 1"
    assert first["sub"] == "high, viewer.exe on ws-1: "
    assert (first["id.orig_h"], first["id.orig_p"], first["id.resp_h"], first["id.resp_p"], first["proto"]) == (
        "10.0.0.1",
        50000,
        "203.0.113.1",
        443,
        "tcp",
    )
    assert begin - 1 < first["ts"] < time.time() + 1
    for fact in ("id=AN1496-1", "revision=1", "severity=high", "score=60", "ts=1795493274.25", "process=viewer.exe"):
        assert fact in first["about"]
    assert second["uid"] == "C2"


def test_zeek_is_told_over_tls(tmp_path: Path, published: Any, pem: Any) -> None:
    with zeek_running(tmp_path, *pem(tmp_path)) as url:
        (problem,) = published(url, 1, timeout_seconds=20)
        assert "certificate verify failed" in problem
        assert published(url, 1, timeout_seconds=20, ca_bundle=str(tmp_path / "zeek.pem")) == []
    assert [line["uid"] for line in noticed(tmp_path)] == ["C1"]
