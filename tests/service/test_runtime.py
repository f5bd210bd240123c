"""How Python is set for much work."""

import platform
import subprocess
import sys

import pytest

PIECES = """
import resource
from enricher.service import runtime
{prepare}
def piece():
    return [bytes(60_000) for _ in range(20)]
piece()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    piece()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(prepare: str) -> int:
    command = [sys.executable, "-c", PIECES.format(prepare=prepare)]
    return int(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_memory_that_every_piece_of_a_log_needs_is_not_given_back_in_between() -> None:
    assert faults("runtime.prepare()") < faults("") / 10
