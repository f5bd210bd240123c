import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from enricher.service.websocket import HangupError, WebSocket


@contextmanager
def connected(talk: Callable[[ServerConnection], None]) -> Iterator[WebSocket]:
    with serve(talk, "127.0.0.1", 0, close_timeout=0.2) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with WebSocket(f"ws://127.0.0.1:{server.socket.getsockname()[1]}/", None, 5) as link:
                yield link
        finally:
            server.shutdown()
            thread.join()


def soon() -> float:
    return time.monotonic() + 5


def test_messages_come_in_order_and_whole() -> None:
    def talk(link: ServerConnection) -> None:
        link.send("one")
        link.send(iter(["t", "w", "o"]))
        link.send(b"three")
        link.recv()

    with connected(talk) as link:
        assert [link.receive(soon()) for _ in range(3)] == [b"one", b"two", b"three"]


def test_what_is_sent_arrives_as_text() -> None:
    with connected(lambda link: link.send(f"{link.recv()!r}")) as link:
        link.send("grün".encode())
        assert link.receive(soon()) == b"'gr\xc3\xbcn'"


def test_who_waits_answers_pings() -> None:
    def talk(link: ServerConnection) -> None:
        link.send("answered" if link.ping().wait(5) else "silence")

    with connected(talk) as link:
        assert link.receive(soon()) == b"answered"


def test_silence_ends() -> None:
    with connected(lambda link: link.recv()) as link, pytest.raises(TimeoutError):
        link.receive(time.monotonic() + 0.1)


def test_a_goodbye_is_told_and_nothing_can_be_sent_after_it() -> None:
    with connected(lambda link: link.close(1001, "restart")) as link:
        with pytest.raises(HangupError, match="restart"):
            link.receive(soon())
        with pytest.raises(HangupError):
            link.send(b"more")


def test_a_message_without_end_is_not_kept() -> None:
    def talk(link: ServerConnection) -> None:
        link.send("x" * 1024 for _ in range(1024))

    with connected(talk) as link, pytest.raises(HangupError, match="too big"):
        link.receive(soon())


def test_a_peer_that_vanishes_is_noticed() -> None:
    with connected(lambda link: link.socket.shutdown(socket.SHUT_RDWR)) as link, pytest.raises((HangupError, OSError)):
        link.receive(soon())


def test_leaving_says_goodbye() -> None:
    code: list[int | None] = []

    def talk(link: ServerConnection) -> None:
        for _ in link:
            pass
        code.append(link.close_code)

    with connected(talk):
        pass
    assert code == [1000]
