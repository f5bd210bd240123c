"""One case: acts on the wire, then, from what was done, endpoint logs and manifest. Nothing here asks our sensor."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import background
import packets
import render
import sysmon
from lab import Lab
from packets import Change, Endpoint, Flow, Packet
from sysmon import Event, Process
from windows import BASE, MODULES, Program

ALL_LEGS = {"process": "present", "library": "present", "session": "present"}


@dataclass(eq=False)
class Host:
    """A Windows host to be, and how its log looks. Without a `shape` it has no endpoint product."""

    computer: str
    address: str
    shape: str | None = "nxlog"
    file: str = ""
    clock: Callable[[int, float], float] = lambda _eid, ts: ts
    network: str = "sysmon"
    """What reports TLS connections: sysmon (3), wfp (5156, 5158), bind (5158 alone), lost, none at all."""
    collector: str | None = None
    noise: int = 60
    shuffled: bool = False
    address6: str | None = None
    mtu: int | None = None
    machine: str = ""
    boot: int = 6
    running: dict[str, Process] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


@dataclass(eq=False)
class Act:
    """One run of a client, by one program, and what is true of its sessions."""

    host: Host
    program: Program
    server: Endpoint
    window: tuple[float, float]
    anomalies: tuple[str, ...]
    truth: dict[str, Any]
    tls: bool
    output: str
    flows: list[Flow] = field(default_factory=list)


class Case:
    """Collects acts while the capture runs; `settle` gives each its connections, `write` leaves the files."""

    def __init__(self, lab: Lab, name: str, description: str) -> None:
        self.lab, self.name, self.description = lab, name, description
        self.hosts: list[Host] = []
        self.acts: list[Act] = []
        self.packets: list[Packet] = []
        self.notices: list[dict[str, Any]] = []
        self.random = random.Random(name)
        self.max_severity: str | None = None
        """Where set, no notice may exceed it."""
        self.folder: Path = lab.work / name
        self._skips: list[tuple[float, float]] = []

    def host(self, computer: str, address: str, **more: Any) -> Host:
        more.setdefault("machine", f"{self.random.getrandbits(32):08x}")
        host = Host(computer, address, **more)
        self.lab.host(address, host.address6, host.mtu)
        self.hosts.append(host)
        return host

    @contextmanager
    def recording(self) -> Iterator[None]:
        raw = self.lab.work / f"{self.name}.pcap"
        try:
            with self.lab.capture(raw):
                yield
        finally:
            self.lab.stop_servers()
        self.packets = [replace(p, ts=self._shifted(p.ts)) for p in packets.read(raw)]
        for act in self.acts:
            act.window = (self._shifted(act.window[0]), self._shifted(act.window[1]))

    def skip(self, seconds: float) -> None:
        """Let everything after this moment happen that much later, without waiting for it."""
        time.sleep(0.2)
        self._skips.append((time.time(), seconds))
        time.sleep(0.2)

    def _shifted(self, ts: float) -> float:
        return ts + sum(seconds for moment, seconds in self._skips if ts >= moment)

    def act(
        self,
        host: Host,
        program: Program,
        server: Endpoint,
        command: Sequence[str],
        /,
        *anomalies: str,
        tls: bool = True,
        stdin: bytes = b"GET / HTTP/1.0\r\n\r\n",
        **truth: Any,
    ) -> Act:
        """Run `command` on `host`; `truth` holds further fields of the manifest's sessions."""
        begin = time.time()
        output = self.lab.run(host.address, command, stdin)
        if "handshake_failed" not in anomalies and not output.startswith("exit 0\n"):
            raise RuntimeError(f"{self.name}: {' '.join(command)} failed\n{output}")
        act = Act(host, program, server, (begin, time.time()), anomalies, truth, tls, output)
        self.acts.append(act)
        time.sleep(0.05)
        return act

    def settle(self) -> None:
        """Find each act's connections, and start its process."""
        found = packets.flows(self.packets)
        for act in self.acts:
            addresses = (act.host.address, act.host.address6)
            act.flows = [
                f
                for f in found
                if f.client[0] in addresses and f.server == act.server and act.window[0] <= f.syn <= act.window[1]
            ]
            if not act.flows or (act.tls and not any(f.tls for f in act.flows)):
                raise RuntimeError(f"{self.name}: no session of {act.program.image} to {act.server}\n{act.output}")
        for host in self.hosts:
            if host.shape:
                self._log(host)

    def flows_of(self, program: Program) -> list[Flow]:
        return sorted((f for a in self.acts if a.program is program for f in a.flows), key=lambda f: f.syn)

    def process(self, host: Host, program: Program, *, start: float | None = None) -> Process:
        """The process of a program on a host, started when first asked for."""
        key = f"{program.image} {program.command_line}" if program.pid and not program.created else str(id(program))
        if key not in host.running:
            if start is None:
                first = self.flows_of(program)
                start = (first[0].syn if first else min(a.window[0] for a in self.acts)) - program.age
            parent = self.process(host, program.parent) if program.parent else None
            pid = program.pid or 4 * self.random.randint(300, 3900)
            believed = host.clock(1, start)
            guid = sysmon.guid(host.machine, believed, self.random.randint(0x100, 0x3000), host.boot)
            host.running[key] = Process(program, host.computer, pid, guid, start, parent)
        return host.running[key]

    def _log(self, host: Host) -> None:
        programs = dict.fromkeys(a.program for a in self.acts if a.host is host)
        for program in programs:
            process = self.process(host, program)
            host.events += self.life(process, self.flows_of(program))
            for act in self.acts:
                if act.program is program:
                    for flow in act.flows:
                        host.events += self.reports(host, process, flow, act.truth.get("server_name"))
        if not programs:
            return
        moments = [f.syn for a in self.acts if a.host is host for f in a.flows]
        host.events += background.noise(self, host, min(moments) - 20, max(moments) + 5)

    def life(self, p: Process, flows: Sequence[Flow]) -> list[Event]:
        """Creation, own image, base modules, TLS modules around the first connection, end."""
        jitter = self.random.uniform
        out = []
        if p.program.created:
            out.append(sysmon.created(p))
            out.append(sysmon.loaded(p, p.program.file, p.start + 0.004))
            out += [sysmon.loaded(p, MODULES[m], p.start + 0.005 + 0.002 * n) for n, m in enumerate(BASE)]
        if flows:
            first = flows[0].syn
            out += [sysmon.loaded(p, MODULES[m], first + at + jitter(0, 0.02)) for m, at in p.program.modules.items()]
            if p.program.foreign:
                out.append(sysmon.loaded(p, p.program.foreign, first - 0.3))
            if p.program.ends is not None:
                out.append(sysmon.ended(p, flows[-1].packets[-1].ts + p.program.ends))
        return out

    def reports(self, host: Host, p: Process, flow: Flow, name: str | None) -> list[Event]:
        """What the host says of one connection: its name query, then the connection, by the product it has."""
        seen = flow.syn + self.random.uniform(0.001, 0.05)
        if host.network == "wfp":
            return [
                sysmon.bound(p, flow.client[1], flow.syn - 0.0006),
                sysmon.permitted(p, flow.client, flow.server, flow.syn - 0.0003),
            ]
        if host.network == "bind":
            return [sysmon.bound(p, flow.client[1], flow.syn - 0.0006)]
        if host.network in ("lost", "none"):
            return []
        query = [sysmon.resolved(p, name, flow.server[0], flow.syn - 0.02)] if name else []
        return [*query, sysmon.connected(p, flow.client, flow.server, seen, protocol=flow.proto)]

    def notice(
        self,
        program: Program,
        severity: str,
        *,
        legs: dict[str, str] = ALL_LEGS,
        server: Endpoint | None = None,
        **more: Any,
    ) -> None:
        """Expect one notice for the abnormal sessions of `program` to `server` (default: its only one)."""
        acts = [a for a in self.acts if a.program is program and a.anomalies and server in (None, a.server)]
        (target,) = {a.server for a in acts}
        self.notices.append(
            {
                "host": acts[0].host.computer.lower(),
                "image": program.image,
                "server": _text(target),
                "severity": severity,
                "count": sum(f.tls for a in acts for f in a.flows),
                "legs": legs,
                **more,
            }
        )

    def edit(self, act: Act, change: Change) -> None:
        """Rewrite the packets of an act's connections, as another vantage point would have seen them."""
        for flow in act.flows:
            self.packets = packets.edit(self.packets, flow, change)

    def write(self, capture: str = "capture.pcap") -> dict[str, Any]:
        """Write capture and logs; return the manifest's table of this case."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / capture
        (packets.write_pcapng if ".pcapng" in capture else packets.write_pcap)(path, self.packets)
        logs: dict[str, list[Host]] = {}
        for host in self.hosts:
            if host.shape and host.events:
                suffix = "xml" if "xml" in host.shape else "json"
                logs.setdefault(host.file or f"{host.computer.partition('.')[0].lower()}.{suffix}", []).append(host)
        for file, writers in logs.items():
            self._write_log(self.folder / file, writers)
        return {
            "name": self.name,
            "description": self.description,
            "captures": [f"{self.name}/{capture}"],
            "endpoint": sorted(f"{self.name}/{file}" for file in logs),
            "ca_bundle": "ca.pem",
            **({"max_severity": self.max_severity} if self.max_severity else {}),
            "session": [s for a in self.acts for s in self._sessions(a)],
            "notice": self.notices,
        }

    def _write_log(self, path: Path, hosts: list[Host]) -> None:
        """One log in the order of writing, unless its host's log is shuffled."""
        events = sorted(((h, e) for h in hosts for e in h.events), key=lambda pair: pair[1].ts + pair[1].delay)
        records = [
            render.Record(e, 40_000 + number, h.computer, h.clock, h.collector) for number, (h, e) in enumerate(events)
        ]
        if hosts[0].shuffled:
            self.random.shuffle(records)
        assert hosts[0].shape
        render.write(path, hosts[0].shape, records)

    def _sessions(self, act: Act) -> Iterator[dict[str, Any]]:
        for flow in act.flows:
            if not flow.tls:
                continue
            session: dict[str, Any] = {
                "ts": round(flow.syn, 6),
                "client": _text(flow.client),
                "server": _text(flow.server),
                "anomalies": sorted(act.anomalies),
                "disposition": "matched" if act.host.shape else "host_unseen",
            }
            if act.host.shape:
                process = self.process(act.host, act.program)
                session |= {"host": act.host.computer.lower(), "image": act.program.image}
                session["process_guid"] = process.guid.strip("{}")
            yield {k: v for k, v in (session | act.truth).items() if v is not None}


def _text(endpoint: Endpoint) -> str:
    address, port = endpoint
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
