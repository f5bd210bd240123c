"""What the join's document says of its defaults is so."""

import re
from pathlib import Path

from enricher.join.settings import JoinSettings, LiveSettings, StoreSettings

JOIN = Path(__file__).resolve().parents[2] / "docs" / "join.md"
SETTINGS = {"join": JoinSettings(), "live": LiveSettings(), "store": StoreSettings()}


def test_defaults_are_as_told() -> None:
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| (\d+) \|", JOIN.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 10
    assert rows == [(room, key, f"{getattr(SETTINGS[room], key):g}") for room, key, _ in rows]
