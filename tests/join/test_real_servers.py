"""A redis-server as distributions ship it, with its own defaults, where one is installed."""

import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from enricher.join.server import EmbeddedServer
from enricher.join.store import Store

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
BINARY = Path(shutil.which("redis-server") or "")
RESULTS = ("observations.jsonl", "sessions.jsonl", "notices.jsonl")

pytestmark = pytest.mark.skipif(not BINARY.name, reason="needs redis-server on PATH")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a password on a TCP port of its own, and of it the database 3."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    folder = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--requirepass", "s3cret", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("Ready to accept connections" in line for line in process.stdout)
            yield f"redis://:s3cret@127.0.0.1:{port}/3"
        finally:
            process.kill()


def replay(case: str, out: Path, *words: str) -> list[bytes]:
    command = [sys.executable, "-m", "enricher", "replay", case, "--ca-bundle", "ca.pem", *words, "--out", str(out)]
    done = subprocess.run(command, cwd=PCAPS, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    return [(out / name).read_bytes() for name in RESULTS]


@pytest.mark.parametrize("case", ["demo", "late", "reuse", "rarity"])
def test_a_replay_gives_the_same_bytes_as_with_the_embedded_server_and_leaves_nothing(url, case, tmp_path):
    assert replay(case, tmp_path / "remote", "--redis", url) == replay(case, tmp_path / "embedded")
    with contextlib.closing(redis.Redis.from_url(url)) as admin:
        assert admin.dbsize() == 0
        assert admin.info("commandstats")["cmdstat_zadd"]["calls"] > 0


def test_the_embedded_store_runs_on_it_too(make):
    with EmbeddedServer(binary=BINARY) as server, Store.open(server.url) as store:
        store.put([make.observe(ja4="a"), make.observe(ja4="a", orig_h="10.0.0.2")])
        assert store.prevalence(["a"])["a"].hosts == 2
