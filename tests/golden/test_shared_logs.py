"""Real logs of others, where they lie beside the project: they are never part of it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "otrf" / "LSASS_campaign_05"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs the shared lab logs")


def test_the_payload_of_a_real_campaign_is_the_only_one_told_at_high(tmp_path: Path) -> None:
    for archive in FOLDER.glob("*.zip"):
        zipfile.ZipFile(archive).extractall(tmp_path / "in" / archive.stem)
    command = [
        sys.executable,
        "-m",
        "enricher",
        "replay",
        str(tmp_path / "in"),
        "--json",
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    high = [n for n in map(json.loads, done.stdout.splitlines()) if n["severity"] == "high"]
    assert [n["process"]["image"] for n in high] == ["C:\\Users\\stevie.marie\\Downloads\\winx64_payload.exe"]
    (notice,) = high
    assert notice["legs"] == {"process": "present", "library": "present", "session": "present"}
    assert [(s["id.orig_p"], s["id.resp_p"]) for s in notice["sessions"]] == [(57082, 6666), (57083, 6666)]
    # Sysmon's network events of this host run 12 hours, 5 minutes and 17 seconds late.
    assert notice["clock"]["offset"] == pytest.approx(12 * 3600 + 5 * 60 + 17, abs=1)
