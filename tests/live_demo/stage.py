"""Who plays in the live demo: two writers, a forwarder, two workers, and what the screen shows of them."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import redis
from rich.console import Console
from rich.text import Text

from enricher.model.text import visible
from enricher.report.words import last_part, place

PROGRAM: Final = (sys.executable, "-m", "enricher")
SENSOR, HOSTS = STREAMS = ("sensor", "hosts")
GROUP: Final = "an1496"
AWAY: Final = 1.5
"""Seconds until the killed worker is started again."""
PATIENCE: Final = 60.0
"""Seconds until everything that was written must be safe, and a process ended."""
COLOURS: Final = {"critical": "bold red", "high": "red", "medium": "yellow"}

Row = dict[str, Any]
Line = tuple[float, bytes]
"""When it was written (seconds since 1970), and what."""


class DemoError(Exception):
    """Not what the demo promises; says what."""


class Screen:
    """One line for each thing that happens, after the seconds since the beginning."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def say(self, text: str, style: str = "") -> None:
        self._line(Text(visible(text), style))

    def notice(self, worker: str, notice: Row) -> None:
        what = f"{notice['severity']} {notice['score']}" if notice["count"] else "withdrawn"
        line = Text(f"{what:9}", COLOURS.get(notice["severity"], ""))
        who = last_part(visible((notice["process"] or {}).get("image") or "unknown process"))
        server = place(visible(notice["server"]["address"]), notice["server"]["port"])
        told = f"{who} on {visible(notice['host'] or 'an unknown host')}, {notice['count']} to {server}"
        line.append(f" revision {notice['revision']}, by {worker}: {told}", "default")
        if self._console.is_terminal:
            line.truncate(max(20, self._console.width - 9), overflow="ellipsis")
        self._line(line)

    def _line(self, text: Text) -> None:
        self._console.print(Text(f"{time.monotonic() - self._began:5.1f} s  ").append_text(text))


