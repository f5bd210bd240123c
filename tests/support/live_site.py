"""The real service on the bundled demo, wherever its records come from, and whether it ends where a replay ends."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
DEMO = PCAPS / "demo"

Row = dict[str, Any]


class Site:
    """A configuration, and what a worker with it has told."""

    def __init__(self, folder: Path, url: str, sources: str, *, before: str = "", **more: str) -> None:
        """`sources`: their TOML; `before`: Python that each process runs first; `more`: of `store`, `live`, `sink`."""
        more = {part: f", {text}" for part, text in more.items()}
        self.folder = folder
        self.before = before
        self.ledger, self.told = folder / "ledger.jsonl", folder / "notices.jsonl"
        self.config = folder / "an1496.toml"
        self.config.write_text(
            f'sensor.ca_bundle = "{PCAPS / "ca.pem"}"\n'
            f'store = {{ url = "{url}", timeout_seconds = 2{more.get("store", "")} }}\n'
            f'live = {{ ledger = "{self.ledger}", poll_seconds = 0.02, repeat_seconds = 0{more.get("live", "")} }}\n'
            f'sinks = [{{ type = "file", path = "{self.told}"{more.get("sink", "")} }}]\n'
            f"{sources}\n"
        )

        self.arguments = ["run", "--config", str(self.config)]
        self.words = [sys.executable, "-c", f"{before}\nfrom enricher.cli import main\nmain()", *self.arguments]

    def once(self) -> None:
        """Read and tell all that is there."""
        subprocess.run([*self.words, "--once"], check=True, stderr=subprocess.PIPE, timeout=120)

    def agrees_with(self, replayed: Path) -> None:
        """All that was told is what a replay tells."""
        agree([self.ledger], [self.told], replayed)


def agree(ledgers: Iterable[Path], told: Iterable[Path], replayed: Path) -> None:
    """What workers told together is what a replay tells: of each session one final row, and the notices that stand."""
    assert {uid: same(row) for uid, row in last(ledgers, "uid").items()} == {
        row["uid"]: same(row) for row in read(replayed / "sessions.jsonl")
    }
    assert {id_: standing(n) for id_, n in last(told, "id").items() if n["count"]} == {
        n["id"]: standing(n) for n in read(replayed / "notices.jsonl")
    }


def last(paths: Iterable[Path], key: str) -> dict[str, Row]:
    """The line with the highest revision of each id, in whichever file. No two that differ have the same."""
    found: dict[str, Row] = {}
    for row in (row for path in paths for row in read(path)):
        known = found.get(row[key], {"revision": 0})
        assert row["revision"] != known["revision"] or row == known
        if row["revision"] > known["revision"]:
            found[row[key]] = row
    return found


def read(path: Path) -> list[Row]:
    """The lines of a file; one that death cut short is none."""
    rows = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def same(row: Row) -> Row:
    """A row as a replay writes it, which knows neither revision nor lateness."""
    disposition = "matched" if row["disposition"] == "late" else row["disposition"]
    return {**{k: v for k, v in row.items() if k != "revision"}, "disposition": disposition}


def standing(notice: Row) -> Row:
    """What a notice says, without its revision and where its records were read from."""
    facts = {name: notice[name] for name in ("severity", "score", "count", "process", "legs", "unseen")}
    return facts | {"sessions": [session["uid"] for session in notice["sessions"]]}
