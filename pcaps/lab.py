"""A small office in network namespaces: one bridge that is also every server, one namespace per client host.

The capture is taken on the bridge, so each packet is seen once, with the bad checksums that offloading leaves.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NET = "an1496-net"
BRIDGE = "br0"


def sh(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


class Lab:
    """Namespaces and the processes in them; `close` removes both."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._hosts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._running: list[subprocess.Popen[bytes]] = []
        for stale in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.split():
            if stale.startswith("an1496-"):
                sh("ip", "netns", "del", stale)
        sh("ip", "netns", "add", NET)
        self._in_net("ip", "link", "add", BRIDGE, "type", "bridge")
        self._in_net("ip", "link", "set", "lo", "up")
        self._in_net("ip", "link", "set", BRIDGE, "up")
        for address in ("10.20.0.1/16", "2001:db8:20::1/64"):
            self._in_net("ip", "address", "add", address, "dev", BRIDGE, *(["nodad"] if ":" in address else []))

    def _in_net(self, *command: str) -> None:
        sh("ip", "netns", "exec", NET, *command)

    def server(self, address: str, name: str | None = None) -> str:
        """Give the bridge one more server address, and let every client resolve `name` to it."""
        plain = f"{address}/128" if ":" in address else f"{address}/32"
        self._in_net("ip", "address", "replace", plain, "dev", BRIDGE, *(["nodad"] if ":" in address else []))
        if name:
            self._names[name] = address
        return address

    def host(self, address: str, address6: str | None = None, mtu: int | None = None) -> None:
        """Add the client host at `address`; with an `mtu`, on a narrow link that shows every segment by itself."""
        if address in self._hosts:
            return
        label = f"an1496-{len(self._hosts)}"
        self._hosts[address] = label
        sh("ip", "netns", "add", label)
        peer = f"v{len(self._hosts)}"
        self._in_net("ip", "link", "add", peer, "type", "veth", "peer", "name", "eth0", "netns", label)
        self._in_net("ip", "link", "set", peer, "master", BRIDGE, "up")
        for command in (
            f"address add {address}/16 dev eth0",
            *([f"address add {address6}/64 dev eth0 nodad"] if address6 else []),
            "link set lo up",
            # A link-local address that comes a second later is a change of network: Chromium drops its connections.
            "link set eth0 addrgenmode none",
            "link set eth0 up",
            "route add default via 10.20.0.1",
            *(["-6 route add default via 2001:db8:20::1"] if address6 else []),
        ):
            sh("ip", "-n", label, *command.split())
        if mtu:
            sh("ip", "-n", label, "link", "set", "eth0", "mtu", str(mtu), "gso_max_segs", "1")
            self._in_net("ip", "link", "set", BRIDGE, "gso_max_segs", "1")
        sh("ip", "netns", "exec", label, "sysctl", "-qw", "net.ipv4.ip_local_port_range=49152 65535")

    def run(self, address: str, command: Sequence[str], stdin: bytes = b"", timeout: float = 30) -> str:
        """Run a client on a host to its end; its failure is often the point, so it is returned, not raised."""
        label = self._hosts[address]
        self._tell_names(label)
        done = subprocess.run(
            ["ip", "netns", "exec", label, "timeout", str(timeout), *command],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.work,
            check=False,
        )
        return f"exit {done.returncode}\n" + done.stdout.decode(errors="replace")

    def _tell_names(self, label: str) -> None:
        """What resolves in a namespace."""
        etc = Path("/etc/netns") / label
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for n, a in self._names.items()))

    def serve(self, port: int, command: Sequence[str]) -> None:
        """Start a server and wait until something listens on `port`."""
        self._tell_names(NET)
        before = self._listening(port)
        with (self.work / "servers.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    ["ip", "netns", "exec", NET, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.work,
                    start_new_session=True,
                )
            )
        for _ in range(200):
            if self._listening(port) > before:
                return
            if self._running[-1].poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"nothing listens on {port}: {' '.join(command)}; see {self.work}/servers.log")

    def _listening(self, port: int) -> int:
        listed = subprocess.run(
            ["ip", "netns", "exec", NET, "ss", "-Hltun"], capture_output=True, text=True, check=True
        )
        return len(re.findall(rf":{port}\s", listed.stdout))

    def stop_servers(self) -> None:
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._running:
            process.wait()
        self._running.clear()

    @contextmanager
    def capture(self, path: Path) -> Iterator[None]:
        """tcpdump everything on the bridge into `path` while the block runs."""
        recorder = subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                NET,
                "tcpdump",
                "--immediate-mode",
                "-i",
                BRIDGE,
                "-U",
                "-s",
                "0",
                "-w",
                str(path),
                "tcp or (udp and not port 53 and not port 5353)",
            ],
            stderr=subprocess.PIPE,
        )
        assert recorder.stderr
        while b"listening" not in (line := recorder.stderr.readline()):
            if not line:
                raise RuntimeError("tcpdump did not start")
        time.sleep(0.2)
        try:
            yield
            time.sleep(0.5)
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait()

    def close(self) -> None:
        self.stop_servers()
        for label in (NET, *self._hosts.values()):
            subprocess.run(["ip", "netns", "del", label], check=False, capture_output=True)
            shutil.rmtree(Path("/etc/netns") / label, ignore_errors=True)
