"""The lab: what of it can be held without a hypervisor."""

import os
import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import redis

from enricher.join.link import LIVE_COMMANDS
from enricher.join.server import EmbeddedServer
from enricher.model import library
from shown import typed

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "deploy" / "lab"
SCRIPTS = sorted(LAB.glob("*.sh"))
SECRETS = {"REDIS_PASSWORD": "beats-secret", "STORE_PASSWORD": "store-secret"}


def loaded() -> list[tuple[str, str]]:
    rules = ElementTree.parse(LAB / "sysmon.xml").getroot().find("EventFiltering/ImageLoad")
    assert rules is not None
    assert rules.get("onmatch") == "include"
    return [(rule.get("condition", ""), rule.text or "") for rule in rules]


def acl() -> list[list[str]]:
    command = ["bash", "-c", f"source {LAB / 'sensor.sh'} && acl"]
    done = subprocess.run(command, env={**os.environ, **SECRETS}, check=True, capture_output=True, text=True)
    return [line.split()[1:] for line in done.stdout.splitlines()]


def test_sysmon_tells_of_the_libraries_that_the_enricher_knows_and_of_no_other_of_windows() -> None:
    named = {text.removeprefix("\\") for condition, text in loaded() if condition == "end with"}
    assert named == {*library._WINDOWS, ".exe"}  # a program's own file: its signer
    (hints,) = [text for condition, text in loaded() if condition == "contains any"]
    assert tuple(hints.split(";")) == library.FOREIGN_HINTS


def test_sysmon_writes_the_events_that_winlogbeat_sends() -> None:
    rules = ElementTree.parse(LAB / "sysmon.xml").getroot().find("EventFiltering")
    assert rules is not None
    whole = {rule.tag for rule in rules if rule.get("onmatch") == "exclude" and len(rule) == 0}
    assert whole == {"ProcessCreate", "NetworkConnect", "ProcessTerminate", "CreateRemoteThread", "ProcessTampering"}
    assert all(len(rule) == 0 or rule.tag == "ImageLoad" for rule in rules)
    sent = re.search(r"event_id: (.*)", (LAB / "winlogbeat.yml").read_text("utf-8"))
    assert sent is not None
    assert sent[1] == "1, 3, 5, 7, 8, 25"


def test_winlogbeat_writes_to_the_list_that_the_enricher_reads() -> None:
    yaml = pytest.importorskip("yaml")
    out = yaml.safe_load((LAB / "winlogbeat.yml").read_text("utf-8"))["output.redis"]
    sources = tomllib.loads((ROOT / "deploy" / "an1496.toml").read_text("utf-8"))["sources"]
    (source,) = [source for source in sources if source["type"] == "redis_list"]
    assert (out["key"], out["db"], out["datatype"]) == (source["key"], int(source["url"].rpartition("/")[2]), "list")
    assert out["password"] == "${REDIS_PASSWORD}"


