"""A simulated site: hosts with their processes, addresses and clocks; what of it reaches a service, and when; the truth.

The same seed gives the same site. Time is true time; what a host says of it goes through the host's clocks.
"""

import heapq
import socket
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import log
from random import Random
from typing import NamedTuple

import load_lines
from load_world import (
    BUSY,
    INTRUDER,
    LIBRARIES,
    PASSING,
    RESIDENT,
    Habits,
    Program,
    Server,
    facts,
    own_servers,
    servers,
)

from enricher.sensor.flow_id import community_id

_DAY = 86400.0
_PORTS, _FIRST_PORT = 16384, 49152
_USUAL_DELAY, _DELAY_SIGMA, _LONGEST_DELAY = 0.05, 1.75, 32.0
"""Of an endpoint's record: half within 50 ms, the last within 32 s (measured: p50 10 to 100 ms, at most 32 s)."""
_SHIPPED_EVERY = 1.0
"""Winlogbeat's queue is flushed at least so often."""
_LIFE = 120.0
"""Mean seconds that a passing process lives. An assumption."""


class Truth(NamedTuple):
    """Who opened a session."""

    uid: str
    host: str
    guid: str
    image: str
    knowable: bool
    """The host has an agent and no NAT before it, and the connection record was sent."""
    attack: bool


class Sent(NamedTuple):
    """One record on its way."""

    at: float
    """When it reaches the service, true time."""
    order: int
    line: bytes
    kind: str
    """Sysmon's event id, or `tls`."""
    uid: str | None = None
    """The session that it is, or whose process it names."""
    truth: Truth | None = None
    """With a session's own record."""


class Process(NamedTuple):
    """A running program."""

    program: Program
    pid: int
    guid: str


@dataclass
class Host:
    """One host's state."""

    number: int
    name: str
    machine: str
    agent: bool
    nat: bool
    address: int
    offset: float
    """Of its clock."""
    connect_offset: float
    """Of its clock for event 3, which may be another one."""
    drift: float
    resident: list[Process] = field(default_factory=list)
    freed: deque[int] = field(default_factory=lambda: deque(maxlen=16))
    """Pids that were in use a short while ago."""
    port: int = 0
    made: int = 0
    """Processes."""
    silent_until: float = 0.0


