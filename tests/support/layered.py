"""What root types on a machine, with a layer over its folders that nobody else sees and that is gone afterwards."""

import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from shown import ROOT, clone

OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # a negated option
    "PYTHONPATH": sysconfig.get_path("purelib"),  # what the package takes
}
"""The environment in which pip installs what lies here."""
SOURCE = f"""
mkdir -p /usr/local/src/an1496
(cd {ROOT} && cp -r docs enricher deploy pyproject.toml README.md LICENSE /usr/local/src/an1496)
"""
"""Puts the program's source where the documents have it."""


def layer(*places: str) -> str:
    """What is written to these folders stays in memory."""
    return f"""
mkdir layer
mount -t tmpfs tmpfs layer
for place in {" ".join(places)}; do
  mkdir -p layer/$place/{{over,work}}
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=layer/$place/over,workdir=layer/$place/work" /$place
done
"""


def prepared(folder: Path, script: str, apart: Sequence[str], needs: str) -> Path:
    """A folder that looks like a clone; skips where the machine does not let `script` put a layer over its folders."""
    pytest.importorskip("setuptools", minversion="77", reason="what builds the package is not at hand")
    clone(folder)
    tried = subprocess.run([*apart, "bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"takes {needs}: {tried.stderr}")
    (folder / "layer").rmdir()
    return folder
