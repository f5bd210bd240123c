"""The embedded sensor beside its peers, on the same captures, in one run.

    python benchmarks/sensor.py [--size 1G] [--keep FOLDER] [--zeek PROGRAM]

The captures are made by `traffic.py`. Ours is what `an1496 sense` does: all facts, all anomalies, JSON lines. Peers: a bare
walk of the record headers in Python; the `ja3` package; scapy's TLS session reader; tshark and Zeek with the same facts.
Peers that are not installed are left out and named. Slow ones read a smaller capture made the same way, and are compared by
bytes per second. Before and after each peer ours runs once; the ratio is to the mean of both. Beside the walk our own
start, of which it has none, is left out. Goals, ours as a multiple of theirs: walk 0.25 (bulk 0.4), ja3 6, scapy 100, tshark 8,
Zeek 4.
"""

import argparse
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import traffic

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
CHUNK = 1 << 20
FLOWS = 1_000_000
TURNS = 3
"""Of the walk, which is over in half a second; the middle ratio counts."""
FIELDS = (
    "tls.handshake.extensions_server_name", "tls.handshake.ja3", "tls.handshake.ja3s", "tls.handshake.ja4",
    "tls.handshake.version", "tls.handshake.ciphersuite", "tls.handshake.certificate", "x509sat.printableString",
    "x509sat.uTF8String", "x509af.utcTime", "x509ce.dNSName", "tls.alert_message.desc",
)  # fmt: skip
JA3 = "import dpkt, sys, ja3.ja3 as ja3\nwith open(sys.argv[1], 'rb') as f: print(len(ja3.process_pcap(dpkt.pcap.Reader(f), any_port=True)))"
SCAPY = (
    "import sys\nfrom scapy.all import sniff, load_layer, conf, TCPSession\nload_layer('tls')\nconf.tls_session_enable = True\n"
    "print(len(sniff(offline=sys.argv[1], session=TCPSession, store=True)))"
)
WALK = "walk of record headers"


def walk(path: Path) -> int:
    """Every record's time and length, and nothing else."""
    unpack = struct.Struct("<IIII").unpack_from
    count = 0
    with path.open("rb") as file:
        file.seek(24)
        while len(data := file.read(CHUNK)) >= 16:
            offset, size = 0, len(data)
            while size - offset >= 16:
                _seconds, _fraction, captured, _ = unpack(data, offset)
                end = offset + 16 + captured
                if end > size:
                    break
                count += 1
                offset = end
            if not offset:
                break  # the file is cut off
            file.seek(offset - size, 1)
    return count


def ours(*paths: Path) -> list[str]:
    return [sys.executable, "-m", "enricher", "sense", *map(str, paths)]


class Run(NamedTuple):
    """What a program took."""

    seconds: float
    """Processor time, user and system."""
    clock: float
    """Seconds by the clock."""
    memory: int
    """Peak, bytes."""


