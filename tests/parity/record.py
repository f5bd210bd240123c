"""Runs the Zeek package on the bundled captures and keeps its an1496.log, beside the hash of the scripts that wrote it.

`make zeek-record` refreshes the recordings; they are stale as soon as a script or a capture changes.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "zeek_scripts"
PCAPS = ROOT / "pcaps"
RECORDINGS = Path(__file__).parent / "recordings"
INDEX = RECORDINGS / "index.json"
CASES: dict[str, dict[str, Any]] = {
    case["name"]: case for case in tomllib.loads((PCAPS / "manifest.toml").read_text("utf-8"))["case"]
}

_OPTIONS = """
event zeek_init() &priority=-10
	{
	for ( name, id in global_ids() )
		if ( id$option_value && name == /AN1496::.*/ )
			print name, to_json(id$value);
	}
"""
"""A script that prints every option of the package with its default."""


def zeek() -> str | None:
    """Where Zeek is."""
    return shutil.which("zeek")


def has_spicy(program: str) -> bool:
    """Whether this Zeek was built with Spicy, in which its analyzers of QUIC and PostgreSQL are written."""
    return "ANALYZER_QUIC" in _zeek(program, ".", "-NN")


def captures(case: dict[str, Any]) -> list[Path]:
    """The captures of a case."""
    return [PCAPS / name for name in case["captures"]]


def digest(files: list[Path]) -> str:
    """SHA-256 over names and contents."""
    whole = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        whole.update(f"{file.name} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def scripts_digest() -> str:
    """SHA-256 of the package's scripts."""
    return digest(sorted(SCRIPTS.rglob("*.zeek")))


def run(case: dict[str, Any], program: str) -> bytes:
    """What Zeek writes to an1496.log, as JSON lines, for the captures of a case."""
    rows = []
    for capture in captures(case):
        with tempfile.TemporaryDirectory() as folder:
            data = capture.read_bytes()
            Path(folder, "capture").write_bytes(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
            settings = (
                "LogAscii::use_json=T",
                "AN1496::log_raw_fingerprints=T",
                "AN1496::rarity_clients=NO_HOSTS",  # the embedded sensor does not count either
                f"AN1496::ca_bundle={PCAPS / case['ca_bundle']}",
            )
            _zeek(program, folder, "-C", "-r", "capture", str(SCRIPTS), *settings)
            rows += Path(folder, "an1496.log").read_bytes().splitlines(keepends=True)
    return b"".join(rows)


def options(program: str) -> dict[str, Any]:
    """The package's options with their defaults."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "options.zeek")
        script.write_text(_OPTIONS, "utf-8")
        lines = _zeek(program, folder, str(SCRIPTS), str(script)).splitlines()
    pairs = (line.removeprefix("AN1496::").partition(", ") for line in lines if line.startswith("AN1496::"))
    return {name: json.loads(value) for name, _, value in sorted(pairs)}


def fields(program: str) -> dict[str, str]:
    """The columns of an1496.log with their types."""
    with tempfile.TemporaryDirectory() as folder:
        _zeek(program, folder, "-C", "-r", str(PCAPS / "certificates" / "capture.pcap"), str(SCRIPTS))
        lines = Path(folder, "an1496.log").read_text("utf-8").splitlines()
    names, types = (line.split("\t")[1:] for line in lines if line.startswith(("#fields", "#types")))
    return dict(zip(names, types, strict=True))


def _zeek(program: str, folder: str, *arguments: str) -> str:
    """What Zeek prints. It draws no seeds, so that uids and the order of records and sets are always the same."""
    command = [program, "--deterministic", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def main() -> None:
    """Record all cases."""
    program = zeek()
    if program is None:
        raise SystemExit("zeek is not on PATH")
    RECORDINGS.mkdir(exist_ok=True)
    for old in RECORDINGS.iterdir():
        old.unlink()
    for name, case in CASES.items():
        # Without a time of day in its head, so that the same records are the same file.
        (RECORDINGS / f"{name}.log.gz").write_bytes(gzip.compress(run(case, program), mtime=0))
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    index = {
        "zeek": version,
        "spicy": has_spicy(program),
        "scripts": scripts_digest(),
        "captures": {name: digest(captures(case)) for name, case in CASES.items()},
        "options": options(program),
        "fields": fields(program),
    }
    INDEX.write_text(json.dumps(index, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{len(CASES)} cases recorded with Zeek {version}\n")


if __name__ == "__main__":
    main()
