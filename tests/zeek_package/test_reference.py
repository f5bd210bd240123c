"""The Zeek package's reference is what its scripts say."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("zeek_reference", ROOT / "docs" / "zeek_reference.py")
assert SPEC is not None
assert SPEC.loader is not None
reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference)
SCRIPTS = [path.read_text("utf-8") for path in (ROOT / "zeek_scripts").glob("*.zeek")]


def test_the_reference_is_current() -> None:
    assert reference.TARGET.read_text("utf-8") == reference.document(), "python docs/zeek_reference.py"


def test_no_option_notice_field_or_event_is_left_out() -> None:
    document = reference.document()
    named = r"^\t(?:option|const) (\w+)|^\tglobal (\w+): (?:event|hook)\b|^\t\t(\w+): .*&log"
    names = {name for text in SCRIPTS for found in re.findall(named, text, re.MULTILINE) for name in found if name}
    assert len(names) > 80
    assert {name for name in names if not re.search(rf"[`.:]{name}[`.]", document)} == set()
    for text in SCRIPTS:
        for members in re.findall(r"^\tredef enum Notice::Type \+= \{(.*?)^\t\}", text, re.MULTILINE | re.DOTALL):
            for name in re.findall(r"^\t\t(\w+),", members, re.MULTILINE):
                assert f"| `AN1496::{name}` |" in document


def test_every_row_says_what_it_means() -> None:
    rows = [line for line in reference.document().splitlines() if line.startswith("| ") and "---" not in line]
    assert [row for row in rows if row.endswith("|  |")] == []
