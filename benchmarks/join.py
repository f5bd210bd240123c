"""The join's store against redis-benchmark: the same commands, batches and value sizes, on the same server, in one run.

    python benchmarks/join.py [--records N]

redis-benchmark (or valkey-benchmark) is C and does nothing but send; our side packs typed records, and reads them back
into typed records. Printed: records per second of both, their ratio (goal 0.4), and bytes of Redis memory per record.
"""

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from enricher.join.link import Link
from enricher.join.reader import Reader
from enricher.join.resolve import Join
from enricher.join.routing import Command
from enricher.join.server import EmbeddedServer
from enricher.join.settings import JoinSettings, StoreSettings
from enricher.join.store import Store
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessStart
from enricher.model.observation import Observation
from enricher.model.record import Record
from enricher.service import runtime

HOSTS, START = 200, 1_700_000_000.0
ROUNDS = 3
PUT_ENDPOINT, PUT_WIRE, READ = "put endpoint records", "put observations", "read back both"
LIBRARIES = ("schannel.dll", "ncryptsslp.dll", "mskeyprotect.dll", "rsaenh.dll", "crypt32.dll", "bcrypt.dll")


@dataclass
class Shape:
    """All commands of one kind: how many, how long, on how many keys."""

    count: int = 0
    members: int = 0
    size: int = 0
    keys: set[str] = field(default_factory=set)


