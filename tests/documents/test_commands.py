"""Every command that the documents show is run, or stands below with the reason why not."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.cli import cli
from enricher.config import Config
from enricher.join.server import find_binary

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {p.name: p for p in (ROOT / "README.md", *ROOT.glob("docs/*.md"))}
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
REDIS = "6379"
"""The port in the documents; here a server of the test's own listens on another."""

COMMANDS = re.compile(
    r"(?:apt-get|make|python3?|pip|install|systemctl|systemd-analyze|journalctl|podman|vagrant|zkg|winlogbeat|redis-cli"
    r"|an1496)\s.+|\. \.venv/.+|/opt/.+/.+"
)
"""What a line or a span of code begins with that somebody is meant to type."""
NOT_RUN = {
    r"apt-get install .*|python3 -m venv /opt/.*|/opt/an1496/bin/pip .*|install .*": "changes the machine",
    r"make (demo|demo-live|test|bench|fuzz)": "makes a virtual environment from a registry; CI runs the first ones",
    r"pip install .*": "wants a registry",
    r"python benchmarks/.*": "measures for longer than a test may take",
    r"\. \.venv/bin/activate": "the test's PATH does it",
    r"podman build .*": "wants a container engine and registries",
    r"systemctl .*|journalctl .*|systemd-analyze .*": "wants a running systemd; tests/deploy has the units analysed",
    r"zkg install .*": "wants Zeek's package manager and a Zeek; tests/zeek loads the package where there is a Zeek",
    r"winlogbeat .*": "wants Windows",
    r"vagrant (up|validate).*": "wants a hypervisor and a Windows image; tests/deploy runs what it can of the lab",
    r"an1496 .*": "wants files or streams that somebody has; tests/cli, tests/service and tests/zeek run each command",
}
"""Pattern of commands outside of blocks marked `sh`, to why they are not run."""


def blocks(document: Path, language: str) -> list[str]:
    """The text of all fenced blocks of a language, without the indentation of a list."""
    return [
        re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
        for indent, marked, text in BLOCK.findall(document.read_text("utf-8"))
        if marked == language
    ]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [str(find_binary()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()


def run(document: Path, folder: Path, port: int) -> str:
    """What the blocks of a document print, one after the other in one folder; the first failure ends it."""
    for name in ("pcaps", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    script = "set -euo pipefail\n" + "\n".join(blocks(document, "sh")).replace(REDIS, str(port))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="the documents ask a redis-cli")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("quickstart.md", ["invoice_viewer.exe", "powershell.exe", "attributed  ", '"id":"AN1496-22e717e199243ec3"']),
        ("winlogbeat.md", ["reads redis_list", '"disposition":"matched"', '"host":"ws-07.corp.example"']),
    ],
)
def test_the_commands_of_a_document_do_what_it_says(name: str, told: list[str], tmp_path: Path, redis: int) -> None:
    printed = run(DOCUMENTS[name], tmp_path, redis)
    assert [words for words in told if words not in printed] == []


def test_every_document_with_commands_to_run_is_run() -> None:
    (mark,) = (m for m in test_the_commands_of_a_document_do_what_it_says.pytestmark if m.name == "parametrize")
    run_here = {name for name, _ in mark.args[1]}
    assert {name for name, path in DOCUMENTS.items() if blocks(path, "sh")} == run_here


def shown(document: Path) -> list[str]:
    """What a document says to type, but does not have run: lines of blocks without a language, and spans of code."""
    spans = re.findall(r"`([^`\n]+)`", BLOCK.sub("", document.read_text("utf-8")))
    lines = [line for block in blocks(document, "") for line in block.splitlines()]
    return [typed for typed in (*lines, *spans) if COMMANDS.fullmatch(typed)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_command_that_is_not_run_has_its_reason(name: str) -> None:
    unexplained = [typed for typed in shown(DOCUMENTS[name]) if not any(re.fullmatch(k, typed) for k in NOT_RUN)]
    assert unexplained == [], "mark the block `sh` to have it run, or say in NOT_RUN why not"


def test_every_reason_not_to_run_a_command_is_needed() -> None:
    typed = [each for path in DOCUMENTS.values() for each in shown(path)]
    assert [known for known in NOT_RUN if not any(re.fullmatch(known, each) for each in typed)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_not_run_exists_all_the_same(name: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for typed in shown(DOCUMENTS[name]):
        program, what, *rest = typed.split()
        if program == "make":
            assert what in targets, typed
        elif program == "an1496":
            known = {option for parameter in cli.commands[what].params for option in parameter.opts}
            assert {word for word in rest if re.fullmatch(r"--?[a-z][\w-]*", word)} <= known, typed
        elif program == "pip":
            assert set(re.findall(r"\[(\w+)\]", typed)) <= extras.keys(), typed
        elif program == "python":
            assert (ROOT / what).exists(), typed


@pytest.mark.parametrize("name", [n for n, path in DOCUMENTS.items() if blocks(path, "toml")])
def test_every_configuration_in_a_document_is_accepted(name: str) -> None:
    for block in blocks(DOCUMENTS[name], "toml"):
        assert Config.parse(block.encode(), name) != Config()
