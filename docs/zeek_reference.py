"""Writes zeek-reference.md from the comments of the Zeek package: python docs/zeek_reference.py."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
PACKAGE: Final = HERE.parent / "zeek_scripts"
TARGET: Final = HERE / "zeek-reference.md"

_EXPORT: Final = re.compile(r"^export \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_SETTING: Final = re.compile(r"(option|const) (\w+)(?:: (.*?))? = (.*?)(?: &redef)?;")
_RECORD: Final = re.compile(r"type (\w+): record \{.*")
_FIELD: Final = re.compile(r"(\w+): (.*?)((?: &\w+\S*)*);")
_CALLABLE: Final = re.compile(r"global (\w+): (event|hook) ?\((.*)\);")
_LONGEST: Final = 60
_HEAD: Final = (
    "# Reference of the Zeek package\n\nWritten by `docs/zeek_reference.py` from the comments in the scripts.\n"
)

Row = tuple[str, ...]


class Statement(NamedTuple):
    """Something declared, with the comment above it."""

    about: str
    text: str
    """In one line."""
    body: list[str]
    """The lines between its first and its last one."""


def statements(lines: Iterable[str], depth: int) -> Iterator[Statement]:
    """What is declared at a depth of indentation."""
    comment: list[str] = []
    body: list[str] = []
    for line in lines:
        words = line.strip()
        if not body and words.startswith("##"):
            comment.append(words.removeprefix("##").strip())
        elif words:
            body.append(line)
            at_depth = line.startswith("\t" * depth) and not line.startswith("\t" * (depth + 1))
            is_member = words.endswith(",") and words[:-1].isidentifier()
            if (words.endswith(";") or is_member) and (at_depth or _continued(body, depth)):
                about = comment[: comment.index("")] if "" in comment else comment
                yield Statement(" ".join(about), " ".join(" ".join(body).split()), body[1:-1])
                comment, body = [], []


def _continued(body: list[str], depth: int) -> bool:
    """A long line that goes on is indented by spaces; a block, by a tab more."""
    return not any(line.startswith("\t" * (depth + 1)) for line in body)


def exported() -> list[Statement]:
    """Everything that the package exports."""
    blocks = [b for path in sorted(PACKAGE.glob("*.zeek")) for b in _EXPORT.findall(path.read_text("utf-8"))]
    return [statement for block in blocks for statement in statements(block.splitlines(), 1)]


def document() -> str:
    """The whole file."""
    found = exported()
    records = {m[1]: s.body for s in found if (m := _RECORD.fullmatch(s.text))}
    return _HEAD + "".join(
        (
            _table(
                "Options, changed at run time or by `redef`", "option type default meaning", _settings(found, "option")
            ),
            _table("Constants, changed by `redef`", "constant type default meaning", _settings(found, "const")),
            _table("Notices", "type meaning", _notices(found)),
            _table("Fields of an1496.log", "field type meaning", _fields(records, "Info", logged=True)),
            _table(
                "Fields of `AN1496::Correlation`", "field type meaning", _fields(records, "Correlation", logged=False)
            ),
            _table("Events and hooks", "name arguments meaning", _callables(found)),
        )
    )


def _table(title: str, columns: str, rows: Iterable[Row]) -> str:
    lines = [columns.split(), ["---" for _ in columns.split()], *rows]
    shown = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return f"\n## {title}\n\n" + "".join(f"| {line} |\n" for line in shown)


def _settings(found: Iterable[Statement], wanted: str) -> Iterator[Row]:
    for statement in found:
        match = _SETTING.fullmatch(statement.text)
        if match and match[1] == wanted:
            default = f"`{match[4]}`" if len(match[4]) <= _LONGEST else "see the script"
            yield f"`AN1496::{match[2]}`", f"`{match[3]}`" if match[3] else "", default, statement.about


def _notices(found: Iterable[Statement]) -> Iterator[Row]:
    for statement in found:
        if statement.text.startswith("redef enum Notice::Type"):
            for member in statements(statement.body, 2):
                yield f"`AN1496::{member.text.rstrip(',')}`", member.about


def _fields(records: dict[str, list[str]], name: str, *, logged: bool, prefix: str = "") -> Iterator[Row]:
    for field in statements(records[name], 2):
        match = _FIELD.fullmatch(field.text)
        if match and match[2] in records:
            yield from _fields(records, match[2], logged=logged, prefix=f"{prefix}{match[1]}.")
        elif match and (not logged or "&log" in match[3]):
            yield f"`{prefix}{match[1]}`", f"`{match[2]}`", field.about


def _callables(found: Iterable[Statement]) -> Iterator[Row]:
    for statement in found:
        if match := _CALLABLE.fullmatch(statement.text):
            yield f"{match[2]} `AN1496::{match[1]}`", f"`{match[3].strip()}`", statement.about


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
