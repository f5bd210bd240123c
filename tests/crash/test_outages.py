"""The real service while what it needs is full or fails over: it reads no further, says so, and catches up."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from enricher.join.server import EmbeddedServer, find_binary
from live_site import Site, read

PATIENCE = 60.0
BATCH = 20

Act = Callable[[], Any]


def until(done: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """A store on loopback."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder / str(self.port)
        self.folder.mkdir()
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "logfile": os.devnull}
        options |= {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": 0}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([find_binary(), *words])
        self.admin = redis.Redis(port=self.port, decode_responses=True)
        until(self.answers)

    def answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(self.admin.ping())
        return False

    def copies(self, primary: "Server") -> None:
        self.admin.replicaof("127.0.0.1", str(primary.port))
        until(lambda: self.admin.info("replication")["master_link_status"] == "up")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    with ExitStack() as stack:

        def one() -> Server:
            server = Server(tmp_path)
            stack.callback(server.kill)
            return server

        yield one


class Address:
    """One address that leads to one server, then to another, as a balancer or a virtual address does."""

    def __init__(self, target: Server) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target.port))
                except OSError:
                    near.close()
                    continue
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


class Outage:
    """A service that reads a list on a Redis of its own, and what happens to what it needs meanwhile."""

    def __init__(self, folder: Path, url: str, broker: EmbeddedServer, lines: list[bytes], **more: str) -> None:
        self.broker = redis.Redis(unix_socket_path=str(broker.socket))
        self._lines = lines
        self._log = folder / "log"
        self._port = free_port()
        source = f'[[sources]]\ntype = "redis_list"\nurl = "{broker.url}"\nkey = "events"'
        live = f'worker = "w", batch = {BATCH}, metrics_port = {self._port}'
        self.site = Site(folder, url, source, live=live, **more)

    def begins_and_ends(self, begin: Act, words: str, end: Act) -> None:
        """When half was read, it begins; it ends when the rest was seen not to be read."""
        half = len(self._lines) // 2
        with self._running() as process:
            self.broker.rpush("events", *self._lines[:half])
            until(self._all_is_safe)
            begin()
            self.broker.rpush("events", *self._lines[half:])
            self._says("waiting", words)
            self._stands_still(words)
            end()
            self._says("going on")
            until(self._all_is_safe)
            assert json.loads(self._page("health"))["wrong"] is None
            process.terminate()
            assert process.wait(20) == 0
        self.site.once()

    def _all_is_safe(self) -> bool:
        return not self.broker.exists("events", "events:an1496:w")

    def _stands_still(self, words: str) -> None:
        left = self.broker.llen("events")
        assert left
        assert words in json.loads(self._page("health"))["wrong"]
        until(lambda: 'an1496_failures_total{what="round"}' in self._page("metrics"))
        time.sleep(0.5)
        assert self.broker.llen("events") == left

    def _page(self, name: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/{name}", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:  # when it lasts, it is not well
            return error.read().decode()

    @contextmanager
    def _running(self) -> Iterator["subprocess.Popen[bytes]"]:
        with self._log.open("wb") as log, subprocess.Popen(self.site.words, stderr=log) as process:
            try:
                yield process
            finally:
                process.kill()

    def _says(self, event: str, words: str = "") -> None:
        until(lambda: any(said["event"] == event and words in said.get("error", "") for said in read(self._log)))


@pytest.fixture
def outage(tmp_path: Path, server: EmbeddedServer, lines: list[bytes]) -> Callable[..., Outage]:
    return lambda url, **more: Outage(tmp_path, url, server, lines, **more)


def test_a_store_that_is_out_of_memory_loses_nothing(outage: Any, serve: Any, replayed: Path) -> None:
    store = serve()
    here = outage(f"redis://127.0.0.1:{store.port}")
    here.begins_and_ends(
        lambda: store.admin.config_set("maxmemory", "1"),
        "out of memory",
        lambda: store.admin.config_set("maxmemory", 0),
    )
    here.site.agrees_with(replayed)


def test_a_store_that_cannot_write_to_its_disk_loses_nothing(outage: Any, serve: Any, replayed: Path) -> None:
    store = serve()

    def fill() -> None:
        shutil.rmtree(store.folder)  # which fails as a full disk does
        store.admin.config_set("save", "3600 1")
        store.admin.bgsave()
        until(lambda: store.admin.info("persistence")["rdb_last_bgsave_status"] == "err")

    here = outage(f"redis://127.0.0.1:{store.port}")
    here.begins_and_ends(fill, "cannot write its data to disk", lambda: store.admin.config_set("save", ""))
    here.site.agrees_with(replayed)


def test_a_store_whose_replica_takes_its_place_loses_nothing(outage: Any, serve: Any, replayed: Path) -> None:
    first, second, third = serve(), serve(), serve()
    second.copies(first)
    address = Address(first)

    def fail_over() -> None:
        first.kill()
        address.target = second  # the address moved, while nobody has promoted it yet

    def promote() -> None:
        second.admin.replicaof("NO", "ONE")
        third.copies(second)

    here = outage(address.url, store="replicas = 1")
    here.begins_and_ends(fail_over, "is a read-only replica", promote)
    here.site.agrees_with(replayed)
    address.close()


@pytest.mark.parametrize(
    ("full", "words"),
    [(["ledger.jsonl"], "the ledger cannot be written"), (["notices.jsonl", "dead-letters.jsonl"], "dead letters")],
)
def test_a_full_disk_loses_nothing(
    outage: Any, serve: Any, tmp_path: Path, replayed: Path, full: list[str], words: str
) -> None:
    def fill() -> None:
        for name in full:
            with suppress(FileNotFoundError):
                (tmp_path / name).rename(tmp_path / f"{name}.1")
            (tmp_path / name).symlink_to("/dev/full")

    def make_room() -> None:
        for name in full:
            (tmp_path / name).unlink()
            with suppress(FileNotFoundError):
                (tmp_path / f"{name}.1").rename(tmp_path / name)

    here = outage(f"redis://127.0.0.1:{serve().port}", sink="retry_seconds = 0")
    here.begins_and_ends(fill, words, make_room)
    here.site.agrees_with(replayed)
