"""Zeek with our package as the sensor of a capture, where a site has Zeek.

Zeek only observes: what is abnormal is judged by the same rules and thresholds as with the embedded sensor. A Zeek that
was built without Spicy sees no QUIC.
"""

import contextlib
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from enricher import formats
from enricher.model.observation import Observation
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.model.text import visible

LOG: Final = "an1496.log"
_PACKAGE: Final = Path(__file__).resolve().parents[1] / "zeek_scripts"
"""A link in the repository; an installed program brings the scripts along."""

_ONLY_OURS: Final = """
event zeek_init() &priority=-5
	{
	for ( id in copy(Log::active_streams) )
		if ( id != AN1496::LOG )
			Log::disable_stream(id);
	}
"""
"""No log but ours is written; the first other one would be, a moment later, that of packet filters."""

_PIECE: Final = 1 << 20


class ZeekSensor:
    """One capture through one Zeek: bytes in, Observations out as Zeek writes them."""

    def __init__(self, name: str, program: str, roots: str) -> None:
        """Start Zeek.

        Args:
            name: what messages call the capture.
            program: path of `zeek`.
            roots: PEM file of the roots that chains are held to.
        """
        self._name = name
        self._folder = tempfile.TemporaryDirectory(prefix="an1496-zeek-")
        self._log = Path(self._folder.name, LOG)
        self._said = Path(self._folder.name, "stderr")
        self._reader = formats.reader("zeek", f"{name} ({LOG})")
        self._file: IO[bytes] | None = None
        settings = (
            "LogAscii::use_json=T",
            "Log::write_buffer_size=1",  # a Zeek that gives up loses no record that it had
            "AN1496::log_raw_fingerprints=T",
            "AN1496::rarity_clients=NO_HOSTS",
            "AN1496::notice_servers=NO_HOSTS",
            f"AN1496::ca_bundle={Path(roots).resolve()}",
        )
        with self._said.open("wb") as said:
            self._zeek = subprocess.Popen(
                [program, "-C", "-r", "-", str(_PACKAGE), "-e", _ONLY_OURS, *settings],
                cwd=self._folder.name,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        self._problems: list[Problem] = []

    @property
    def problems(self) -> list[Problem]:
        """Why Zeek did not read all of it."""
        return self._problems

    @property
    def skipped(self) -> Counter[str]:
        """Nothing: Zeek does not say."""
        return Counter()

    def feed(self, data: bytes) -> Sequence[Record]:
        """Give Zeek the next bytes of the capture; what it wrote meanwhile."""
        assert self._zeek.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it gave up; `close` says why
            self._zeek.stdin.write(data)
        return self._written()

    def close(self) -> Sequence[Record]:
        """End of the capture: wait for Zeek, and take the rest."""
        assert self._zeek.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._zeek.stdin.close()
        if self._zeek.wait():
            *_, last = ["", *self._said.read_text("utf-8", "replace").strip().splitlines()]
            what = visible(last, 400) or f"exit code {self._zeek.returncode}"
            advice = "see whether Zeek reads this capture by itself, or take --sensor embedded"
            self._problems.append(Problem(where=self._name, what=f"Zeek failed: {what}", advice=advice))
        found = [*self._written(), *map(_unjudged, self._reader.close())]
        self._problems += self._reader.problems
        if self._file is not None:
            self._file.close()
        self._folder.cleanup()
        return found

    def _written(self) -> list[Record]:
        if self._file is None:
            if not self._log.exists():
                return []
            self._file = self._log.open("rb")
        found: list[Record] = []
        while piece := self._file.read(_PIECE):
            found += map(_unjudged, self._reader.feed(piece))
        return found


def _unjudged(record: Record) -> Record:
    """Without what Zeek held to be abnormal, by thresholds of its own."""
    if isinstance(record, Observation):
        return msgspec.structs.replace(record, anomalies=None, anomaly_facts=None)
    return record
