"""A simulated site under load: how much the service bears, how soon it tells, what it keeps, and whether it is right.

    python benchmarks/load.py [measure] [--hosts N] [--full]     all figures in one run, beside redis-benchmark
    python benchmarks/load.py soak [--hosts N] [--seconds 120]   an hour, faster: is memory flat?
    python benchmarks/load.py profile [--hosts N]                where a worker's time goes
    python benchmarks/load.py make FOLDER [--hosts N] [--hours H]     files: endpoint.json, an1496.log, truth.jsonl
    python benchmarks/load.py send URL [--hosts N] [--speed K]    onto a Redis stream, as it would come, for ever

`measure` takes a minute, with `--full` (and a soak) ten minutes, and is for a machine that does nothing else; two cores are
enough for one worker and its Redis, three processes share them when there are two workers. What is simulated, and where
each rate comes from, stands in `load_world.py`. Processor time is that of the worker processes; that of Redis is shown
beside it. Retention, waits and so on are those of the service, divided where time is.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import redis
from load_figures import MB, attribution, beside, drained, grown, latency, memory, names, paced, profile, rates, reading
from load_lines import FORMS
from load_run import STREAM, Bench, Times
from load_site import Site
from load_world import Habits

QUICK, FULL = 4_000, 60_000
"""Records of one phase."""
SOAK_HOUR, SOAKED = 3600.0, 100
"""Seconds, and hosts where nothing else is said: one worker keeps up with their hour in two minutes."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="measure", choices=("measure", "soak", "profile", "make", "send"))
    parser.add_argument("where", nargs="?", help="make: folder; send: URL of a Redis")
    parser.add_argument("--hosts", type=int, help=f"1000; soak: {SOAKED}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form", choices=FORMS, default="ecs", help="how endpoints ship")
    parser.add_argument("--sessions", type=float, default=Habits().sessions, help="TLS sessions a host and day")
    parser.add_argument("--full", action="store_true", help="measure: enough to publish")
    parser.add_argument("--seconds", type=float, default=120.0, help="soak: into how many the hour is pressed")
    parser.add_argument("--hours", type=float, default=1.0, help="make: how much time")
    parser.add_argument("--speed", type=float, default=1.0, help="send: how many times as fast as it was")
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    hosts = options.hosts or (SOAKED if options.what == "soak" else 1000)
    site = Site(hosts, options.seed, habits=Habits(sessions=options.sessions), form=options.form)
    if options.what == "make":
        make(site, Path(options.where or "."), options.hours)
    elif options.what == "send":
        send(site, options.where or "redis://127.0.0.1:6379/0", options.speed)
    else:
        with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
            if options.what == "soak":
                return soak(bench, site, options.seconds)
            if options.what == "profile":
                profile(bench, list(islice(site.sent(), 3 * QUICK)), Path(folder))
                return 0
            measure(bench, hosts, options.seed, options.form, site.habits, full=options.full)
            if options.full:
                return soak(bench, Site(SOAKED, options.seed, habits=site.habits, form=options.form), options.seconds)
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
    client = redis.Redis.from_url(url)
    for _, some in paced(site, speed):
        pipe = client.pipeline(transaction=False)
        for record in some:
            pipe.xadd(STREAM, {"message": record.line})
        pipe.execute()


def measure(bench: Bench, hosts: int, seed: int, form: str, habits: Habits, *, full: bool) -> None:
    """All figures."""
    count = FULL if full else QUICK
    site = Site(hosts, seed, habits=habits, form=form)
    records = list(islice(site.sent(), count))
    tls = sum(record.kind == "tls" for record in records)
    print(
        f"{hosts} hosts, {count - tls} endpoint events ({form}), {tls} TLS sessions, {len({r.truth.host for r in records if r.truth})} hosts active"
    )
    reading(records[: 2 * QUICK], form)
    endpoint = [record for record in records if record.kind != "tls"]
    alone = drained(bench, endpoint, 1)
    print(
        f"endpoint events alone     {len(endpoint) / alone.wall:8,.0f}/s, {len(endpoint) / alone.workers:8,.0f} a core-second of the worker (Redis {alone.store / alone.workers:.0%} of its time; {alone.share:.2f} processors)"
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
    if full:
        wide = list(islice(Site(100_000, seed, habits=habits, form=form).sent(), count // 3))
        rates(wide, drained(bench, wide, 1), "100,000 hosts")
        names(bench, 100_000)
    capacity = len(records) / one.workers
    latency(
        bench,
        Site(hosts, seed + 1, habits=replace(habits, attacks=0.02), form=form),
        capacity * 0.4,
        60.0 if full else 8.0,
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
