"""No command stands in a document that is neither typed by a test nor listed here, with the reason."""

import re
import shlex

import pytest

from enricher.cli import cli
from enricher.config import Config
from shown import COMMANDS, DOCUMENTS, ROOT, blocks, lines, typed

SHOWN = [name for name in DOCUMENTS if name != "CHANGELOG.md"]
MENTION = re.compile(r"(an1496) ([a-z-]+)((?: --[a-z-]+)*)")
"""A command that is only named, with options without their values: it exists."""
ELSEWHERE = {
    r"apt-get install .*": "tests/documents/test_packages.py",
    r"pip install .*": "tests/documents/test_packages.py",
    r"make bench": "tests/documents/test_packages.py",
    r"vagrant validate": "tests/deploy/test_lab.py",
    r"an1496 sense --interface eth1 --user an1496": "tests/service/live/test_listening.py",
}
"""Pattern of commands outside of blocks marked `sh`, to the test that runs them as the document has them."""
NOT_RUN = {
    r"make fuzz": "takes minutes, and atheris; tests/fuzz feeds every target what it has found so far",
    r"python benchmarks/load\.py --full": "takes ten minutes; tests/benchmarks runs its parts",
    r"podman (build|compose) .*": "wants a container engine and registries; tests/deploy lints the files",
    r"systemctl reload an1496|journalctl -u an1496 -o cat": "want a running systemd",
    r"systemd-analyze (verify|security)": "named only; tests/deploy runs both on the units",
    r"zkg install /path/to/an1496": "wants Zeek's package manager; tests/zeek_package loads what it installs",
    r"zeek -r": "named only; test_typed has one read a capture where there is a Zeek",
    r"zeek -NN \| grep ANALYZER_QUIC": "fails on a Zeek without Spicy, as it should; tests/zeek asks it",
    r"zeekctl (deploy|install|cron|restart( proxy-1)?)": "wants an installed Zeek and a network to listen to",
    r"cp -r zeek_scripts /opt/zeek/share/zeek/site/an1496": "wants an installed Zeek, which it changes",
    r"winlogbeat keystore add REDIS_PASSWORD": "wants Windows",
    r"vagrant up && .*": "wants a hypervisor; tests/deploy runs what it can of the lab",
}
"""Pattern of commands outside of blocks marked `sh`, to why nothing runs them."""


def run_anyway() -> set[str]:
    """The lines that are typed: in blocks marked `sh`, and by CI."""
    played = {line.partition(" #")[0].strip() for name in SHOWN for line in lines(name, "sh")}
    return played | set((ROOT / ".ci" / "run").read_text("utf-8").splitlines())


def listed(command: str) -> bool:
    return any(re.fullmatch(pattern, command) for pattern in (*ELSEWHERE, *NOT_RUN))


@pytest.mark.parametrize("name", SHOWN)
def test_a_command_that_is_not_run_has_its_reason(name: str) -> None:
    known = run_anyway()
    left = [each for each in typed(name) if not (each in known or MENTION.fullmatch(each) or listed(each))]
    if name == "README.md":  # of which test_readme runs every one
        left = [each for each in left if not each.startswith("an1496 ")]
    assert left == [], "mark the block `sh` to have it run, or say in NOT_RUN why not"


def test_every_reason_not_to_run_a_command_is_needed() -> None:
    there = {each for name in SHOWN for each in typed(name)} - run_anyway()
    assert [pattern for pattern in (*ELSEWHERE, *NOT_RUN) if not any(re.fullmatch(pattern, e) for e in there)] == []


def test_what_is_run_elsewhere_is_taken_from_the_documents_there() -> None:
    for place in ELSEWHERE.values():
        assert "from shown import" in (ROOT / place).read_text("utf-8"), place


@pytest.mark.parametrize("name", SHOWN)
def test_a_command_that_is_only_named_exists(name: str) -> None:
    for command in filter(None, map(MENTION.fullmatch, typed(name))):
        known = {option for parameter in cli.commands[command[2]].params for option in parameter.opts}
        assert set(command[3].split()) <= known, command[0]


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_not_run_exists_all_the_same(name: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for command in typed(name):
        program, what, *rest = shlex.split(command, posix=False)
        if program == "make":
            assert what in targets, command
        elif program in ("python", "cp"):
            assert (ROOT / (rest[0] if what.startswith("-") else what)).exists(), command
        elif program == "podman":
            assert (ROOT / rest[rest.index("-f") + 1]).exists(), command


def test_no_language_of_a_block_hides_a_command() -> None:
    marks = {
        mark for name in SHOWN for mark in re.findall(r"^ *```(\w+)$", DOCUMENTS[name].read_text("utf-8"), re.MULTILINE)
    }
    quiet = marks - {"sh"}
    assert [line for name in SHOWN for mark in quiet for line in lines(name, mark) if COMMANDS.fullmatch(line)] == []


@pytest.mark.parametrize("name", [name for name in SHOWN if blocks(name, "toml")])
def test_every_configuration_in_a_document_is_accepted(name: str) -> None:
    for block in blocks(name, "toml"):
        assert Config.parse(block.encode(), name) != Config()
