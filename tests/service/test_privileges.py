"""What takes privileges is open; then they go, for good."""

import ctypes
import os
import pwd
import socket
from pathlib import Path

import pytest

from enricher.errors import ConfigError
from enricher.service import privileges
from own_network import LIBC, apart


@apart
def test_privileges_are_gone_for_good() -> None:
    with pytest.raises(ConfigError, match="nobody is called no-such-user"):
        privileges.drop("no-such-user")
    with pytest.raises(ConfigError, match="is root"):
        privileges.drop("root")
    os.setgroups([0, 1])
    privileges.drop("nobody")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    assert status["NoNewPrivs"].strip() == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert set(status["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)}
    assert status["Groups"].split() == [str(pwd.getpwnam("nobody").pw_gid)]
    assert "0" not in status["Gid"].split()
    with pytest.raises(PermissionError):
        os.setuid(0)
    privileges.drop("nobody")
    with pytest.raises(ConfigError, match="may not become"):
        privileges.drop("daemon")


@apart
def test_a_capability_that_was_given_to_a_user_is_given_up_too() -> None:
    LIBC.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    nobody = pwd.getpwnam("nobody").pw_uid
    os.setresuid(nobody, nobody, nobody)
    mask = 1 << 13  # CAP_NET_RAW
    LIBC.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
    LIBC.prctl(47, 2, 13, 0, 0)
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    privileges.drop(None)
    status = Path("/proc/self/status").read_text()
    assert status.count("0000000000000000") >= 4
    with pytest.raises(PermissionError):
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