class Program:
    """One process of `an1496` with a configuration file; its log is kept beside it."""

    def __init__(self, folder: Path, name: str, command: str, config: str) -> None:
        self._name, self._command = name, command
        self._config, self._log = folder / f"{name}.toml", folder / f"{name}.log"
        self._config.write_text(config)
        self._starts = 0

    def start(self, *more: str) -> None:
        self._starts += 1
        words = [*PROGRAM, self._command, "--config", str(self._config), *more]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log)

    def is_up(self) -> bool:
        """It has said so as often as it was started."""
        return self._log.read_bytes().count(b'"event":"started"') >= self._starts

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Wait for its end, which must be a good one."""
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{self._name} did not end within {PATIENCE:g} s") from error
        if code:
            raise DemoError(f"{self._name} ended with {code}: {self._log.read_text(errors='replace')[-500:]}")

    def must_live(self) -> None:
        if self._process.poll() is not None:
            self.wait()
            raise DemoError(f"{self._name} ended too early")


class Worker(Program):
    """One `an1496 run`, with a ledger and a file of notices of its own."""

    def __init__(self, folder: Path, name: str, url: str, roots: Path) -> None:
        self._notices, self._shown = folder / f"{name}.notices.jsonl", 0
        sources = (
            f'[[sources]]\ntype = "redis_stream"\nurl = "{url}"\nkey = "{key}"\nclaim_seconds = 1\n' for key in STREAMS
        )
        ledger = folder / f"{name}.sessions.jsonl"
        config = (
            f'sensor.ca_bundle = "{roots}"\nstore.url = "{url}"\n'
            f'live = {{ worker = "{name}", ledger = "{ledger}", batch = 20, poll_seconds = 0.05, repeat_seconds = 0, '
            "lease_seconds = 3 }\n"
            f'{"".join(sources)}[[sinks]]\ntype = "file"\npath = "{self._notices}"\n'
        )
        super().__init__(folder, name, "run", config)

    def told(self) -> list[Row]:
        """Notices that it wrote since the last call."""
        found = rows(self._notices)
        fresh, self._shown = found[self._shown :], len(found)
        return fresh


class Stage:
    """A sensor, hosts, a forwarder and two workers around one server."""

    WORKERS = ("one", "two")

    def __init__(self, folder: Path, url: str, roots: Path, screen: Screen) -> None:
        self._folder, self._url, self._screen = folder, url, screen
        self._redis = redis.Redis(unix_socket_path=url.removeprefix("unix://"))
        self._log = folder / "an1496.log"
        self._shown: set[tuple[str, int]] = set()
        self._workers = {name: Worker(folder, name, url, roots) for name in self.WORKERS}
        target = f'{{ type = "redis", url = "{url}", stream = "{SENSOR}" }}'
        state = folder / "ship.state"
        config = (
            f'ship = {{ target = {target}, state = "{state}", poll_seconds = 0.05 }}\n'
            f'[[sources]]\ntype = "tail"\npath = "{self._log}"\n'
        )
        self._ship = Program(folder, "ship", "ship", config)

    def play(self, sessions: list[Line], events: list[Line], speed: float) -> None:
        """Everything, until nothing waits any more."""
        one, two = self._workers.values()
        began = min(sessions[0], events[0])[0]
        half = (sessions[len(sessions) // 2][0] - began) / speed
        with ExitStack() as ending:
            for program in (one, two, self._ship):
                program.start()
                ending.callback(program.kill)
            self._wait("the workers do not read", self._all_read)
            self._screen.say("workers one and two read")
            threads = ending.enter_context(ThreadPoolExecutor())
            stop = threading.Event()
            ending.callback(stop.set)
            pace = Pace(began, speed, stop)
            writers = [
                threads.submit(pace.write, sessions, self._write_log),
                threads.submit(pace.write, events, lambda line: self._redis.xadd(HOSTS, {"message": line})),
            ]
            self._until(time.monotonic() + half)
            self._kill(one, time.monotonic() + half / 4)
            self._until(time.monotonic() + AWAY)
            one.start()
            self._wait("worker one is not back", one.is_up)
            self._screen.say("worker one is started again")
            self._wait("the writers still write", lambda: all(writer.done() for writer in writers))
            for writer in writers:
                writer.result()
            self._wait("not all was shipped", lambda: self._redis.xlen(SENSOR) >= len(sessions))
            self._wait("not all that was read is safe", self._safe)
            for program in (self._ship, one, two):
                program.send(signal.SIGTERM)
                program.wait()
            two.start("--once")  # what still waits is told as it is
            two.wait()
            self._show()

    def _until(self, when: float) -> None:
        while time.monotonic() < when:
            self._show()
            time.sleep(0.05)

    def _show(self) -> None:
        for name, worker in self._workers.items():
            for notice in worker.told():
                if (revision := (notice["id"], notice["revision"])) not in self._shown:  # it may be sent twice
                    self._shown.add(revision)
                    self._screen.notice(name, notice)

    def _kill(self, worker: Worker, deadline: float) -> None:
        """Stop it again and again until it is caught with entries that are not safe, and kill it then."""
        while True:
            worker.send(signal.SIGSTOP)
            time.sleep(0.003)
            if self._held("one") or time.monotonic() > deadline:
                break
            worker.send(signal.SIGCONT)
            time.sleep(0.003)
        worker.kill()
        self._screen.say(
            f"worker one is killed; entries that it had read and not made safe: {self._held('one')}", "bold"
        )

    def _held(self, consumer: str) -> int:
        return sum(each["pending"] for each in self._consumers() if each["name"] == consumer.encode())

    def _consumers(self) -> list[Row]:
        return [each for key in STREAMS if self._redis.exists(key) for each in self._redis.xinfo_consumers(key, GROUP)]

    def _all_read(self) -> bool:
        return len(self._consumers()) == len(STREAMS) * len(self._workers)

    def _wait(self, otherwise: str, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            for program in (*self._workers.values(), self._ship):
                program.must_live()
            if time.monotonic() > deadline:
                raise DemoError(f"after {PATIENCE:g} s {otherwise}")
            self._show()
            time.sleep(0.05)

    def _safe(self) -> bool:
        """Every group of every stream has read and acknowledged everything."""
        groups = [group for key in STREAMS for group in self._redis.xinfo_groups(key)]
        return all(g["pending"] == 0 and g["lag"] == 0 for g in groups)

    def _write_log(self, line: bytes) -> None:
        with self._log.open("ab") as log:
            log.write(line + b"\n")


class Pace:
    """Order and distances of what happened, `speed` times as fast."""

    def __init__(self, began: float, speed: float, stop: threading.Event) -> None:
        self._began, self._speed, self._stop = began, speed, stop
        self._now = time.monotonic()

    def write(self, lines: list[Line], put: Callable[[bytes], object]) -> None:
        for when, line in lines:
            if self._stop.wait(max(0.0, self._now + (when - self._began) / self._speed - time.monotonic())):
                return
            put(line)


def rows(path: Path) -> list[Row]:
    """The lines of a file of JSON lines. What a kill left of one, or is not wholly written yet, is none."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
