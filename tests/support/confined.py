"""Runs a command under the filter of system calls that a unit of systemd sets, without a systemd that runs."""

import ctypes.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import Final

import pytest

_FILTER: Final = """
import ctypes, errno, os, pwd, sys
name, user, *names = sys.argv[1:sys.argv.index("--")]
seccomp, libc = ctypes.CDLL(name), ctypes.CDLL(None)
if user:  # as DynamicUser and AmbientCapabilities=CAP_NET_RAW leave it, and able to read where we lie
    nobody, raw = pwd.getpwnam(user).pw_uid, 1 << 13 | 1 << 2
    libc.prctl(8, 1, 0, 0, 0)
    os.setgroups([]), os.setresgid(nobody, nobody, nobody), os.setresuid(nobody, nobody, nobody)
    libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(raw, raw, raw, 0, 0, 0))
    libc.prctl(47, 2, 13, 0, 0), libc.prctl(47, 2, 2, 0, 0)
seccomp.seccomp_init.restype = ctypes.c_void_p
made = ctypes.c_void_p(seccomp.seccomp_init(0x00050000 | errno.EPERM))
for each in names:
    number = seccomp.seccomp_syscall_resolve_name(each.encode())
    if number >= 0:  # this architecture has it
        assert seccomp.seccomp_rule_add(made, 0x7FFF0000, number, 0) == 0, each
assert seccomp.seccomp_load(made) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[sys.argv.index("--") + 1:]])
"""


def confined(text: str, *words: str, user: str = "") -> list[str]:
    """The command that runs Python with these words as a unit would.

    Args:
        text: the unit, and what is dropped in after it.
        words: Python's.
        user: who it is, with CAP_NET_RAW; empty: who we are.
    """
    library = ctypes.util.find_library("seccomp")
    if library is None or shutil.which("systemd-analyze") is None:
        pytest.skip("no libseccomp, or no systemd-analyze")
    names = sorted(allowed(re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE)))
    return [sys.executable, "-c", _FILTER, library, user, *names, "--", *words]


def allowed(lines: Iterable[str]) -> set[str]:
    """The system calls that are left, line after line, where the first line says what may be called."""
    found: set[str] = set()
    for line in lines:
        calls = set().union(*map(_members, line.removeprefix("~").split()))
        found = found - calls if line.startswith("~") else found | calls
    return found


def _members(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "syscall-filter", name]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[1:]
    return set().union(
        *(_members(each.strip()) for each in listed if each.strip() and not each.strip().startswith("#"))
    )
