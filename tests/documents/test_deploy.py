"""What docs/deploy.md has root type on a sensor, with a layer over this machine's folders that nobody else sees."""

from pathlib import Path

import pytest

from layered import OFFLINE, SOURCE, layer, prepared
from shown import blocks, enter

APART = ("unshare", "--mount")
LAYER = layer("etc", "opt", "usr/local")
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


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that looks like a clone."""
    script = f"{LAYER}\ncommand -v systemctl systemd-analyze"
    return prepared(tmp_path, script, APART, "root, overlays and systemd's programs")


def test_what_is_typed_installs_a_program_that_runs_and_a_unit_that_is_enabled(machine: Path) -> None:
    (drop_in,) = blocks("docs/deploy.md", "ini")
    (machine / "interface.conf").write_text(drop_in, "utf-8")
    placed = "cp interface.conf /etc/systemd/system/an1496.service.d/"
    script = "\n".join((LAYER, SOURCE, *blocks("docs/deploy.md", "sh"), placed, SEEN))
    printed = enter(script, machine, *APART, SYSTEMD_OFFLINE="1", **OFFLINE)  # enables units, and starts none
    *_, enabled, secret, place, group, first, second = printed.splitlines()
    assert (enabled, secret, group) == ("enabled", "600:root", "SupplementaryGroups=zeek")
    assert place.startswith("/opt/an1496/lib/")
    assert '"id":"AN1496-22e717e199243ec3"' in first
    assert '"severity":"high"' in second
