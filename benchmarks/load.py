"""A simulated site under load: how much the service bears, how soon it tells, what it keeps, and whether it is right.

    python benchmarks/load.py [measure] [--hosts N] [--full]     all figures in one run, beside redis-benchmark
    python benchmarks/load.py soak [--hosts N] [--seconds 120]   an hour, faster: is memory flat?
    python benchmarks/load.py make FOLDER [--hosts N] [--hours H]     files: endpoint.json, an1496.log, truth.jsonl
    python benchmarks/load.py send URL [--hosts N] [--speed K]    onto a Redis stream, as it would come, for ever

`measure` takes half a minute, with `--full` ten minutes, and is for a machine that does nothing else; two cores are
enough for one worker and its Redis, three processes share them when there are two workers. What is simulated, and where
each rate comes from, stands in `load_world.py`. Processor time is that of the worker processes; that of Redis is shown
beside it. Retention, waits and so on are those of the service, divided where time is.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import mean, quantiles

import load_peer
from load_lines import FORMS
from load_run import STREAM, Bench, Row, Spent, Times
from load_site import Sent, Site, Truth
from load_world import Habits

QUICK, FULL = 4_000, 60_000
"""Records of one phase."""
SOON: Times = {"wait_seconds": 2.0, "settle_seconds": 6.0, "repeat_seconds": 3.0, "refresh_seconds": 6.0}
"""Short enough that all is settled soon after it was read: each session costs what it costs over its whole life."""
SOAK_HOUR = 3600.0
MB = 1 << 20
HOST, PROCESS, SESSION = "nmkalbgh", "py", "cotrqzweijfduxv"
"""What the letters of the store's keys are about. `y`: nearly all listen to processes."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="measure", choices=("measure", "soak", "make", "send"))
    parser.add_argument("where", nargs="?", help="make: folder; send: URL of a Redis")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form", choices=FORMS, default="ecs", help="how endpoints ship")
    parser.add_argument("--sessions", type=float, default=Habits().sessions, help="TLS sessions a host and day")
    parser.add_argument("--full", action="store_true", help="measure: enough to publish")
    parser.add_argument("--seconds", type=float, default=120.0, help="soak: into how many the hour is pressed")
    parser.add_argument("--hours", type=float, default=1.0, help="make: how much time")
    parser.add_argument("--speed", type=float, default=1.0, help="send: how many times as fast as it was")
    options = parser.parse_args(arguments)
    site = Site(options.hosts, options.seed, habits=Habits(sessions=options.sessions), form=options.form)
    if options.what == "make":
        make(site, Path(options.where or "."), options.hours)
    elif options.what == "send":
        send(site, options.where or "redis://127.0.0.1:6379/0", options.speed)
    else:
        with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
            if options.what == "soak":
                return soak(bench, site, options.seconds)
            measure(bench, options.hosts, options.seed, options.form, site.habits, full=options.full)
    return 0


