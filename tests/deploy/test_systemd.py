"""The units: systemd understands them, they are closed as far as they can be, and they name what is there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from enricher.cli import cli

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
EXPOSURE = 1.5
"""Of 10, by `systemd-analyze security`: what is left is a network and a file system that it reads."""


def analyze(*words: str | Path) -> str:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    program = tmp_path / "an1496"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text("utf-8").replace("/opt/an1496/bin/an1496", str(program)))
    complaints = [line for line in analyze("verify", copy).splitlines() if unit.name in line]
    assert complaints == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_is_closed(unit: Path) -> None:
    said = analyze("security", "--offline=true", unit)
    if "Unknown option" in said or "unrecognized option" in said:
        pytest.skip("systemd-analyze is too old to look at a file")
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert float(level) <= EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_runs_a_command_that_there_is_with_a_configuration_that_passes(unit: Path, tmp_path: Path) -> None:
    (start,) = values(unit, "ExecStart")
    _, command, option, config = start.split()
    said = CliRunner().invoke(cli, [command, "--help"])
    assert said.exit_code == 0
    assert option in said.output
    (credential,) = values(unit, "LoadCredential")
    name = credential.partition(":")[0]
    text = (DEPLOY / Path(config).name).read_text("utf-8")
    place = f"/run/credentials/{unit.name}/{name}"
    assert place in text
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "config.toml").write_text(text.replace(place, str(tmp_path / "secret")))
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "config.toml")])
    assert done.exit_code == 0, done.output
    (state,) = values(unit, "StateDirectory")
    assert f'"/var/lib/{state}/' in text


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_has_time_to_end_and_is_watched(unit: Path) -> None:
    assert int(values(unit, "TimeoutStopSec")[0]) > 10  # stop_seconds
    assert values(unit, "Type") == ["notify"]
    assert int(values(unit, "WatchdogSec")[0]) >= 60
