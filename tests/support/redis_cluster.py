"""A real Redis Cluster on loopback: three masters, each with a replica."""

import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from enricher.join.server import find_binary

_SLOTS = 16384
_NODES = 6


def _free_port() -> int:
    """A port whose bus port (10,000 above) is free, too."""
    while True:
        with socket.socket() as one, socket.socket() as bus:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port > 50_000:
                continue
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


class RealCluster:
    """Six server processes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.ports: list[int] = []
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        while len(self.ports) < _NODES:
            self._start(port := _free_port())
            self.ports.append(port)
        for port in self.ports:
            self._until(lambda port=port: self.node(port).ping(), redis.ConnectionError)
        self._join()

    @property
    def url(self) -> str:
        """All nodes, as `store.url` takes them."""
        return "redis://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def node(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, decode_responses=True)

    def masters(self) -> dict[int, tuple[int, int]]:
        """Port → first and last slot, of those that live."""
        for port in self.ports:
            if self._processes[port].poll() is None:
                found = self.node(port).execute_command("CLUSTER", "SLOTS")
                return {int(master[1]): (first, last) for first, last, master, *_ in found}
        raise AssertionError("no node lives")

    def kill(self, port: int) -> None:
        """As the kernel does it."""
        self._processes[port].send_signal(signal.SIGKILL)
        self._processes[port].wait()

    def replace(self, port: int) -> None:
        """Kill a master, and start it again once its replica took its place, whose replica it then is."""
        span = self.masters()[port]
        self.kill(port)
        self._until(lambda: any(own == span for other, own in self.masters().items() if other != port))
        self._start(port)

    def move(self, slot: int, source: int, target: int) -> None:
        """Move a slot with its keys, as `redis-cli --cluster reshard` does."""
        ids = {port: self.node(port).execute_command("CLUSTER", "MYID") for port in (source, target)}
        self.node(target).execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        self.node(source).execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        while keys := self.node(source).execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            for key in keys:
                self.node(source).execute_command("MIGRATE", "127.0.0.1", target, key, 0, 5000)
        for port in (target, source, *(set(self.masters()) - {source, target})):
            self.node(port).execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])

    def _start(self, port: int) -> None:
        folder = Path(self._folder.name) / str(port)
        folder.mkdir(exist_ok=True)
        options = {
            "port": port, "bind": "127.0.0.1", "cluster-enabled": "yes", "cluster-node-timeout": 1000, "save": "",
            "dir": folder, "logfile": folder / "log", "repl-diskless-sync-delay": 0,
            "cluster-replica-validity-factor": 0,
        }  # fmt: skip
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._processes[port] = subprocess.Popen([find_binary(), *words], stdout=subprocess.DEVNULL)

    def _join(self) -> None:
        masters, replicas = self.ports[: _NODES // 2], self.ports[_NODES // 2 :]
        edges = [n * _SLOTS // len(masters) for n in range(len(masters) + 1)]
        for port, first, end in zip(masters, edges, edges[1:], strict=False):
            self.node(port).execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for epoch, port in enumerate(self.ports, 1):
            self.node(port).execute_command("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for port in self.ports[1:]:
            self.node(self.ports[0]).execute_command("CLUSTER", "MEET", "127.0.0.1", port)
        for port in self.ports:
            self._until(lambda port=port: self._says(port, f"cluster_known_nodes:{_NODES}"))
        for master, replica in zip(masters, replicas, strict=True):
            id_ = self.node(master).execute_command("CLUSTER", "MYID")
            self._until(
                lambda r=replica, i=id_: self.node(r).execute_command("CLUSTER", "REPLICATE", i), redis.ResponseError
            )
        for port in self.ports:
            self._until(lambda port=port: self._says(port, "cluster_state:ok"))
        for port in masters:
            self._until(lambda port=port: self.node(port).info("replication")["slave0"]["state"] == "online", KeyError)

    def _says(self, port: int, line: str) -> bool:
        return line in str(self.node(port).execute_command("CLUSTER", "INFO")).split()

    @staticmethod
    def _until(holds, *errors: type[Exception]) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                if holds():
                    return
            except errors:
                pass
            assert time.monotonic() < end, "the cluster does not come up"
            time.sleep(0.05)

    def close(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()