class Recorder:
    """Stands between store and link; remembers the shape of what passes."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.shapes: defaultdict[str, Shape] = defaultdict(Shape)
        self.batches = 0

    def send(self, commands: Iterable[Command]) -> int:
        commands = list(commands)
        for command in commands:
            self._note(command)
        self.batches += 1
        return self._link.send(commands)

    def _note(self, command: Command) -> None:
        name, key = str(command[0]), str(command[1])
        letter = key.split(":")[3] if key.count(":") > 2 else ""
        words = command[3:] if name == "ZADD" and command[2] in ("LT", "GT") else command[2:]
        values = words[1::2] if name == "ZADD" else words if name == "PFADD" else ()
        shape = self.shapes[f"{name} {letter}"]
        shape.count += 1
        shape.members += len(values)
        shape.size += sum(len(v) if isinstance(v, str | bytes) else 0 for v in values)
        shape.keys.add(key)

    def run(self, commands: Iterable[Command]) -> list[object]:
        return self._link.receive(self.send(commands))

    def __getattr__(self, name: str) -> object:
        return getattr(self._link, name)


def endpoint_records(n: int, rng: random.Random) -> Iterator[Record]:
    """Per process: its creation, its libraries, and connections from ports in turn, as Windows gives them."""
    made = 0
    ports: Counter[int] = Counter()
    process = 0
    while made < n:
        process += 1
        h = rng.randrange(HOSTS)
        host, ts = f"ws{h:04d}.corp.example.com", START + process * 0.7
        seconds = f"{int(ts):08x}"
        guid = f"{h:08x}-{seconds[4:]}-{seconds[:4]}-{process & 0xFFFF:04x}-000000000500"
        image = rf"C:\Program Files\Vendor {process % 40}\Product\program{process % 40}.exe"
        common = {"host": host, "guid": guid, "pid": 4 * rng.randrange(250, 16000), "image": image}
        line = f'"{image}" --type=renderer --field-trial-handle=1718379636 --lang=en-US --service={process}'
        records: list[Record] = [
            ProcessStart(
                ts=ts, clock="sysmon:1", command_line=line, user=r"CORP\somebody", parent_pid=4444, **common,
                parent_image=r"C:\Windows\explorer.exe", source=f"sysmon.json:{made}", hashes={"sha256": rng.randbytes(32).hex()},
            )
        ]  # fmt: skip
        records += [
            ModuleLoad(
                ts=ts + i / 50, clock="sysmon:7", image_loaded=rf"C:\Windows\System32\{name}", signed=True, **common,
                signature="Microsoft Windows", signature_status="Valid", source=f"sysmon.json:{made + i}",
            )
            for i, name in enumerate(LIBRARIES)
        ]  # fmt: skip
        for i in range(9):
            ports[h] += 1
            records.append(
                NetworkConnect(
                    ts=ts + i, clock="sysmon:3", proto="tcp", local_ip=f"10.1.{h // 250}.{h % 250}", initiated=True, **common,
                    local_port=49152 + ports[h] % 16384, remote_ip=f"203.0.113.{i}", remote_port=443, source=f"sysmon.json:{made + i}",
                )
            )  # fmt: skip
        yield from records
        made += len(records)


def observations(connections: Iterable[NetworkConnect]) -> Iterator[Observation]:
    """One TLS session for each."""
    for i, c in enumerate(connections):
        yield Observation(
            ts=c.ts + 0.03, uid=f"C{i:017d}", orig_h=c.local_ip or "", orig_p=c.local_port, resp_h=c.remote_ip or "",
            resp_p=443, community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=", source=f"capture.pcap:{i}", version="TLSv12",
            cipher="TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", curve="x25519", server_name=f"www{i % 900}.example.com",
            established=True, ssl_history="CsxknGIti", client_hello_seen=True, ja3="a" * 32, ja3s="b" * 32,
            ja4=f"t13d1516h2_8daaf6152771_{i % 50:012x}", cert_visible=True, cert_chain_fps=("c" * 64, "d" * 64),
            cert_subject="CN=www.example.com,O=Example,C=US", cert_issuer="CN=Some Issuing CA,O=Example Trust,C=US",
            cert_serial="0A" * 16, cert_not_valid_before=START, cert_not_valid_after=START + 7e6, cert_key_length=2048,
            san_dns=("www.example.com", "example.com"), validation_code=0,
        )  # fmt: skip


def peer(program: str, server: EmbeddedServer, shapes: dict[str, Shape], batches: int, prefix: str) -> float:
    """Seconds in which redis-benchmark issues commands of these shapes, one connection, as many to a batch."""
    total = 0.0
    for kind, shape in shapes.items():
        name, _, letter = kind.partition(" ")
        key = f"{prefix}:{letter}:{{__rand_int__}}"
        per = max(1, round(shape.members / shape.count))
        size = max(1, round(shape.size / max(1, shape.members)))
        value = "__rand_int__".ljust(size, "x")
        words = {
            "ZADD": ["ZADD", key, *(w for i in range(per) for w in (f"170000{i:04d}.25", value))],
            "ZREMRANGEBYRANK": ["ZREMRANGEBYRANK", key, "0", "-20001"],
            "EXPIRE": ["EXPIRE", key, "604800"],
            "PFADD": ["PFADD", key + "h", *[value] * per],
            "ZRANGE": ["ZRANGE", key, "0", "-1"],
        }.get(name)
        if words is None:
            continue
        pipeline = max(1, round(shape.count / batches))
        count = pipeline * -(-shape.count // pipeline)  # it disconnects before a last pipeline that is not full
        options = [
            "-s",
            str(server.socket),
            "-c",
            "1",
            "-P",
            str(pipeline),
            "-n",
            str(count),
            "-r",
            str(len(shape.keys)),
        ]
        done = subprocess.run([program, *options, "--csv", *words], check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{program} failed on {name}: {done.stderr[:200]}")
        rate = _rate(done.stdout)
        total += shape.count / rate
    return total


def _rate(csv: str) -> float:
    """Requests per second: the second column of the last line."""
    return float([cell.strip('"') for cell in csv.strip().splitlines()[-1].split('","')][1])


def main(arguments: Sequence[str]) -> int:
    runtime.prepare()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000, help="endpoint records")
    n = parser.parse_args(arguments).records
    program = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if program is None:
        print("redis-benchmark is not on PATH: install redis-tools or valkey-tools", file=sys.stderr)
        return 1
    endpoint = list(endpoint_records(n, random.Random(1)))
    wire = list(observations(r for r in endpoint if isinstance(r, NetworkConnect)))
    print(f"{len(endpoint)} endpoint records, {len(wire)} observations, {HOSTS} hosts, batch {StoreSettings().batch}")
    with EmbeddedServer() as server:
        measure(program, server, endpoint, wire)
        memory(server, endpoint)
    return 0


def measure(program: str, server: EmbeddedServer, endpoint: list[Record], wire: list[Observation]) -> None:
    """Put and read, ours and theirs in turn, each the best of `ROUNDS`."""
    with Store.open(server.url) as store:
        steps = phases(store, endpoint, wire)
    ours, theirs = dict.fromkeys(steps, float("inf")), dict.fromkeys(steps, float("inf"))
    for _ in range(ROUNDS):
        with Store.open(server.url) as store:
            for name, (_, shapes, batches) in steps.items():
                began = time.perf_counter()
                step(name, store, endpoint, wire)
                ours[name] = min(ours[name], time.perf_counter() - began)
                theirs[name] = min(theirs[name], peer(program, server, shapes, batches, "peer"))
    for name, (records, _, _) in steps.items():
        row(name, records, ours[name], theirs[name])
    row("all", sum(records for records, _, _ in steps.values()), sum(ours.values()), sum(theirs.values()))
    with Store.open(server.url) as store:
        store.put(endpoint)
        store.put(wire)
        began = time.perf_counter()
        matched = Counter(s.disposition for s in Join(store).sessions())
        took = time.perf_counter() - began
        print(f"{'resolve, rules and all':24} {len(wire) / took:10,.0f}/s   {dict(matched)}")


def phases(
    store: Store, endpoint: list[Record], wire: list[Observation]
) -> dict[str, tuple[int, dict[str, Shape], int]]:
    """Each step's number of records, and the commands that it sends in how many batches."""
    recorder = Recorder(store._link)
    store._link = recorder  # type: ignore[assignment]
    connections = sum(isinstance(record, NetworkConnect) for record in endpoint)
    found = {}
    for name, records in ((PUT_ENDPOINT, len(endpoint)), (PUT_WIRE, len(wire)), (READ, len(wire) + connections)):
        recorder.shapes, recorder.batches = defaultdict(Shape), 0
        step(name, store, endpoint, wire)
        found[name] = (records, dict(recorder.shapes), max(1, recorder.batches))
    return found


