"""Runs the service against a server of its own, and watches both."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import redis
from load_site import Sent

from enricher.join.live_keys import LiveKeys
from enricher.join.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[1]
STREAM, GROUP, NOTICES, NAMESPACE = "events", "an1496", "notices", "load"
_TICKS = os.sysconf("SC_CLK_TCK")
_WINDOWS = {"owner_reach": 3600.0, "bind_window": 60.0}
"""Keys of `[join]` that may not be longer than records are kept."""
_LASTING = "kgarl"
_POLL = 0.05
_FILL = 500

Times = dict[str, float]
"""Keys of `[live]`, and `retention_days`."""


class Spent(NamedTuple):
    """What some work took."""

    wall: float
    workers: float
    """Seconds of processor time of all workers."""
    store: float
    """Of the store's server."""
    share: float = 0.0
    """Of the wall time in which the workers had a processor: of two workers at most 2, less where others had it."""


class Row(msgspec.Struct):
    """What we ask of a ledger row."""

    uid: str
    revision: int
    disposition: str
    process_guid: str | None
    notice_id: str | None
    severity: str


class Bench:
    """Two servers, one for what comes and what is told, one for the store; any number of workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closing = contextlib.ExitStack()
        self.input = self._closing.enter_context(EmbeddedServer())
        self.store = self._closing.enter_context(EmbeddedServer())
        self.feed, self.kept = self.client(self.input), self.client(self.store)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._number = 0

    def client(self, server: EmbeddedServer) -> Any:
        return redis.Redis(unix_socket_path=str(server.socket))

    def again(self) -> None:
        """Forget all."""
        self.stop()
        self.feed.flushall()
        self.kept.flushall()
        self.kept.config_resetstat()
        for ledger in self._folder.glob("ledger-*.jsonl"):
            ledger.unlink()

    def fill(self, records: Iterable[Sent]) -> int:
        """Put records on the stream as fast as that goes."""
        count = 0
        for some in _batched(records, _FILL):
            self.send(some)
            count += len(some)
        return count

    def send(self, records: Sequence[Sent]) -> list[float]:
        """Put records on the stream; when each came, by the server's clock."""
        pipe = self.feed.pipeline(transaction=False)
        for record in records:
            pipe.xadd(STREAM, {"message": record.line})
        return [int(id_.partition(b"-")[0]) / 1e3 for id_ in pipe.execute()]

    def begin(self, workers: int, times: Times, *, profile: Path | None = None) -> None:
        """Start workers, and wait until each has gone round."""
        self.feed.xgroup_create(STREAM, GROUP, "0", mkstream=True)
        for _ in range(workers):
            self._number += 1
            file = self._folder / f"worker-{self._number}.toml"
            file.write_text(self._configuration(f"w{self._number}", times))
            how = ["-m", "cProfile", "-o", str(profile)] if profile else []
            command = [sys.executable, *how, "-m", "enricher", "run", "-c", str(file)]
            with (self._folder / f"worker-{self._number}.log").open("wb") as log:
                self.workers.append(subprocess.Popen(command, stderr=log, cwd=ROOT))
        while len(self.feed.xinfo_consumers(STREAM, GROUP)) < workers:
            self._alive()
            time.sleep(_POLL)

    def stop(self) -> None:
        """End the workers as an operator would."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(60)
        self.workers.clear()

    def until_read(self, limit: float = 600) -> Spent:
        """Wait until all that was sent is safe; what that took."""
        return self._until(lambda: self.behind() == 0, limit)

    def until_settled(self, limit: float = 600) -> Spent:
        """Wait until nothing waits and all is settled; what that took."""
        keys = LiveKeys(NAMESPACE)
        return self._until(lambda: self.behind() == 0 and not self.kept.exists(keys.waiting, keys.unsettled), limit)

    def _until(self, done: Callable[[], bool], limit: float) -> Spent:
        began, before, served = time.monotonic(), self.processor(), self.served()
        while not done():
            if time.monotonic() - began > limit:
                sys.exit(f"not done in {limit:g} s; {self.behind()} entries are not safe")
            self._alive()
            time.sleep(_POLL)
        return Spent(time.monotonic() - began, self.processor() - before, self.served() - served)

    def read_up_to(self) -> bytes:
        """The last entry of the stream that was given to a worker."""
        return bytes(next(iter(self.feed.xinfo_groups(STREAM)))["last-delivered-id"])

    def behind(self) -> int:
        """Entries that are not read, or not safe."""
        group = next(iter(self.feed.xinfo_groups(STREAM)))
        return int(group["lag"] or 0) + int(group["pending"])

    def _alive(self) -> None:
        for worker in self.workers:
            if worker.poll() is not None:
                logs = sorted(self._folder.glob("worker-*.log"), key=lambda p: p.stat().st_mtime)
                sys.exit(f"a worker ended: {logs[-1].read_text()[-1500:]}")

    def processor(self) -> float:
        """Seconds that the workers have taken."""
        return sum(_processor(worker.pid) for worker in self.workers)

    def served(self) -> float:
        """Seconds that the store's server has taken."""
        return _processor(self.store.pid)

    def resident(self) -> int:
        """Bytes of memory of all workers."""
        return sum(_resident(worker.pid) for worker in self.workers)

    def resident_here(self) -> int:
        """Bytes of memory of this process."""
        return _resident(os.getpid())

    def used(self) -> int:
        """Bytes that the store's server has given out."""
        return int(self.kept.info("memory")["used_memory"])

    def rows(self) -> dict[str, Row]:
        """The last row of each session."""
        last: dict[str, Row] = {}
        decode = msgspec.json.Decoder(Row).decode
        for ledger in self._folder.glob("ledger-*.jsonl"):
            for line in ledger.read_bytes().splitlines():
                row = decode(line)
                if row.uid not in last or row.revision >= last[row.uid].revision:
                    last[row.uid] = row
        return last

    def told(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """Each notice as it was told, with the time, by the server's clock."""
        for id_, fields in self.feed.xrange(NOTICES):
            yield int(id_.partition(b"-")[0]) / 1e3, msgspec.json.decode(fields[b"payload"])

    def commands(self) -> dict[str, int]:
        """How often each command was carried out since `again`."""
        stats = self.kept.info("commandstats")
        return {name.removeprefix("cmdstat_").upper(): int(found["calls"]) for name, found in stats.items()}

    def held(self) -> tuple[Counter[str], Counter[str]]:
        """Bytes and number of the store's keys, by the letter after the namespace."""
        size: Counter[str] = Counter()
        count: Counter[str] = Counter()
        cursor = 0
        while True:
            cursor, keys = self.kept.scan(cursor, f"{NAMESPACE}:*", 2000)
            pipe = self.kept.pipeline(transaction=False)
            for key in keys:
                pipe.memory_usage(key, samples=0)
            for key, taken in zip(keys, pipe.execute(), strict=True):
                letter = key.split(b":")[1].decode("latin-1")
                size[letter] += taken or 0
                count[letter] += 1
            if cursor == 0:
                return size, count

    def lasting(self) -> dict[str, tuple[int, int]]:
        """Keys that stay as long as their host does, by letter: bytes, and members of all of them."""
        found: dict[str, tuple[int, int]] = {}
        for letter in _LASTING:
            keys = list(self.kept.scan_iter(f"{NAMESPACE}:{letter}:*", 2000))
            pipe = self.kept.pipeline(transaction=False)
            for key in keys:
                pipe.memory_usage(key, samples=0)
                (pipe.hlen if letter == "k" else pipe.zcard)(key)
            answers = pipe.execute()
            found[letter] = sum(answers[::2]), sum(answers[1::2])
        return found

    def _configuration(self, name: str, times: Times) -> str:
        live = "\n".join(f"{key} = {value!r}" for key, value in times.items() if key != "retention_days")
        days = times.get("retention_days", 7.0)
        windows = "\n".join(f"{key} = {min(usual, days * 86400)!r}" for key, usual in _WINDOWS.items())
        return f"""
[store]
url = "{self.store.url}"
namespace = "{NAMESPACE}"
retention_days = {days!r}
[join]
{windows}
[live]
worker = "{name}"
ledger = "{self._folder}/ledger-{name}.jsonl"
{live}
[[sources]]
type = "redis_stream"
url = "{self.input.url}"
key = "{STREAM}"
group = "{GROUP}"
[[sinks]]
type = "redis"
url = "{self.input.url}"
stream = "{NOTICES}"
"""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.feed.close()
        self.kept.close()
        self._closing.close()


def _batched(records: Iterable[Sent], size: int) -> Iterator[Sequence[Sent]]:
    some: list[Sent] = []
    for record in records:
        some.append(record)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _processor(pid: int) -> float:
    """User and system time of a process."""
    with contextlib.suppress(OSError):
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after[11]) + int(after[12])) / _TICKS
    return 0.0


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
    return 0