class Site:
    """All hosts, from a time on."""

    def __init__(
        self, hosts: int, seed: int = 1, start: float = 1_790_067_600.0, habits: Habits | None = None, form: str = "ecs"
    ) -> None:
        """`start`: true time, by default a Tuesday, 9:00 UTC, the busiest hour; `form`: how endpoints ship."""
        self.habits = habits or Habits()
        self.now = self.start = start
        self.seen: dict[int, Host] = {}
        """Hosts that did anything."""
        self._rng = Random(seed)
        self._form = load_lines.FORMS[form]
        self.weights = list(accumulate(self._rng.lognormvariate(0, self.habits.spread) for _ in range(hosts)))
        self._servers, self._own = servers(self._rng), own_servers(self._rng)
        self._facts: dict[tuple[str, str], list[bytes]] = {}
        self._free: deque[int] = deque(range(hosts, hosts + hosts // 20 + 1))
        """Addresses that nobody has, the longest free first."""
        self._out: list[Sent] = []
        self._count = 0
        h = self.habits
        self._per_start = h.sessions * h.created / (h.starts * h.loads)
        """Sessions of a new process that loads libraries."""
        rates = (h.sessions * (1 - h.created), h.starts, h.sessions * h.attacks, h.stalls, h.moves)
        self._kinds = list(accumulate(rates))
        self._rate = self._kinds[-1] * hosts / _DAY

    @property
    def rate_now(self) -> float:
        """How much is done a second, at this time of the day; each gives some records."""
        return self._rate * busy(self.now)

    @property
    def records_now(self) -> float:
        """About how many records a second that makes."""
        h = self.habits
        endpoint = h.sessions * (1 - h.lost + h.others) + h.starts * (2 + h.loads * (1 + len(LIBRARIES)) / 2)
        return (h.sessions + (1 - h.agentless) * endpoint) * len(self.weights) / _DAY * busy(self.now)

    def sent(self) -> Iterator[Sent]:
        """All that reaches the service, in that order, without end."""
        acts = (self._session, self._start, self._attack, self._stall, self._move)
        while True:
            self.now += self._rng.expovariate(self._rate * busy(self.now))
            while self._out and self._out[0].at <= self.now:
                yield heapq.heappop(self._out)
            number = self._rng.choices(range(len(self.weights)), cum_weights=self.weights)[0]
            self._rng.choices(acts, cum_weights=self._kinds)[0](self._host(number))

    def _host(self, number: int) -> Host:
        if number not in self.seen:
            self.seen[number] = self._new_host(number)
        return self.seen[number]

    def _new_host(self, number: int) -> Host:
        rng, h = self._rng, self.habits
        chance = rng.random()
        off = rng.gauss(0, 0.05)
        if chance < h.wrong_clocks:
            off = rng.choice((3600.0, -7200.0, 19800.0, -3 * _DAY)) + rng.gauss(0, 1)
        elif chance < h.wrong_clocks + 0.15:
            off = rng.gauss(0, 3)
        host = Host(
            number, f"ws{number:06d}.corp.example", f"{rng.getrandbits(32):08x}", agent=rng.random() >= h.agentless,
            nat=rng.random() < h.nat, address=number, offset=rng.gauss(0, 0.05), connect_offset=off, drift=rng.gauss(0, h.drift),
            port=rng.randrange(_PORTS),
        )  # fmt: skip
        host.resident = [self._process(host, p, self.now - rng.uniform(600, 5 * _DAY)) for p in RESIDENT]
        return host

    def _process(self, host: Host, program: Program, started: float) -> Process:
        rng = self._rng
        host.made += 1
        again = host.freed and rng.random() < self.habits.reused
        pid = rng.choice(host.freed) if again else 4 * rng.randrange(250, 16000)
        seconds = int(started + host.offset)
        sequence = host.made & 0xFFFF
        return Process(
            program, pid, f"{host.machine}-{seconds & 0xFFFF:04x}-{seconds >> 16:04x}-{sequence:04x}-000000000600"
        )

    def _session(self, host: Host) -> None:
        weights = [p.program.weight for p in host.resident]
        self._connect(host, self._rng.choices(host.resident, weights)[0], self.now)

    def _start(self, host: Host) -> None:
        rng = self._rng
        program = rng.choices(PASSING, [p.weight for p in PASSING])[0]
        process, end = self._process(host, program, self.now), self.now + rng.expovariate(1 / _LIFE)
        self._created(host, process)
        if rng.random() < self.habits.loads:
            self._load(host, process, self.now + 0.05, rng.randint(1, len(LIBRARIES)))
            while rng.random() < self._per_start / (1 + self._per_start):
                self._connect(host, process, rng.uniform(self.now + 0.1, end))
        self._report(host, 5, end, {**_who(process), "User": _USER})
        host.freed.append(process.pid)

    def _attack(self, host: Host) -> None:
        process = self._process(host, INTRUDER, self.now)
        self._created(host, process)
        self._load(host, process, self.now + 0.3, len(LIBRARIES))
        self._connect(host, process, self.now + 0.25, attack=True)

    def _stall(self, host: Host) -> None:
        host.silent_until = self.now + self._rng.uniform(30, 300)

    def _move(self, host: Host) -> None:
        self._free.append(host.address)
        host.address = self._free.popleft()

    def _created(self, host: Host, process: Process) -> None:
        parent = host.resident[0]
        self._report(host, 1, self.now, {
            **_who(process), "FileVersion": "1.2.3", "Description": "-", "Product": "-", "Company": process.program.company or "-",
            "OriginalFileName": process.program.image.rpartition("\\")[2],
            "CommandLine": f'"{process.program.image}" --type=utility --field-trial-handle=1718,i,{host.made}', "CurrentDirectory": "C:\\Windows\\",
            "User": _USER, "LogonGuid": f"{{{host.machine}-2773-64de-0b81-200000000000}}", "LogonId": "0x20810b", "TerminalSessionId": "1",
            "IntegrityLevel": "Medium", "Hashes": f"SHA256={self._rng.getrandbits(256):064X}", "ParentProcessGuid": f"{{{parent.guid}}}",
            "ParentProcessId": str(parent.pid), "ParentImage": parent.program.image, "ParentCommandLine": f'"{parent.program.image}"',
        })  # fmt: skip

    def _load(self, host: Host, process: Process, ts: float, count: int) -> None:
        if not process.program.company:
            self._loaded(host, process, ts, process.program.image, "-")
        for at, name in enumerate(LIBRARIES[:count]):
            self._loaded(host, process, ts + at / 50, rf"C:\Windows\System32\{name}.dll", "Microsoft Windows")

    def _loaded(self, host: Host, process: Process, ts: float, path: str, signer: str) -> None:
        self._report(host, 7, ts, {
            **_who(process), "ImageLoaded": path, "FileVersion": "10.0.22621.1", "Description": "Microsoft library", "Product": "Microsoft Windows Operating System",
            "Company": "Microsoft Corporation", "OriginalFileName": path.rpartition("\\")[2], "Hashes": f"SHA256={'AB' * 32}",
            "Signed": str(signer != "-").lower(), "Signature": signer, "SignatureStatus": "Valid" if signer != "-" else "Unavailable", "User": _USER,
        })  # fmt: skip

    def _connect(self, host: Host, process: Process, ts: float, *, attack: bool = False) -> None:
        rng, h = self._rng, self.habits
        server = rng.choice(self._own if attack or rng.random() < h.abnormal else self._servers)
        uid = f"C{rng.getrandbits(96):024x}"[:18]
        lost = rng.random() < h.lost
        local = self._socket(host)
        if not lost:
            self._connection(host, process, ts, local, (server.address, 443), uid)
        seen = (
            (f"100.64.{host.number >> 16 & 63}.{host.number >> 8 & 255}", rng.randrange(1024, 65536))
            if host.nat
            else local
        )
        truth = Truth(
            uid, host.name, process.guid, process.program.image, host.agent and not host.nat and not lost, attack
        )
        hello = ts + rng.uniform(0.005, 0.08)
        key = socket.inet_aton(seen[0]) + socket.inet_aton(server.address) + struct.pack(">HH", seen[1], 443)
        row = load_lines.zeek(
            hello, uid, (*seen, server.address, 443), community_id(key, 6), self._facts_of(process.program, server)
        )
        self._push(hello + 0.05 + rng.expovariate(1 / 0.3), row, "tls", uid, truth)
        if rng.random() < h.others:
            self._connection(
                host,
                process,
                ts + rng.random(),
                self._socket(host),
                (f"10.255.0.{rng.randrange(1, 250)}", rng.choice((80, 88, 135, 389, 445))),
            )

    def _socket(self, host: Host) -> tuple[str, int]:
        host.port = (host.port + 1) % _PORTS
        if host.nat:
            return "192.168.1.23", _FIRST_PORT + host.port
        a = host.address
        return f"10.{a >> 16}.{a >> 8 & 255}.{a & 255}", _FIRST_PORT + host.port

    def _connection(
        self,
        host: Host,
        process: Process,
        ts: float,
        local: tuple[str, int],
        remote: tuple[str, int],
        uid: str | None = None,
    ) -> None:
        self._report(host, 3, ts, {
            **_who(process), "User": _USER, "Protocol": "tcp", "Initiated": "true", "SourceIsIpv6": "false", "SourceIp": local[0],
            "SourceHostname": host.name, "SourcePort": str(local[1]), "SourcePortName": "-", "DestinationIsIpv6": "false", "DestinationIp": remote[0],
            "DestinationHostname": "-", "DestinationPort": str(remote[1]), "DestinationPortName": "-",
        }, uid)  # fmt: skip

    def _report(self, host: Host, event: int, ts: float, fields: load_lines.Fields, uid: str | None = None) -> None:
        """Tell the service of an event, late, and by the host's clock."""
        if not host.agent:
            return
        claimed = ts + (host.connect_offset if event == 3 else host.offset) + host.drift * (ts - self.start)
        late = min(_LONGEST_DELAY, self._rng.lognormvariate(log(_USUAL_DELAY), _DELAY_SIGMA))
        at = max(ts + late, host.silent_until) + self._rng.random() * _SHIPPED_EVERY
        self._push(
            at,
            self._form(event, host.name, claimed, {"RuleName": "-", "UtcTime": load_lines.utc(claimed), **fields}),
            str(event),
            uid,
        )

    def _push(self, at: float, line: bytes, kind: str, uid: str | None, truth: Truth | None = None) -> None:
        self._count += 1
        heapq.heappush(self._out, Sent(at, self._count, line, kind, uid, truth))

    def _facts_of(self, program: Program, server: Server) -> bytes:
        key = program.image, server.name
        if key not in self._facts:
            self._facts[key] = [facts(self._rng, program, server, self.habits, self.start) for _ in range(4)]
        return self._rng.choice(self._facts[key])


_USER = r"CORP\ann"


def _who(process: Process) -> load_lines.Fields:
    return {"ProcessGuid": f"{{{process.guid}}}", "ProcessId": str(process.pid), "Image": process.program.image}


def busy(ts: float) -> float:
    """How much more happens at this time of the day than in the mean of a day."""
    return BUSY[int(ts % _DAY // 3600)] * len(BUSY) / sum(BUSY)
