"""What the documents show: their blocks of code, the commands in them, and a folder in which to type these."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_WHERE: Final = ("*.md", "docs/*.md", "pcaps/*.md", "deploy/*.toml", "deploy/systemd/*", "deploy/container/*")
DOCUMENTS: Final = {str(path.relative_to(ROOT)): path for where in _WHERE for path in sorted(ROOT.glob(where))}
"""Everything that tells a person what to type, by its path from the root."""
COMMANDS: Final = re.compile(
    r"(?:apt-get|make|python3?|pip|install|cp|curl|kill|systemctl|systemd-analyze|journalctl|podman|vagrant|zkg|zeek|zeekctl"
    r"|winlogbeat|redis-cli|an1496)\s.+|\. \.venv/.+|/opt/.+/bin/.+"
)
"""What a line or a span of code begins with that somebody is meant to type."""
_BLOCK: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_SPAN: Final = re.compile(r"`([^`]+)`")
_FOLDED: Final = re.compile(r"\s*\\\n\s*")
_CLONE: Final = (
    "enricher",
    "pcaps",
    "deploy",
    "docs",
    "benchmarks",
    "tests",
    "zeek_scripts",
    "Makefile",
    "pyproject.toml",
)


def unfolded(text: str) -> str:
    """Lines that a backslash continues, as one."""
    return _FOLDED.sub(" ", text)


def blocks(name: str, language: str) -> list[str]:
    """The text of all fenced blocks of a language in a document, without the indentation of a list."""
    return [
        re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
        for indent, marked, text in _BLOCK.findall(DOCUMENTS[name].read_text("utf-8"))
        if marked == language
    ]


def lines(name: str, language: str) -> list[str]:
    """The lines of these blocks."""
    return [line for block in blocks(name, language) for line in unfolded(block).splitlines()]


def typed(name: str) -> list[str]:
    """What a document says to type outside of blocks marked `sh`: lines of unmarked blocks, and spans of code."""
    spans = _SPAN.findall(_BLOCK.sub("", DOCUMENTS[name].read_text("utf-8")))
    return [each for each in (*lines(name, ""), *map(" ".join, map(str.split, spans))) if COMMANDS.fullmatch(each)]


def clone(folder: Path) -> None:
    """Make a folder look like a clone of the repository after `make`, with the virtual environment of the tests."""
    for name in _CLONE:
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    for stamp in (".demo", ".test", ".bench"):
        (folder / ".venv" / stamp).touch()


def environment(folder: Path) -> dict[str, str]:
    """What the shell of somebody knows who has activated the virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8", "COLUMNS": "200"}


def enter(script: str, folder: Path, *shell: str, **more: str) -> str:
    """What a script prints. Whatever fails in it ends it, what it left running, and the test."""
    begin = "set -euo pipefail; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"
    ran = subprocess.run(
        [*shell, "bash", "-c", f"{begin}\n{script}"],
        cwd=folder, env=environment(folder) | more, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout
