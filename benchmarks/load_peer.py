"""redis-benchmark with the commands that workers sent: as many of each kind, of the usual size, on as many keys."""

import re
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import redis
from join import _rate as rate_of

PIPELINE = 128
"""Commands to a batch, as the store reads them."""
_LEAST, _MOST = 5_120, 20_480
"""Commands of one kind that are timed; the time of fewer or more is worked out."""
_ROUNDS = 3
"""The best counts: it is timed by the clock on the wall, and others may have the processor."""
_ARGUMENT = re.compile(rb'"((?:[^"\\]|\\.)*)"')
IDLE = (
    "INFO",
    "HELLO",
    "SELECT",
    "COMMAND",
    "CONFIG",
    "PING",
    "CLIENT",
    "SCAN",
    "MEMORY",
    "EXISTS",
    "MONITOR",
    "FLUSHALL",
)
"""Ours, not the workers'."""

Words = tuple[bytes, ...]


class Kind(NamedTuple):
    """Commands of one name, on keys of one kind."""

    sent: int
    usual: Words
    """The one of middle length."""
    keys: int


def program() -> str:
    """redis-benchmark, or valkey-benchmark."""
    found = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if found is None:
        sys.exit("redis-benchmark is not on PATH: install redis-tools or valkey-tools")
    return found


class Watch:
    """What a server was told, as MONITOR shows it."""

    def __init__(self, server: Path) -> None:
        self.commands: list[Words] = []
        self._client = redis.Redis(unix_socket_path=str(server))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note commands meanwhile. It slows the server: nothing is timed meanwhile."""
        connection: Any = self._client.connection_pool.get_connection()
        connection.send_command("MONITOR")
        connection.read_response()
        ended = threading.Event()
        reader = threading.Thread(target=self._read, args=(connection, ended))
        reader.start()
        try:
            yield
        finally:
            ended.set()
            self._client.ping()
            reader.join()
            connection.disconnect()

    def _read(self, connection: Any, ended: threading.Event) -> None:
        while True:
            line = connection.read_response(disable_decoding=True)
            head, _, rest = line.partition(b"] ")
            words = tuple(_unescaped(found) for found in _ARGUMENT.findall(rest))
            if words[0].upper() == b"PING" and ended.is_set():
                return
            if b" lua" not in head and words[0].upper().decode() not in IDLE:
                self.commands.append(words)


def kinds(commands: Sequence[Words]) -> list[Kind]:
    """Commands by name and by the letter of the key."""
    by_kind: defaultdict[tuple[bytes, bytes], list[Words]] = defaultdict(list)
    for words in commands:
        by_kind[words[0].upper(), _letter(_key(words))].append(words)
    found = []
    for some in by_kind.values():
        some.sort(key=lambda words: (len(words), sum(map(len, words))))
        found.append(Kind(len(some), some[len(some) // 2], len({_key(words) for words in some})))
    return sorted(found, key=lambda kind: -kind.sent)


def seconds(server: Path, found: Sequence[Kind], scale: float = 1.0) -> tuple[float, dict[str, float]]:
    """In which time redis-benchmark issues them, over one connection; of each name. `scale`: so many times as often."""
    total: defaultdict[str, float] = defaultdict(float)
    for kind in found:
        wanted = max(1, round(kind.sent * scale))
        count = min(_MOST, max(_LEAST, -(-wanted // PIPELINE) * PIPELINE))
        words = [_printable(word) for word in kind.usual]
        if kind.usual[0].upper() != b"EVAL":
            words[1] = f"peer:{_letter(kind.usual[1]).decode()}:__rand_int__"
        options = [
            "-s",
            str(server),
            "-c",
            "1",
            "-P",
            str(PIPELINE),
            "-n",
            str(count),
            "-r",
            str(max(1, round(kind.keys * scale))),
        ]
        rate = max(_rate([*options, "--csv", *words]) for _ in range(_ROUNDS))
        total[words[0].upper()] += wanted / rate
    return sum(total.values()), total


def _rate(options: Sequence[str]) -> float:
    """Commands a second."""
    done = subprocess.run([program(), *options], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"redis-benchmark failed on {options[-1]}: {done.stderr[:200]}")
    return rate_of(done.stdout)


def _key(words: Words) -> bytes:
    return words[3] if words[0].upper() == b"EVAL" else words[1] if len(words) > 1 else b""


def _letter(key: bytes) -> bytes:
    parts = key.split(b":")
    return parts[1] if len(parts) > 1 else b""


def _unescaped(text: bytes) -> bytes:
    return re.sub(
        rb"\\(x[0-9a-f]{2}|.)",
        lambda m: bytes.fromhex(m[1][1:].decode()) if len(m[1]) == 3 else _PLAIN.get(m[1], m[1]),
        text,
    )


_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


def _printable(word: bytes) -> str:
    """An argument that a command line can hold, of the same length."""
    return "".join(chr(byte) if 31 < byte < 127 or byte in b"\n\t" else "x" for byte in word)
