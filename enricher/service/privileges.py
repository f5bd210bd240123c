"""Once what takes privileges is open, they go: for good, also from programs that are started later."""

import ctypes
import os
import pwd
from typing import Final

from enricher.errors import ConfigError

_NO_NEW_PRIVS: Final = 38
"""prctl(2)."""
_CAPABILITY_VERSION: Final = 0x20080522
"""capset(2)."""


def drop(user: str | None) -> None:
    """Become a lesser user, give up all capabilities, and never get any back.

    Only the calling thread gives them up: call it before others are started. Without a user, root stays root.

    Raises:
        ConfigError: there is no such user, it is root, or we may not become it.
    """
    if user is not None:
        _become(user)
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if os.getuid() == 0:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)  # what is neither permitted nor inheritable is not ambient
    _call(libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def _become(user: str) -> None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f"user: nobody is called {user}", "make such a user: useradd --system NAME") from None
    if entry.pw_uid == 0:
        raise ConfigError(f"user: {user} is root", "name a user that may do less")
    if os.getuid() == entry.pw_uid and os.geteuid() == entry.pw_uid:
        return
    try:
        os.setgroups(os.getgrouplist(user, entry.pw_gid))
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except PermissionError as error:
        raise ConfigError(f"user: we may not become {user}", "start as root, or leave it out") from error


def _call(result: int, what: str) -> None:
    if result != 0:
        raise ConfigError(f"{what} cannot be given up: {os.strerror(ctypes.get_errno())}", "use a current Linux")
