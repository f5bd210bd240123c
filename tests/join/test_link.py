"""Every answer of a server that we can do nothing about is told in words, with what to do."""

import socket
import threading

import pytest

from enricher.errors import StoreError
from enricher.join.link import Link
from enricher.join.settings import StoreSettings


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("READONLY You can't write against a read only replica.", "is a read-only replica"),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "is a read-only replica"),
        ("NOREPLICAS Not enough good replicas to write.", "has too few replicas"),
        ("CLUSTERDOWN Hash slot not served", "belongs to a cluster that is down"),
        ("MOVED 3999 127.0.0.1:6381", "is a node of a cluster"),
        ("CROSSSLOT Keys in request don't hash to the same slot", "is a node of a cluster"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "is out of memory"),
        ("MISCONF Errors writing to the AOF file: No space left on device", "cannot write its data to disk"),
        ("LOADING Redis is loading the dataset in memory", "is still loading its data"),
        ("NOPERM User x has no permissions to run the 'get' command", "does not permit"),
        ("NOAUTH Authentication required.", "refuses us"),
        ("ERR whatever", r"refused a command \(whatever\)"),
    ],
)
def test_what_a_server_refuses_is_told_in_words(answer: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            link, _ = server.accept()
            with link:
                while link.recv(4096):
                    link.sendall(f"-{answer}\r\n".encode())

        threading.Thread(target=refuse, daemon=True).start()
        with pytest.raises(StoreError, match=words):
            Link(f"redis://127.0.0.1:{server.getsockname()[1]}", StoreSettings())
