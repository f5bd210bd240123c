"""What the documents install and measure: packages and extras that there are, and benchmarks that run."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from shown import DOCUMENTS, ROOT, clone, environment, typed

COMMANDS = sorted({each for name in DOCUMENTS for each in typed(name)})
TINY = {
    "benchmarks/endpoint.py": ["--size", "1M", "--rounds", "1"],
    "benchmarks/join.py": ["--records", "2000"],
    "benchmarks/sensor.py": ["--size", "1M", "--only", "bulk"],
}
"""How to have a benchmark measure next to nothing."""


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="no apt")
@pytest.mark.skipif(not list(Path("/var/lib/apt/lists").glob("*_Packages*")), reason="apt has no lists of packages")
@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("apt-get ")])
def test_debian_has_every_package_that_is_asked_for(command: str) -> None:
    packages = command.removeprefix("apt-get install ").split()
    asked = subprocess.run(["apt-cache", "policy", *packages], check=True, capture_output=True, text=True)
    assert re.findall(r"^(\S+):\n.*\n  Candidate: (?!\(none\))", asked.stdout, re.MULTILINE) == packages


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("pip install ")])
def test_pip_would_install_what_is_asked_for(command: str, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="what builds the package is not at hand")
    clone(tmp_path)
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "enricher").unlink()
    shutil.copytree(ROOT / "enricher", tmp_path / "enricher")
    alone = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DRY_RUN": "1"}  # "0": a negated option
    done = subprocess.run(
        shlex.split(command),
        cwd=tmp_path,
        env=environment(tmp_path) | alone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr


def test_every_benchmark_of_make_bench_measures(tmp_path: Path) -> None:
    pytest.importorskip("orjson", reason="make bench installs the peers")
    assert "make bench" in COMMANDS
    clone(tmp_path)
    planned = subprocess.run(
        ["make", "-n", "bench"],
        cwd=tmp_path, env=environment(tmp_path), check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    scripts = [shlex.split(line)[1] for line in planned]
    assert set(scripts) == TINY.keys()
    for line, script in zip(planned, scripts, strict=True):
        done = subprocess.run(
            [*shlex.split(line), *TINY[script]],
            cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert re.search(r"ratio \d|\d×|\dx", done.stdout), done.stdout
