"""The container's files: a linter finds nothing, and they name what is there."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from click.testing import CliRunner
from compose_spec import ComposeSpecification

from enricher.cli import cli
from enricher.join.server import find_binary
from shown import blocks

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "container"
IMAGE = FOLDER / "Containerfile"


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    return found


def tool(name: str) -> str:
    """A program of the test environment."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found is not None
    return found


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([tool("hadolint"), IMAGE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_in_particular_and_tells_its_health() -> None:
    text = IMAGE.read_text("utf-8")
    last = text[text.rindex("FROM ") :]
    assert re.search(r"^USER 1496:1496$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)
    assert ":9496/health" in last
    assert all(
        re.fullmatch(r"\S+/\S+:\d\S*( AS \w+)?", image) for image in re.findall(r"^FROM (.*)$", text, re.MULTILINE)
    )


def test_compose_is_what_its_specification_allows() -> None:
    found = ComposeSpecification.model_validate(compose())
    assert set(found.services or {}) == {"redis", "an1496"}


def test_every_file_that_compose_names_is_there_or_told_of() -> None:
    found = compose()
    assert (FOLDER / found["configs"]["an1496"]["file"]).resolve() == ROOT / "deploy" / "an1496.toml"
    build = found["services"]["an1496"]["build"]
    assert (FOLDER / build["context"]).resolve() == ROOT
    assert ROOT / build["dockerfile"] == IMAGE
    told = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    assert [f"`{secret['file']}`" for secret in found["secrets"].values() if f"`{secret['file']}`" not in told] == []


@pytest.mark.parametrize("service", ["redis", "an1496"])
def test_no_service_has_more_rights_than_it_needs(service: str) -> None:
    found = compose()["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert ":latest" not in found["image"]
    assert all(port.startswith("127.0.0.1:") for port in found.get("ports", ()))


def test_who_starts_as_root_would_not_get_far_without_capabilities() -> None:
    """Valkey's image begins as root and becomes `valkey` by setpriv, our image says who it is."""
    assert compose()["services"]["redis"]["user"] == "valkey"


def test_a_container_that_takes_the_place_of_another_is_the_same_worker() -> None:
    found = compose()["services"]
    assert (found["redis"]["hostname"], found["an1496"]["network_mode"]) == ("an1496", "service:redis")


def test_the_secret_is_where_the_configuration_looks_for_it() -> None:
    (secret,) = compose()["services"]["an1496"]["secrets"]
    assert f'file = "{secret["target"]}"' in (ROOT / "deploy" / "an1496.toml").read_text("utf-8")


def test_the_service_works_with_the_users_of_the_document_and_the_shipper_may_do_no_more(tmp_path: Path) -> None:
    (acl,) = [block for block in blocks("docs/deploy.md", "") if block.startswith("user default")]
    (tmp_path / "redis.acl").write_text(acl)
    (tmp_path / "redis-password").write_text("PASSWORD-OF-AN1496\n")
    (tmp_path / "logs").mkdir()
    log = CliRunner().invoke(cli, ["sense", str(ROOT / "pcaps/demo/capture.pcap")])
    (tmp_path / "logs" / "an1496.log").write_text(log.stdout)
    socket = tmp_path / "s"
    _, *options = compose()["services"]["redis"]["command"]
    options[options.index("--aclfile") + 1] = str(tmp_path / "redis.acl")
    here = ("--port", "0", "--unixsocket", str(socket), "--dir", str(tmp_path), "--save", "")
    text = (ROOT / "deploy" / "an1496.toml").read_text("utf-8")
    for there, ours in (
        ("redis://127.0.0.1:6379/0", f"unix://{socket}?db=0"),
        ("/run/credentials/an1496.service", str(tmp_path)),
        ("/opt/zeek/logs/current", f"{tmp_path}/logs"),
        ("/opt/zeek/logs", f"{tmp_path}/logs"),
        ("/var/lib/an1496", str(tmp_path)),
        ("metrics_port = 9496", "metrics_port = 0"),
    ):
        assert there in text
        text = text.replace(there, ours)
    (tmp_path / "an1496.toml").write_text(text)
    with subprocess.Popen([str(find_binary()), *options, *here], stdout=subprocess.DEVNULL) as server:
        try:
            beats = redis.Redis(unix_socket_path=str(socket), password="PASSWORD-OF-WINLOGBEAT")
            for _ in range(200):
                if socket.exists():
                    break
                time.sleep(0.05)
            beats.rpush("winlogbeat", *(ROOT / "pcaps/demo/ws-04.json").read_bytes().splitlines())
            with pytest.raises(redis.exceptions.NoPermissionError):
                beats.lrange("winlogbeat", 0, -1)
            command = [sys.executable, "-m", "enricher", "run", "--once", "-c", str(tmp_path / "an1496.toml")]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    assert '"id":"AN1496-22e717e199243ec3"' in (tmp_path / "notices.jsonl").read_text("utf-8")
