"""The Zeek package's scripts parse, are formatted and documented; where Zeek is, their own test suite passes."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from zeekscript import Script

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "zeek_scripts"
SUITE = ROOT / "tests" / "zeek"
PACKAGE = sorted(SCRIPTS.rglob("*.zeek"))
SUITES_SCRIPTS = sorted(path for path in SUITE.rglob("*.zeek") if ".tmp" not in path.parts)
BTEST = shutil.which("btest", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

_EXPORTED = re.compile(r"\t(?:global|option|const|type|redef enum) ")
_MEMBER = re.compile(r"\t\t(?:\w+: .*;|\w+,?)")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PACKAGE + SUITES_SCRIPTS, ids=name)
def test_every_script_parses_and_is_formatted(path: Path) -> None:
    script = Script(path)
    assert script.parse(), script.get_error()
    formatted = io.BytesIO()
    script.format(formatted)
    assert formatted.getvalue() == path.read_bytes(), "zeek-format -i -r zeek_scripts tests/zeek"


@pytest.mark.parametrize("path", PACKAGE, ids=name)
def test_every_script_says_what_it_is_for(path: Path) -> None:
    assert path.read_text("utf-8").startswith("##! ")


@pytest.mark.parametrize("path", PACKAGE, ids=name)
def test_everything_exported_is_documented(path: Path) -> None:
    assert undocumented(path.read_text("utf-8")) == []


def undocumented(source: str) -> list[str]:
    """What export blocks hold, with the members of their records and enumerations, that no comment precedes."""
    missing = []
    for block in re.findall(r"^export \{\n(.*?)^\}", source, re.MULTILINE | re.DOTALL):
        has_members = False
        before = ""
        for line in block.split("\n"):
            if _EXPORTED.match(line):
                has_members = line.startswith(("\ttype ", "\tredef enum Notice"))
                wanted = not line.startswith("\tredef ")
            else:
                wanted = has_members and _MEMBER.fullmatch(line) is not None
            if wanted and not before.lstrip().startswith("## "):
                missing.append(line.strip())
            before = line
    return missing


def test_a_missing_comment_is_seen() -> None:
    record = "\n\ttype R: record {\n\t\t## Said.\n\t\tx: int;\n\t\ty: int;\n\t};\n"
    source = "export {\n\t## Said.\n\toption a = 1;\n\n\toption b = 1;\n" + record + "}\n"
    assert undocumented(source) == ["option b = 1;", "type R: record {", "y: int;"]


def test_no_script_forces_the_format_of_the_logs() -> None:
    assert [name(path) for path in PACKAGE if "use_json" in path.read_text("utf-8")] == []


def test_every_option_has_a_test() -> None:
    sources = [path.read_text("utf-8") for path in PACKAGE]
    options = {found for source in sources for found in re.findall(r"^\toption (\w+):", source, re.MULTILINE)}
    tests = "".join(path.read_text("utf-8") for path in SUITES_SCRIPTS)
    assert options
    assert {option for option in options if not re.search(rf"\b{option}\b", tests)} == set()


@pytest.mark.skipif(shutil.which("zeek") is None, reason="zeek is not on PATH")
@pytest.mark.skipif(BTEST is None, reason="btest is not installed")
def test_zeek_passes_the_packages_own_suite(tmp_path: Path) -> None:
    assert BTEST is not None
    copy = tmp_path / "tests" / "zeek"
    shutil.copytree(SUITE, copy, ignore=shutil.ignore_patterns(".tmp", ".btest*"))
    for folder in ("zeek_scripts", "pcaps"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    path = f"{Path(BTEST).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BTEST, "-c", "btest.cfg", "-j", "2", "-d"],
        cwd=copy,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