def run(command: Sequence[str], folder: Path, cores: int = 1) -> Run:
    """Run a program on the first `cores` processors."""
    began = time.perf_counter()
    pin = ["taskset", "-c", f"0-{cores - 1}"] if shutil.which("taskset") else []
    # Linux counts ru_maxrss per waited child; wait4 gives this child's own.
    with (folder / "output").open("wb") as out:
        process = subprocess.Popen([*pin, *command], stdout=out, stderr=subprocess.DEVNULL, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return Run(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss << 10)


def row(what: str, theirs: float, ratio: float, goal: float) -> None:
    print(
        f"  {what:28} {theirs / 1e6:9.2f} MB/s   ours {ratio:8.2f}×   goal {goal:g}× {'' if ratio >= goal else 'MISSED'}"
    )


def compare(
    name: str, path: Path, small: Path, peers: dict[str, tuple[Sequence[str], bool, float]], goal: float, folder: Path
) -> None:
    """Ours and peers in turns on one capture; `True`: this peer reads the small one."""
    size = path.stat().st_size
    empty = folder / "empty.pcap"
    empty.write_bytes(traffic.HEADER)
    mine = [run(ours(path), folder)]
    with (folder / "output").open("rb") as lines:
        count = sum(1 for _ in lines)
    turns = []
    for _ in range(TURNS):
        began = time.process_time()
        packets = walk(path)
        walked = time.process_time() - began
        start = run(ours(empty), folder).seconds
        mine.append(run(ours(path), folder))
        turns.append((walked / (_around(mine) - start), walked))
    ratio, walked = sorted(turns)[TURNS // 2]
    row(f"{WALK} ({packets:,})", size / walked, ratio, goal)
    for peer, (command, slow, wanted) in peers.items():
        capture = small if slow else path
        theirs = capture.stat().st_size / run([*command, str(capture)], folder).seconds
        mine.append(run(ours(path), folder))
        row(peer, theirs, size / _around(mine) / theirs, wanted)
    seconds, memory = min(one.seconds for one in mine), max(one.memory for one in mine)
    print(
        f"{name}: {size / 1e6:,.0f} MB, {count:,} sessions: ours at best {size / seconds / 1e6:.2f} MB/s, {count / seconds:,.0f} sessions/s, of {seconds:.1f} s {start:.1f} s to start, peak {memory / 1e6:.0f} MB"
    )


def _around(mine: Sequence[Run]) -> float:
    """Seconds of our runs right before and after a peer's: the speed of many a machine changes from minute to minute."""
    return sum(one.seconds for one in mine[-2:]) / 2


def find_peers(zeek: str | None) -> dict[str, tuple[Sequence[str], bool, float]]:
    peers: dict[str, tuple[Sequence[str], bool, float]] = {
        "ja3 package": ([sys.executable, "-c", JA3], False, 6),
        "scapy TLS sessions": ([sys.executable, "-c", SCAPY], True, 100),
    }
    if program := shutil.which("tshark"):
        known = subprocess.run([program, "-G", "fields"], capture_output=True, text=True, check=True).stdout
        fields = [word for name in FIELDS if f"\t{name}\t" in known for word in ("-e", name)]
        peers["tshark, the same fields"] = (
            [program, "-n", "-T", "fields", "-Y", "tls.handshake", *fields, "-r"],
            False,
            8,
        )
    if program := zeek or shutil.which("zeek"):
        peers["Zeek, validate-certs"] = (
            [program, "-C", "policy/protocols/ssl/validate-certs", "policy/protocols/conn/community-id-logging", "-r"], False, 4,
        )  # fmt: skip
    for missing in {"tshark", "zeek"} - {Path(command[0]).name for command, _, _ in peers.values()}:
        print(f"{missing} is not installed: left out")
    return peers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1G", help="bytes of each large capture, with K, M or G")
    parser.add_argument("--keep", type=Path, help="where captures are made and kept; otherwise they are removed")
    parser.add_argument("--zeek", help="Zeek's program; otherwise the one on PATH")
    parser.add_argument("--only", choices=["mixed", "strangers", "bulk", "flows", "cores"], help="one part only")
    options = parser.parse_args()
    size = (
        int(options.size[:-1]) * UNITS[options.size[-1].upper()]
        if options.size[-1].upper() in UNITS
        else int(options.size)
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        keep = options.keep.resolve() if options.keep else folder
        keep.mkdir(parents=True, exist_ok=True)
        mixed = traffic.made(keep / f"mixed-{size}.pcap", traffic.mixed, size)
        if options.only in (None, "mixed"):
            small = traffic.made(keep / "small.pcap", traffic.mixed, min(size, 16 << 20))
            compare("mixed", mixed, small, find_peers(options.zeek), 0.25, folder)
        if options.only in (None, "strangers"):
            strangers = traffic.made(keep / f"strangers-{size}.pcap", traffic.strangers, size)
            compare("mixed, names and certificates of their own", strangers, strangers, {}, 0.25, folder)
        if options.only in (None, "bulk"):
            bulk = traffic.made(keep / f"bulk-{size}.pcap", traffic.bulk, size)
            compare("bulk transfer", bulk, bulk, {}, 0.4, folder)
        if options.only in (None, "flows"):
            memory = run(ours(traffic.made(keep / "flows.pcap", traffic.flows, FLOWS)), folder).memory
            print(
                f"{FLOWS:,} concurrent connections: peak {memory / 1e6:.0f} MB   goal 200 MB {'' if memory < 200e6 else 'MISSED'}"
            )
        if options.only in (None, "cores"):
            twin = mixed.with_name("twin.pcap")  # a file that is named twice is read once
            twin.unlink(missing_ok=True)
            os.link(mixed, twin)
            one, two = (run(ours(mixed, twin), folder, cores).clock for cores in (1, 2))
            print(f"two captures, by the clock: one core {one:.1f} s, two cores {two:.1f} s: {one / two:.2f}×")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