def step(name: str, store: Store, endpoint: list[Record], wire: list[Observation]) -> None:
    """One step of ours, to its end."""
    if name == READ:
        read(store)
    else:
        store.put(endpoint if name == PUT_ENDPOINT else wire)
        store.flush()


def row(name: str, records: int, ours: float, theirs: float) -> None:
    print(
        f"{name:24} {records / ours:10,.0f}/s   redis-benchmark {records / theirs:10,.0f}/s   ratio {theirs / ours:.2f}"
    )


def read(store: Store) -> None:
    """What resolving reads, as typed records, without the rules."""
    reader = Reader(store, JoinSettings())
    for group in reader.groups():
        reader.tuples(group)


def memory(server: EmbeddedServer, endpoint: list[Record]) -> None:
    """Bytes per record: all that Redis took, keys and indexes included, and what MEMORY USAGE says of the records' keys."""
    kinds = {
        "connection record": ([r for r in endpoint if isinstance(r, NetworkConnect)], "c"),
        "process record": ([r for r in endpoint if not isinstance(r, NetworkConnect)], "p"),
        "observation": (list(observations(r for r in endpoint if isinstance(r, NetworkConnect))), "o"),
    }
    for name, (records, letter) in kinds.items():
        with Store.open(server.url) as store:
            before = used(store._link)
            store.put(records)
            store.flush()
            took = used(store._link) - before
            keys = store._link.run([("KEYS", f"{store.namespace}:{letter}:*")])[0]
            own = sum(store._link.run([("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys]))
        print(f"{name:24} {took / len(records):6.0f} B of used_memory, {own / len(records):6.0f} B in its own keys")


def used(link: Link) -> int:
    text = link.run([("INFO", "memory")])[0].decode()
    return int(next(line for line in text.splitlines() if line.startswith("used_memory:")).partition(":")[2])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
