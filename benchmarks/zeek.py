"""Zeek with this package beside Zeek's own default policy, on the same capture, in one run.

    python benchmarks/zeek.py [--size 256M] [--keep FOLDER] [--zeek PROGRAM] [--runs 3] [--profile | --instructions]

The capture is `busy` of `traffic.py`: TLS-heavy. Processor time (user and system) and peak memory of each are the best of
several runs, taken in turns; the ratio is the median over the turns. Goal: at most 10 % more processor time than the
`local` policy alone, Zeek's own `site/local.zeek` as it is installed. What that policy costs beside Zeek's defaults is shown
for comparison. The servers count as remote, since only sessions that leave the site give notices.

`--instructions` counts instructions instead, of which a busy machine makes no more; with valgrind, some twenty times slower,
so `--size 32M` is enough. What starting Zeek takes is counted over an empty capture and left out. `--profile` prints which
functions of the package take most, by Zeek's own script profiler (which slows everything down: only the shares mean
something).
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import traffic

PACKAGE = Path(__file__).resolve().parents[1] / "zeek_scripts"
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
GOAL = 1.10
BASE, OURS = "local policy", "local policy and AN1496"
VARIANTS = {"Zeek's defaults": [], BASE: ["local"], OURS: ["local", str(PACKAGE)]}
SHOWN = 25
REMOTE = "redef Site::private_address_space -= { 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 };"
"""Zeek takes the networks of documentation, in which the lab's servers are, for local ones."""
COUNTED = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    """Processor time, user and system."""
    memory: int
    """Peak, bytes."""


def run(command: Sequence[str], folder: Path) -> Cost:
    """Run Zeek in an empty folder."""
    folder.mkdir()
    with (folder / "output").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{(folder / 'output').read_text()}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def reading(zeek: str, capture: Path) -> list[str]:
    return [zeek, "-C", "-r", str(capture), "-e", REMOTE]


def records(log: Path) -> int:
    with log.open() as lines:
        return sum(not line.startswith("#") for line in lines)


def compare(zeek: str, capture: Path, runs: int, folder: Path) -> None:
    costs: dict[str, list[Cost]] = {name: [] for name in VARIANTS}
    for turn in range(runs):
        for name, scripts in VARIANTS.items():
            costs[name].append(run([*reading(zeek, capture), *scripts], folder / f"{turn} {name}"))
    logs = folder / f"0 {OURS}"
    sessions = records(logs / "an1496.log")
    size = f"{capture.stat().st_size / 1e6:,.0f} MB"
    print(f"{size}, {sessions:,} records in an1496.log, {records(logs / 'ssl.log'):,} in ssl.log")
    for name, of in costs.items():
        seconds, memory = min(c.seconds for c in of), min(c.memory for c in of)
        print(f"  {name:26} {seconds:7.2f} s   {_ratio(of, costs[BASE]):5.3f}×   peak {memory / 1e6:4.0f} MB")
    ratio = _ratio(costs[OURS], costs[BASE])
    print(f"  goal {GOAL:g}× {'' if ratio <= GOAL else 'MISSED'}")


def _ratio(ours: Sequence[Cost], theirs: Sequence[Cost]) -> float:
    """Of processor time: the median over the turns, whose two runs met the same neighbours."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(ours, theirs, strict=True))


def instructions(zeek: str, capture: Path, folder: Path) -> None:
    empty = folder / "empty.pcap"
    empty.write_bytes(traffic.HEADER)
    whole, start = ({name: _counted(zeek, path, name, folder) for name in (BASE, OURS)} for path in (capture, empty))
    own = {name: whole[name] - start[name] for name in whole}
    print(f"{capture.stat().st_size / 1e6:,.0f} MB, millions of instructions")
    for name in whole:
        print(f"  {name:26} {own[name] / 1e6:9,.0f} and {start[name] / 1e6:,.0f} for starting")
    ratio = own[OURS] / own[BASE]
    print(f"  {ratio:.3f}×, with starting {whole[OURS] / whole[BASE]:.3f}×")
    print(f"  goal {GOAL:g}× {'' if ratio <= GOAL else 'MISSED'}")


def _counted(zeek: str, capture: Path, name: str, folder: Path) -> int:
    there = folder / f"{capture.stem} {name}"
    run([*COUNTED, *reading(zeek, capture), "-D", *VARIANTS[name]], there)
    found = re.search(r"I\s+refs:\s+([\d,]+)", (there / "output").read_text())
    if found is None:
        sys.exit(f"valgrind tells no instructions:\n{(there / 'output').read_text()}")
    return int(found[1].replace(",", ""))


def profile(zeek: str, capture: Path, folder: Path) -> None:
    run([*reading(zeek, capture), "--profile-scripts=profile", *VARIANTS[OURS]], folder / "profile")
    rows = []
    for line in (folder / "profile" / "profile").read_text().splitlines():
        name, place, _, calls, whole, inner, *_ = line.split("\t")
        if str(PACKAGE) in place:
            rows.append((float(whole) - float(inner), float(whole), int(calls), f"{name} ({place.rpartition('/')[2]})"))
    total = sum(own for own, *_ in rows)
    print("own, with what it calls, calls")
    for own, whole, calls, name in sorted(rows, reverse=True)[:SHOWN]:
        print(f"  {own / total:6.1%} {whole / total:6.1%}  {calls:9,}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="256M", help="bytes of the capture, with K, M or G")
    parser.add_argument("--keep", type=Path, help="where the capture is made and kept; otherwise it is removed")
    parser.add_argument("--zeek", default=shutil.which("zeek"), help="Zeek's program; otherwise the one on PATH")
    parser.add_argument("--runs", type=int, default=3)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--profile", action="store_true", help="show what the package's functions take instead")
    instead.add_argument("--instructions", action="store_true", help="count instructions instead; needs valgrind")
    options = parser.parse_args()
    if options.zeek is None:
        sys.exit("zeek is not on PATH: install it, or name it with --zeek")
    if options.instructions and shutil.which(COUNTED[0]) is None:
        sys.exit("valgrind is not on PATH: install it, or leave --instructions out")
    size = int(options.size[:-1]) * UNITS[options.size[-1].upper()]
    with tempfile.TemporaryDirectory(prefix="an1496-bench-") as scratch:
        folder = Path(scratch)
        capture = traffic.made((options.keep or folder) / f"busy-{size}.pcap", traffic.busy, size)
        if options.instructions:
            instructions(options.zeek, capture, folder)
        elif options.profile:
            profile(options.zeek, capture, folder)
        else:
            compare(options.zeek, capture, options.runs, folder)


if __name__ == "__main__":
    main()
