"""What the service manager hears."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.join.server import EmbeddedServer
from enricher.service.systemd import Notifier, prefix


class Manager:
    """The other end of a notification socket."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(20)
        self.address = address

    def hears(self) -> str:
        return self._socket.recv(4096).decode()

    def hears_nothing(self) -> bool:
        self._socket.settimeout(0.05)
        try:
            return not self._socket.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(20)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path: Path) -> Iterator[Manager]:
    heard = Manager(str(tmp_path / "s") if request.param == "path" else f"@an1496-test-{os.getpid()}")
    yield heard
    heard.close()


def test_each_state_is_one_datagram(manager: Manager) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.address})
    notifier.ready()
    notifier.stopping()
    assert [manager.hears() for _ in range(2)] == ["READY=1", "STOPPING=1"]
    notifier.close()


def test_signs_of_life_are_given_four_times_as_often_as_they_are_wanted(manager: Manager) -> None:
    now = [0.0]
    notifier = Notifier({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "8000000"}, lambda: now[0])
    for now[0] in (0.0, 1.0, 1.9, 2.0, 2.1, 3.9):
        notifier.alive()
    assert [manager.hears(), manager.hears()] == ["WATCHDOG=1"] * 2
    assert manager.hears_nothing()
    notifier.close()


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "x"}])
def test_nobody_who_wants_no_signs_of_life_gets_any(manager: Manager, more: dict[str, str]) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.address, **more})
    notifier.alive()
    assert manager.hears_nothing()
    notifier.close()


def test_without_a_manager_nothing_happens(tmp_path: Path) -> None:
    for address in ("", "relative", str(tmp_path / "nobody")):
        notifier = Notifier({"NOTIFY_SOCKET": address} if address else {})
        notifier.ready()
        notifier.close()


def test_lines_have_a_priority_only_where_the_journal_reads_them(tmp_path: Path, monkeypatch) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert prefix("error", stream) == ""
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert (prefix("error", stream), prefix("info", stream), prefix("warning", stream)) == ("<3>", "<6>", "<4>")
        assert prefix("error", io.StringIO()) == ""
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")
        assert prefix("error", stream) == ""


def test_a_service_says_that_it_is_ready_alive_and_about_to_end_and_writes_lines_with_priorities(
    manager: Manager, tmp_path: Path
) -> None:
    with EmbeddedServer() as server, (tmp_path / "journal").open("wb") as journal:
        config = tmp_path / "an1496.toml"
        config.write_text(f'store.url = "{server.url}"\n[[sources]]\ntype = "tail"\npath = "{tmp_path}/log"\n')
        status = os.fstat(journal.fileno())
        env = dict(
            os.environ,
            NOTIFY_SOCKET=manager.address,
            WATCHDOG_USEC="400000",
            JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}",
        )
        command = [sys.executable, "-m", "enricher", "run", "-c", str(config)]
        with subprocess.Popen(command, stderr=journal, env=env) as process:
            heard = [manager.hears() for _ in range(4)]
            process.send_signal(signal.SIGTERM)
            while heard[-1] != "STOPPING=1":
                heard.append(manager.hears())
            assert process.wait(20) == 0
    assert heard[0] == "READY=1"
    assert set(heard[1:-1]) == {"WATCHDOG=1"}
    lines = (tmp_path / "journal").read_text().splitlines()
    assert all(re.fullmatch(r"<6>\{.*\}", line) for line in lines)
    assert len(lines) == 2


def test_a_service_whose_store_is_away_is_alive(manager: Manager, tmp_path: Path) -> None:
    config = tmp_path / "an1496.toml"
    config.write_text(f'store.url = "unix://{tmp_path}/nobody"\n[[sources]]\ntype = "tail"\npath = "{tmp_path}/log"\n')
    env = dict(os.environ, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="400000")
    command = [sys.executable, "-m", "enricher", "run", "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=env) as process:
        assert [manager.hears() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
        process.kill()