def make(site: Site, folder: Path, hours: float) -> None:
    """Write what would come, in the order in which it would."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / name).open("wb") for name in ("endpoint.json", "an1496.log", "truth.jsonl")]
    end = site.start + hours * 3600
    for record in site.sent():
        if record.at > end:
            break
        files[record.kind == "tls"].write(record.line + b"\n")
        if record.truth is not None:
            files[2].write(json.dumps(record.truth._asdict()).encode() + b"\n")
    for file in files:
        file.close()


def send(site: Site, url: str, speed: float) -> None:
    """Put what comes on a stream, when it comes."""
    import redis  # noqa: PLC0415

    client = redis.Redis.from_url(url)
    for _, some in paced(site, speed):
        pipe = client.pipeline(transaction=False)
        for record in some:
            pipe.xadd(STREAM, {"message": record.line})
        pipe.execute()


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


def measure(bench: Bench, hosts: int, seed: int, form: str, habits: Habits, *, full: bool) -> None:
    """All figures."""
    count = FULL if full else QUICK
    site = Site(hosts, seed, habits=habits, form=form)
    records = list(islice(site.sent(), count))
    tls = sum(record.kind == "tls" for record in records)
    print(
        f"{hosts} hosts, {count - tls} endpoint events ({form}), {tls} TLS sessions, {len({r.truth.host for r in records if r.truth})} hosts active"
    )
    endpoint = [record for record in records if record.kind != "tls"]
    alone = drained(bench, endpoint, 1)
    print(
        f"endpoint events alone     {len(endpoint) / alone.wall:8,.0f}/s, {len(endpoint) / alone.workers:8,.0f} a core-second of the worker (Redis {alone.store / alone.workers:.0%} of its time)"
    )
    one = drained(bench, records, 1)
    rates(records, one, "1 worker")
    told = bench.rows()
    attribution(records, told)
    memory(bench, records, told)
    commands = bench.commands()
    two = drained(bench, records, 2)
    rates(records, two, "2 workers")
    print(
        f"2 workers against 1       {one.wall / two.wall:8.2f} times as fast, {two.workers / one.workers:.2f} times the processor time"
    )
    beside(bench, records[: max(QUICK, count // 10)], commands, one)
    capacity = len(records) / one.workers
    latency(
        bench,
        Site(hosts, seed + 1, habits=replace(habits, attacks=0.02), form=form),
        capacity * 0.4,
        60.0 if full else 8.0,
    )


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
    bench.until_settled()
    spent = Spent(wall, bench.processor() - before, bench.served() - served)
    bench.stop()
    return spent


def rates(records: Sequence[Sent], spent: Spent, who: str) -> None:
    """Print how fast."""
    tls = sum(record.kind == "tls" for record in records)
    events = len(records) - tls
    print(
        f"{who:9} to the end      {events / spent.wall:8,.0f} events/s with {tls / spent.wall:6,.0f} sessions/s; a core-second of the worker: "
        f"{events / spent.workers:,.0f} with {tls / spent.workers:,.0f} (Redis {spent.store / spent.workers:.0%} of its time)"
    )


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


def soak(bench: Bench, site: Site, seconds: float) -> int:
    """An hour of the site in some seconds, all of the service's times divided alike; whether memory is flat."""
    speed = SOAK_HOUR / seconds
    kept = 600.0 / speed
    times: Times = {
        "retention_days": kept / 86400, "wait_seconds": 120 / speed, "settle_seconds": 300 / speed, "repeat_seconds": 60 / speed, "refresh_seconds": 60 / speed, "disorder_seconds": 10.0, "lease_seconds": 5.0,
    }  # fmt: skip
    print(
        f"an hour in {seconds:g} s; {site.rate_now * speed:,.0f} acts/s of {len(site.weights)} hosts; what came is kept for {kept:.1f} s"
    )
    bench.again()
    bench.begin(1, times)
    print("   s   worker MB    Redis MB        keys      behind")
    seen: list[tuple[float, int, int]] = []
    halfway: Counter[str] = Counter()
    for gone, some in paced(site, speed):
        if some:
            bench.send(some)
        if gone >= (len(seen) + 1) * seconds / 20:
            bench.feed.xtrim(STREAM, minid=bench.read_up_to())
            seen.append((gone, bench.resident(), bench.used()))
            if len(seen) == 10:
                halfway = bench.held()[0]
            print(
                f"{gone:4.0f} {seen[-1][1] / MB:11.1f} {seen[-1][2] / MB:11.1f} {bench.kept.dbsize():11,} {bench.behind():11,}",
                flush=True,
            )
        if gone > seconds:
            break
    bench.until_read()
    bench.stop()
    growth = grown([taken for _, taken, _ in seen]), grown([taken for _, _, taken in seen])
    print(f"from the third to the last quarter: worker {growth[0]:+.1%}, Redis {growth[1]:+.1%}")
    print("Redis, at half time and at the end, by the first letter of the key:")
    end = bench.held()[0]
    print(
        "  "
        + ", ".join(
            f"{letter} {halfway[letter] / MB:.2f} → {end[letter] / MB:.2f} MB" for letter, _ in end.most_common(12)
        )
    )
    return int(max(growth) > 0.05)


def grown(series: Sequence[int]) -> float:
    """By which share the last quarter's mean is above the third's."""
    half, most = len(series) // 2, len(series) * 3 // 4
    return mean(series[most:]) / mean(series[half:most]) - 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
