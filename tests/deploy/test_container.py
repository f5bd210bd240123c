"""The container's files: a linter finds nothing, and they name what is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import ComposeSpecification

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


def test_the_secret_is_where_the_configuration_looks_for_it() -> None:
    (secret,) = compose()["services"]["an1496"]["secrets"]
    assert f'file = "{secret["target"]}"' in (ROOT / "deploy" / "an1496.toml").read_text("utf-8")
