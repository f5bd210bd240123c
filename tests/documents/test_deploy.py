"""What docs/deploy.md has root type on a sensor, with a layer over this machine's folders that nobody else sees."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

from shown import ROOT, blocks, clone, enter

LAYER = """
mkdir layer
mount -t tmpfs tmpfs layer
for place in etc opt usr/local; do
  mkdir -p layer/$place/{over,work}
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=layer/$place/over,workdir=layer/$place/work" /$place
done
"""
"""What is written to these folders stays in memory."""
SOURCE = f"""
mkdir -p /usr/local/src/an1496
(cd {ROOT} && cp -r docs enricher deploy pyproject.toml README.md LICENSE /usr/local/src/an1496)
"""
SEEN = """
systemd-analyze verify /etc/systemd/system/an1496.service 2>&1 | (! grep an1496)
systemctl is-enabled an1496
stat -c %a:%U /etc/an1496/redis-password
/opt/an1496/bin/python -P -c 'import enricher; print(enricher.__file__)'
cmp /etc/an1496/an1496.toml deploy/an1496.toml
grep -h ^SupplementaryGroups= /etc/systemd/system/an1496.service.d/*
ls $(sed -n 's#^Documentation=file:##p' /etc/systemd/system/an1496.service) >&2
/opt/an1496/bin/an1496 replay pcaps/demo/capture.pcap --endpoint pcaps/demo --ca-bundle pcaps/ca.pem --json
"""
OFFLINE = {
    "SYSTEMD_OFFLINE": "1",  # enables units, and starts none
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # a negated option
    "PYTHONPATH": sysconfig.get_path("purelib"),  # what the package takes
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that looks like a clone, where this machine lets a layer be put over its folders."""
    pytest.importorskip("setuptools", minversion="77", reason="what builds the package is not at hand")
    clone(tmp_path)
    tried = subprocess.run(
        ["unshare", "--mount", "bash", "-euc", f"{LAYER}\ncommand -v systemctl systemd-analyze"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        pytest.skip(f"takes root, overlays and systemd's programs: {tried.stderr or 'no systemd'}")
    (tmp_path / "layer").rmdir()
    return tmp_path


def test_what_is_typed_installs_a_program_that_runs_and_a_unit_that_is_enabled(machine: Path) -> None:
    (drop_in,) = blocks("docs/deploy.md", "ini")
    (machine / "interface.conf").write_text(drop_in, "utf-8")
    placed = "cp interface.conf /etc/systemd/system/an1496.service.d/"
    script = "\n".join((LAYER, SOURCE, *blocks("docs/deploy.md", "sh"), placed, SEEN))
    printed = enter(script, machine, "unshare", "--mount", **OFFLINE)
    *_, enabled, secret, place, group, first, second = printed.splitlines()
    assert (enabled, secret, group) == ("enabled", "600:root", "SupplementaryGroups=zeek")
    assert place.startswith("/opt/an1496/lib/")
    assert '"id":"AN1496-22e717e199243ec3"' in first
    assert '"severity":"high"' in second
