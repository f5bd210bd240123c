"""The way back to Zeek, against a server that speaks Zeek's handshake."""

import contextlib
import json
import socket
import threading
import time
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from enricher.config import ZeekConfig
from enricher.service.feedback import Feedback

REFUSAL = '{"type":"error","code":"deserialization_failed","context":"failed to create Zeek event"}'


def test_every_notice_is_told_in_order_and_confirmed(stand_in: Any, published: Any) -> None:
    with stand_in() as zeek:
        assert published(zeek.url, 1, 2, 3) == []
    assert zeek.got == ["AN1496-1", "AN1496-2", "AN1496-3"]
    assert zeek.subscriptions == [["/an1496/receipts"]]
    assert zeek.paths == ["/v1/messages/json"]


def test_without_notices_nobody_is_asked(published: Any) -> None:
    assert published("ws://127.0.0.1:1") == []


def test_no_address_means_no_way_back() -> None:
    assert Feedback.of(ZeekConfig()) is None


def test_receipts_of_other_notices_confirm_nothing(stand_in: Any, confirm: Any, published: Any) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        other = json.loads(json.dumps(message))
        other["data"][2]["data"][1]["data"][1]["data"] = 7
        confirm(link, other)

    with stand_in(answer) as zeek:
        (problem,) = published(zeek.url, 1, timeout_seconds=0.3)
    assert "notice AN1496-1 was not confirmed within 0.3 s" in problem


def test_a_flood_of_foreign_events_does_not_keep_us(stand_in: Any, published: Any) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        message["data"][2]["data"][0]["data"] = "Other::event"
        with contextlib.suppress(Exception):
            while True:
                link.send(json.dumps(message))

    with stand_in(answer) as zeek:
        begin = time.monotonic()
        (problem,) = published(zeek.url, 1, timeout_seconds=0.3)
    assert "not confirmed" in problem
    assert time.monotonic() - begin < 5


def test_what_zeek_refuses_is_told_and_nothing_more_is_sent(stand_in: Any, published: Any) -> None:
    with stand_in(lambda link, _: link.send(REFUSAL)) as zeek:
        (problem,) = published(zeek.url, 1, 2)
    assert "Zeek refuses: failed to create Zeek event (deserialization_failed)" in problem
    assert "load the AN1496 package" in problem
    assert zeek.got == ["AN1496-1"]


def test_a_connection_that_is_lost_is_opened_again_and_the_notice_repeated(
    stand_in: Any, confirm: Any, published: Any
) -> None:
    lost = iter([True, False, False])

    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if next(lost):
            link.close()
        else:
            confirm(link, message)

    with stand_in(answer) as zeek:
        assert published(zeek.url, 1, 2) == []
    assert zeek.got == ["AN1496-1", "AN1496-1", "AN1496-2"]


def test_who_always_hangs_up_is_not_tried_for_ever(stand_in: Any, published: Any) -> None:
    with stand_in(lambda link, _: link.close(1011, "bad \x1b[31m")) as zeek:
        (problem,) = published(zeek.url, 1, 2)
    assert "Zeek hung up" in problem
    assert "\x1b" not in problem
    assert zeek.got == ["AN1496-1", "AN1496-1"]


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        ("hello", "does not speak Zeek's WebSocket API"),
        ("{}", "does not speak Zeek's WebSocket API"),
        ('{"type":"ack"}', "does not speak Zeek's WebSocket API"),
        ("[" * 60000, "does not speak Zeek's WebSocket API"),
        ("[" * 70000, "Zeek hung up: 1009"),
    ],
)
def test_another_service_is_told_apart(greeting: str, words: str, stand_in: Any, published: Any) -> None:
    with stand_in(greeting=greeting) as zeek:
        (problem,) = published(zeek.url, 1)
    assert words in problem
    assert zeek.got == []


def test_a_refusal_instead_of_a_greeting_is_told(stand_in: Any, published: Any) -> None:
    with stand_in(greeting='{"type":"error","code":"invalid_uri","context":"use another"}') as zeek:
        (problem,) = published(zeek.url, 1)
    assert "Zeek refuses: use another (invalid_uri)" in problem


def test_nobody_there_is_one_clear_line(published: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (problem,) = published(f"ws://127.0.0.1:{port}", 1, 2)
    assert problem.startswith(f"ws://127.0.0.1:{port}/v1/messages/json: Zeek cannot be reached: connection refused; ")
    assert "\n" not in problem


def test_who_never_answers_is_given_up(published: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (problem,) = published(f"ws://127.0.0.1:{silent.getsockname()[1]}", 1, timeout_seconds=0.3)
    assert "Zeek cannot be reached: timed out" in problem


def test_nobody_sends_us_elsewhere(stand_in: Any, published: Any) -> None:
    with stand_in() as other, socket.create_server(("127.0.0.1", 0)) as first:

        def redirect() -> None:
            link, _ = first.accept()
            with link:
                link.recv(4096)
                link.sendall(f"HTTP/1.1 302 Found\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=redirect)
        thread.start()
        (problem,) = published(f"ws://127.0.0.1:{first.getsockname()[1]}", 1)
        thread.join()
    assert "Zeek cannot be reached" in problem
    assert other.subscriptions == []


def test_who_speaks_no_http_is_given_up(published: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            link, _ = other.accept()
            with link:
                link.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        (problem,) = published(f"ws://127.0.0.1:{other.getsockname()[1]}", 1)
        thread.join()
    assert "Zeek cannot be reached" in problem
