"""The units: systemd understands them, they are closed as far as they can be, and they name what is there."""

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from confined import confined
from enricher.cli import cli
from enricher.join.server import EmbeddedServer
from own_network import apart, frames, send
from shown import blocks

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


def test_the_service_does_its_work_with_the_system_calls_that_its_unit_allows(tmp_path: Path) -> None:
    demo = ROOT / "pcaps" / "demo"
    log = CliRunner().invoke(cli, ["sense", str(demo / "capture.pcap"), "--ca-bundle", str(ROOT / "pcaps" / "ca.pem")])
    (tmp_path / "an1496.log").write_text(log.stdout)
    unit = (DEPLOY / "systemd" / "an1496.service").read_text("utf-8")
    with EmbeddedServer() as server:
        (tmp_path / "an1496.toml").write_text(
            f'store = {{ url = "{server.url}" }}\nlive = {{ ledger = "{tmp_path}/sessions.jsonl", metrics_port = 0 }}\n'
            f'sources = [{{ type = "tail", path = "{tmp_path}/an1496.log" }},'
            f' {{ type = "tail", path = "{demo}/ws-04.json" }}]\n'
            f'sinks = [{{ type = "file", path = "{tmp_path}/notices.jsonl" }}]\n'
        )
        words = ("-m", "enricher", "run", "--once", "-c", str(tmp_path / "an1496.toml"))
        done = subprocess.run(confined(unit, *words), capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert '"id":"AN1496-22e717e199243ec3"' in (tmp_path / "notices.jsonl").read_text("utf-8")


def test_the_forwarder_does_its_work_with_the_system_calls_that_its_unit_allows(tmp_path: Path) -> None:
    unit = (DEPLOY / "systemd" / "an1496-ship.service").read_text("utf-8")
    with EmbeddedServer() as server:
        (tmp_path / "ship.toml").write_text(
            f'ship = {{ state = "{tmp_path}/positions", target = {{ type = "redis", url = "{server.url}" }} }}\n'
            f'sources = [{{ type = "tail", path = "{ROOT}/pcaps/demo/ws-07.json" }}]\n'
        )
        words = ("-m", "enricher", "ship", "--once", "-c", str(tmp_path / "ship.toml"))
        done = subprocess.run(confined(unit, *words), capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        assert redis.Redis.from_url(server.url).xlen("an1496:events") > 0


@apart
def test_an_interface_is_read_with_what_the_documents_add_to_the_unit() -> None:
    unit = (DEPLOY / "systemd" / "an1496.service").read_text("utf-8")
    (added,) = blocks("docs/deploy.md", "ini")
    command = confined(unit + added, "-m", "enricher", "sense", "--interface", "lo", user="nobody")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        signal.alarm(60)
        status = Path(f"/proc/{running.pid}/status")
        while running.poll() is None and not re.search(r"^CapPrm:\t0+$", status.read_text(), re.MULTILINE):
            time.sleep(0.02)
        send(frames())
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, complaints = running.communicate()
    assert (complaints, running.returncode) == ("", 0)
    assert json.loads(first)["client_hello_seen"]
