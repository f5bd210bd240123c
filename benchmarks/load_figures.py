"""What is measured of the service under load, and how it is printed."""

import pstats
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import load_lines
import load_peer
from load_run import NAMESPACE, Bench, Row, Spent, Times
from load_site import Sent, Site, Truth

from enricher.join.cluster import connect
from enricher.join.reader import Reader
from enricher.join.settings import JoinSettings, StoreSettings
from enricher.join.store import Store
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart
from enricher.model.record import Record
from enricher.service.live.sources.payloads import Payloads

SOON: Times = {"wait_seconds": 2.0, "settle_seconds": 6.0, "repeat_seconds": 3.0, "refresh_seconds": 6.0}
"""Short enough that all is settled soon after it was read: each session costs what it costs over its whole life."""
MB = 1 << 20
_NAMES = {"1": "process start", "3": "connection", "5": "process end", "7": "module load", "tls": "TLS session"}
HOST, PROCESS, SESSION = "nmkalbgh", "py", "cotrqzweijfduxv"
"""What the letters of the store's keys are about. `y`: nearly all listen to processes."""


def paced(site: Site, speed: float, step: float = 0.05) -> Iterator[tuple[float, list[Sent]]]:
    """Records as they come, `speed` times as fast as true time, and for how long it has gone on."""
    began = time.monotonic()
    some: list[Sent] = []
    until = site.start + step * speed
    for record in site.sent():
        while record.at > until:
            due = began + (until - site.start) / speed
            time.sleep(max(0.0, due - time.monotonic()))
            yield time.monotonic() - began, some
            some, until = [], until + step * speed
        some.append(record)


def drained(bench: Bench, records: Sequence[Sent], workers: int) -> Spent:
    """What a backlog takes, from an empty store until all is settled; wall: until it is read."""
    bench.again()
    bench.begin(workers, SOON)
    bench.fill(records[:1])  # modules are loaded, connections made
    bench.until_read()
    began, before, served = time.monotonic(), bench.processor(), bench.served()
    bench.fill(records[1:])
    bench.until_read()
    wall = time.monotonic() - began
    share = (bench.processor() - before) / wall
    bench.until_settled()
    spent = Spent(wall, bench.processor() - before, bench.served() - served, share)
    bench.stop()
    return spent


def rates(records: Sequence[Sent], spent: Spent, who: str) -> None:
    """Print how fast."""
    tls = sum(record.kind == "tls" for record in records)
    events = len(records) - tls
    print(
        f"{who:9} to the end      {events / spent.wall:8,.0f} events/s with {tls / spent.wall:6,.0f} sessions/s; a core-second of the worker: "
        f"{events / spent.workers:,.0f} with {tls / spent.workers:,.0f} (Redis {spent.store / spent.workers:.0%} of its time; {spent.share:.2f} processors)"
    )


def reading(records: Sequence[Sent], form: str) -> None:
    """Print what it takes to read a record, before anything is done with it."""
    lines: dict[str, list[bytes]] = {"unwanted": [load_lines.unwanted(form)] * 2000}
    for record in records:
        lines.setdefault(_NAMES[record.kind], []).append(record.line)
    took = {}
    for name, some in lines.items():
        payloads, began = Payloads("s"), time.process_time()
        payloads.read(("1-0", line) for line in some)
        took[name] = (time.process_time() - began) / len(some) * 1e6
    print("reading alone             " + ", ".join(f"{name} {micros:,.0f} µs" for name, micros in took.items()))


def attribution(records: Sequence[Sent], rows: Mapping[str, Row]) -> Counter[str]:
    """Print how sessions were named, against the truth."""
    found: Counter[str] = Counter()
    for truth in (record.truth for record in records if record.truth is not None):
        found[verdict_on(rows.get(truth.uid), truth)] += 1
    total = sum(found.values())
    knowable = sum(record.truth.knowable for record in records if record.truth is not None)
    print(
        "attribution               "
        + ", ".join(f"{name} {n / total:.2%}" for name, n in found.most_common())
        + f"; could be known: {knowable / total:.2%}"
    )
    attacks = [record.truth for record in records if record.truth is not None and record.truth.attack]
    told = sum(rows[truth.uid].notice_id is not None for truth in attacks if truth.uid in rows)
    print(
        f"attacks told              {told} of {len(attacks)}, {sum(truth.knowable for truth in attacks)} could be known"
    )
    return found


def verdict_on(row: Row | None, truth: Truth) -> str:
    """How right a row is."""
    if row is None:
        return "no row"
    if row.disposition in ("matched", "late"):
        return "named right" if row.process_guid == truth.guid else "named wrong"
    if row.disposition == "ambiguous":
        return "ambiguous"
    return "unseen, but it could be known" if truth.knowable else "unseen"