def test_the_users_of_redis_may_do_what_they_must_and_no_more() -> None:
    with EmbeddedServer() as server:
        owner = redis.Redis.from_url(server.url)
        for user in reversed(acl()):  # `default` last: it is who we are
            owner.execute_command("ACL", "SETUSER", *user)
        beats = redis.Redis.from_url(server.url, password="beats-secret")
        assert beats.rpush("winlogbeat", "{}") == 1
        beats.info()
        for forbidden in (lambda: beats.lrange("winlogbeat", 0, -1), lambda: beats.rpush("an1496:live:x", "y")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                forbidden()
        ours = redis.Redis.from_url(server.url, username="an1496", password="store-secret")
        assert ours.lmove("winlogbeat", "winlogbeat:an1496:sensor", "LEFT", "RIGHT") == b"{}"
        ours.set("an1496:live:x", "y")
        with pytest.raises(redis.exceptions.NoPermissionError):
            ours.set("other", "y")


def test_the_enrichers_user_has_every_command_of_a_service() -> None:
    _, ours = acl()
    assert {f"+{command}" for command in LIVE_COMMANDS} <= {word.lower() for word in ours}


def test_the_servers_certificate_is_signed_by_itself(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    subprocess.run([LAB / "server.sh", tmp_path / "tls", "certificate"], check=True)
    certificate = str(tmp_path / "tls" / "certificate.pem")
    alone = subprocess.run(["openssl", "verify", certificate], check=False, capture_output=True, text=True)
    assert "error 18" in alone.stdout + alone.stderr
    assert (tmp_path / "tls").stat().st_mode & 0o077 == 0


def test_the_first_notice_is_printed_and_its_absence_is_a_failure(tmp_path: Path) -> None:
    notices = tmp_path / "notices.jsonl"
    environment = {**os.environ, "SECONDS_LEFT": "1"}
    command = [LAB / "notice.sh", notices]
    assert subprocess.run(command, env=environment, check=False, capture_output=True).returncode == 1
    notices.write_text('{"id":1}\n{"id":2}\n')
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == '{"id":1}\n'


def test_every_file_that_the_vagrantfile_names_is_there() -> None:
    text = (ROOT / "Vagrantfile").read_text("utf-8")
    named = set(re.findall(r'path: "([^"]+)"', text))
    (copied,) = re.findall(r"%w\[(.*?)\]", text)
    named |= {f"deploy/lab/{name}" for name in copied.split()}
    assert len(named) == 6
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck")
    done = subprocess.run(["shellcheck", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_vagrantfile_is_ruby() -> None:
    if shutil.which("ruby") is None:
        pytest.skip("no ruby")
    subprocess.run(["ruby", "-c", ROOT / "Vagrantfile"], check=True, capture_output=True)


WINRM = """
HTTPClient = Module.new { const_set(:KeepAliveDisconnected, Class.new(StandardError)) }
WinRM = Module.new do
  %w[HTTPTransportError AuthorizationError WSManFault].each { |e| const_set("WinRM#{e}", Class.new(StandardError)) }
end
"""
"""What Vagrant names of the gem by which it talks to Windows, for a Vagrant that was packaged without it."""


def validated(folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "gems").mkdir(exist_ok=True)
    (folder / "gems" / "winrm.rb").write_text(WINRM)
    for name in ("winrm-elevated.rb", "winrm-fs.rb"):
        (folder / "gems" / name).touch()
    known = subprocess.run(["ruby", "-e", "require 'winrm'"], capture_output=True, check=False).returncode == 0
    environment = {
        **os.environ,
        "HOME": str(folder),
        "VAGRANT_HOME": str(folder / "home"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "RUBYLIB": "" if known else str(folder / "gems"),
    }
    (command,) = [each for each in typed("docs/lab.md") if each.startswith("vagrant validate")]
    words = [*command.split(), "--ignore-provider"]
    return subprocess.run(words, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def test_vagrant_finds_the_vagrantfile_valid(tmp_path: Path) -> None:
    if shutil.which("vagrant") is None:
        pytest.skip("no vagrant")
    text = (ROOT / "Vagrantfile").read_text("utf-8")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (tmp_path / "Vagrantfile").write_text(text)
    done = validated(tmp_path)
    assert (done.returncode, "validated successfully" in done.stdout) == (0, True), done.stdout + done.stderr
    (tmp_path / "Vagrantfile").write_text(text.replace('"private_network"', '"private_netwrk"'))
    assert "is invalid" in validated(tmp_path).stderr, "it looks at nothing"


def test_every_file_that_the_sensors_script_takes_from_the_repository_is_there() -> None:
    named = re.findall(r'"\$REPO/([^"]+)"', (LAB / "sensor.sh").read_text("utf-8"))
    assert "deploy/an1496.toml" in named
    assert [name for name in named if not (ROOT / name).is_file()] == []
