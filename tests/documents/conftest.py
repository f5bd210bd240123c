"""Servers and ports for commands that are typed."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from enricher.join.server import find_binary


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port on which nobody listens."""

    def port() -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    return port


@pytest.fixture
def redis_port(free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis on loopback, without a password."""
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = [str(find_binary()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()