def memory(bench: Bench, records: Sequence[Sent], rows: Mapping[str, Row]) -> None:
    """Print what Redis keeps of each host, process, connection record and session."""
    size, count = bench.held()
    hosts = len({record.truth.host for record in records if record.truth is not None})
    lasting = bench.lasting()
    of = {
        "host": (sum(size[letter] for letter in HOST), hosts),
        "process": (sum(size[letter] for letter in PROCESS), count["p"]),
        "connection record": (size["c"], sum(record.kind == "3" for record in records)),
        "session": (sum(size[letter] for letter in SESSION if letter != "c"), len(rows)),
    }
    print(
        "Redis memory              "
        + ", ".join(f"{taken / max(1, n):,.0f} B a {what} ({n:,})" for what, (taken, n) in of.items())
    )
    print(
        f"                          {bench.used() / MB:.1f} MB in all, {sum(size.values()) / MB:.1f} MB in keys; largest: "
        + ", ".join(f"{letter} {n / MB:.1f}" for letter, n in size.most_common(8))
    )
    print(
        "                          what stays while its host does, a member: "
        + ", ".join(f"{letter} {taken / max(1, n):,.0f} B ({n:,})" for letter, (taken, n) in lasting.items())
    )


def beside(bench: Bench, records: Sequence[Sent], commands: Mapping[str, int], spent: Spent) -> None:
    """Print how long redis-benchmark takes for the same commands."""
    bench.again()
    watch = load_peer.Watch(bench.store.socket)
    bench.fill(records)
    with watch.watching():
        bench.begin(1, SOON)
        bench.until_settled()
        bench.stop()
    found = load_peer.kinds(watch.commands)
    sent = sum(kind.sent for kind in found)
    told = sum(n for name, n in commands.items() if name.partition("|")[0] not in load_peer.IDLE)
    took, by_name = load_peer.seconds(bench.store.socket, found, told / sent)
    print(
        f"redis-benchmark           {took:.2f} s for the {told:,} commands of that run, one connection, {load_peer.PIPELINE} to a batch; the worker took {spent.workers:.2f} s: ratio {took / spent.workers:.2f}"
    )
    print(
        "                          of which "
        + ", ".join(f"{name} {t:.2f}" for name, t in sorted(by_name.items(), key=lambda item: -item[1])[:6])
    )


def names(bench: Bench, hosts: int) -> None:
    """Print what it takes a worker to know the names of very many hosts, which it reads anew every `refresh_seconds`."""
    bench.again()
    settings = StoreSettings(namespace=NAMESPACE)
    with Store(connect(bench.store.url, settings), settings, exact=True) as store:
        store.put(_each_host(hosts))
        store.flush()
        before, began = bench.resident_here(), time.process_time()
        known = Reader(store, JoinSettings()).hosts()
        took, more = time.process_time() - began, bench.resident_here() - before
        del known
    print(
        f"names of {hosts:,} hosts    {took:.1f} s and {more / MB:.0f} MB of a worker each time; {bench.held()[0]['n'] / MB:.0f} MB of Redis in one key"
    )


def _each_host(hosts: int) -> Iterator[Record]:
    """What each event type first says of a host."""
    for n in range(hosts):
        who: dict[str, Any] = {
            "host": f"ws{n:06d}.corp.example",
            "ts": 1.79e9,
            "guid": f"{n:08x}-aaaa-6ab0-0001-000000000600",
            "image": r"C:\a.exe",
        }
        yield ProcessStart(clock="sysmon:1", pid=44, **who)
        yield ProcessEnd(clock="sysmon:5", pid=44, **who)
        yield ModuleLoad(clock="sysmon:7", pid=44, image_loaded=r"C:\Windows\System32\schannel.dll", **who)
        yield NetworkConnect(clock="sysmon:3", pid=44, proto="tcp", local_ip=None, local_port=50000, **who)


def profile(bench: Bench, records: Sequence[Sent], folder: Path) -> None:
    """Print in which functions a worker's time goes. Profiling doubles the time: only the shares mean something."""
    bench.again()
    bench.begin(1, SOON, profile=folder / "profile")
    bench.fill(records)
    bench.until_settled()
    bench.stop()
    stats = pstats.Stats(str(folder / "profile"))
    stats.sort_stats("tottime").print_stats(25)
    stats.sort_stats("cumtime").print_stats("enricher", 40)


def latency(bench: Bench, site: Site, rate: float, seconds: float) -> None:
    """Print how long after the later of its two records a session's notice stands in its sink, at part of the capacity."""
    bench.again()
    bench.begin(1, {})
    came: dict[str, list[float]] = {}
    for gone, some in paced(site, rate / site.records_now):
        if some:
            for record, at in zip(some, bench.send(some), strict=True):
                if record.uid is not None:
                    came.setdefault(record.uid, []).append(at)
        if gone > seconds:
            break
    bench.until_read()
    time.sleep(1.0)
    bench.stop()
    late: list[float] = []
    for at, notice in bench.told():
        both = [came[s["uid"]] for s in notice["sessions"] if len(came.get(s["uid"], ())) == 2]
        if notice["revision"] == 1 and both:
            late.append(at - min(max(times) for times in both))
    if len(late) < 10:
        print(f"latency                   too few notices ({len(late)})")
        return
    cuts = quantiles(late, n=100, method="inclusive")
    print(
        f"latency to the notice     p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, longest {max(late):.2f} s; {len(late)} notices, {rate:,.0f} records/s"
    )


def grown(series: Sequence[int]) -> float:
    """By which share the last quarter's mean is above the third's."""
    half, most = len(series) // 2, len(series) * 3 // 4
    return mean(series[most:]) / mean(series[half:most]) - 1
