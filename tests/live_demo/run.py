"""`make demo-live`: the bundled demo as it comes live, a worker killed in the middle, and the end held to a replay.

A sensor writes its log, which `an1496 ship` follows and puts on a Redis stream; hosts put their events on another. Both
keep the order and the pace of what happened, `--speed` times as fast. Two `an1496 run` share the streams. One is killed
while it holds what is not safe yet, and started again. Notices and ledger must end as `an1496 replay` says: exit code 1
where they do not.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from stage import PROGRAM, DemoError, Line, Row, Screen, Stage, rows

from enricher.join.server import EmbeddedServer

PCAPS: Final = Path(__file__).resolve().parents[2] / "pcaps"
CAPTURE: Final = PCAPS / "demo" / "capture.pcap"
ROOTS: Final = PCAPS / "ca.pem"


def main() -> None:
    parser = argparse.ArgumentParser(description="The bundled demo, live: two workers, one of them killed.")
    parser.add_argument("--speed", type=float, default=4.0, metavar="N", help="times as fast as it happened (4)")
    speed = parser.parse_args().speed
    if not speed > 0:
        parser.error("--speed must be more than 0")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="an1496-demo-"))
    try:
        demo(folder, Screen(), speed)
    except DemoError as error:
        sys.exit(f"{error}\nThis is NOT what an1496 replay says. All that was written is in {folder}")
    except BaseException:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def demo(folder: Path, screen: Screen, speed: float) -> None:
    """Live, then replayed.

    Raises:
        DemoError: they differ, or live did not come to an end.
    """
    sessions = sorted((json.loads(line)["ts"], line) for line in call("sense", CAPTURE, "--ca-bundle", ROOTS))
    events = sorted(lines_of_hosts())
    screen.say(f"{len(sessions)} TLS sessions and {len(events)} events of their hosts, {speed:g} times as fast")
    with EmbeddedServer() as server:
        Stage(folder, server.url, ROOTS, screen).play(sessions, events, speed)
    call("replay", CAPTURE, "--endpoint", CAPTURE.parent, "--ca-bundle", ROOTS, "--out", folder / "replay")
    wrong = []
    for name, key in (("notices", "id"), ("sessions", "uid")):
        expected = latest(rows(folder / "replay" / f"{name}.jsonl"), key)
        found = latest([row for worker in Stage.WORKERS for row in rows(folder / f"{worker}.{name}.jsonl")], key)
        screen.say(f"{name}: {len(found)} live, {len(expected)} as an1496 replay says")
        wrong += differences(found, expected)
    if wrong:
        raise DemoError("\n".join(wrong))
    screen.say("the same, each of them; revisions and lateness aside", "green")


def call(*words: str | Path) -> list[bytes]:
    """The lines that a command of ours prints."""
    done = subprocess.run([*PROGRAM, *words], check=False, capture_output=True)
    if done.returncode:
        raise DemoError(f"an1496 {words[0]} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout.splitlines()


def lines_of_hosts() -> Iterator[Line]:
    for path in sorted(CAPTURE.parent.glob("*.json")):
        for line in path.read_bytes().splitlines():
            yield datetime.fromisoformat(json.loads(line)["@timestamp"]).timestamp(), line


def latest(found: list[Row], key: str) -> dict[str, Row]:
    """The highest revision of each. A withdrawn notice is none, nor is another sensor's view of a session."""
    last: dict[str, Row] = {}
    for row in found:
        if row.get("revision", 1) >= last.get(row[key], {}).get("revision", 0):
            last[row[key]] = row
    return {id_: row for id_, row in last.items() if row.get("count") != 0 and row.get("disposition") != "duplicate"}


def differences(found: dict[str, Row], expected: dict[str, Row]) -> list[str]:
    """One line for each that is not the same."""
    wrong = []
    for id_ in sorted(found.keys() | expected.keys()):
        if id_ not in found or id_ not in expected:
            wrong.append(f"{id_}: only {'live' if id_ in found else 'in the replay'}")
            continue
        live, replayed = comparable(found[id_]), comparable(expected[id_])
        wrong += [
            f"{id_}: {field} is {live.get(field)!r:.80} live, {replayed.get(field)!r:.80} in the replay"
            for field in sorted(live.keys() | replayed.keys())
            if live.get(field) != replayed.get(field)
        ]
    return wrong


def comparable(value: Any) -> Any:
    """Without what a replay cannot know: revision, lateness, and in which place of a stream a record stood."""
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items() if k not in {"revision", "source"}}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return "matched" if value == "late" else value


if __name__ == "__main__":
    main()
