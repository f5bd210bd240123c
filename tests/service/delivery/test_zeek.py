"""The way back to Zeek, against a server that speaks Zeek's handshake."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from enricher.service.delivery.writer import UnavailableError
from enricher.service.delivery.zeek import Zeek
from enricher.sinks.settings import ZeekSink

UNREADABLE = '{"type":"error","code":"deserialization_failed","context":"failed to create Zeek event"}'


@pytest.fixture
def zeek_at() -> Iterator[Callable[..., Zeek]]:
    with contextlib.ExitStack() as stack:

        def writer(url: str, timeout: float = 5.0) -> Zeek:
            made = Zeek(ZeekSink(url=url, timeout_seconds=timeout))
            stack.callback(made.close)
            return made

        yield writer


@pytest.fixture
def three(make: Any) -> Any:
    return make.records(3, "zeek_event")


def ids(records: Any) -> list[str]:
    return [record.notice.id for record in records]


def why_not(writer: Zeek, records: Any) -> str:
    with pytest.raises(UnavailableError) as caught:
        writer.send(records)
    return str(caught.value)


def test_every_notice_is_told_in_order_and_confirmed(stand_in: Any, zeek_at: Any, three: Any) -> None:
    with stand_in() as zeek:
        sent = zeek_at(zeek.url).send(three)
    assert (sent.rejected, sent.again) == ({}, {})
    assert zeek.got == ids(three)
    assert zeek.subscriptions == [["/an1496/receipts"]]
    assert zeek.paths == ["/v1/messages/json"]


def test_batches_share_a_connection(stand_in: Any, zeek_at: Any, three: Any) -> None:
    with stand_in() as zeek:
        writer = zeek_at(zeek.url)
        writer.send(three)
        writer.send(three)
    assert len(zeek.got) == 6
    assert len(zeek.paths) == 1


def test_receipts_of_other_notices_confirm_nothing(stand_in: Any, confirm: Any, zeek_at: Any, three: Any) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        other = json.loads(json.dumps(message))
        other["data"][2]["data"][1]["data"][1]["data"] = 7
        confirm(link, other)

    with stand_in(answer) as zeek:
        said = why_not(zeek_at(zeek.url, 0.3), three)
    assert f"notice {ids(three)[0]} was not confirmed within 0.3 s" in said


def test_a_receipt_that_comes_too_late_is_not_taken_for_another(
    stand_in: Any, confirm: Any, zeek_at: Any, three: Any
) -> None:
    late = threading.Event()

    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        late.wait(5)
        with contextlib.suppress(Exception):
            confirm(link, message)

    with stand_in(answer) as zeek:
        writer = zeek_at(zeek.url, 0.3)
        why_not(writer, three)
        late.set()
        assert writer.send(three).again == {}
    assert zeek.got == [ids(three)[0], *ids(three)]
    assert len(zeek.paths) == 2


def test_a_flood_of_foreign_events_does_not_keep_us(stand_in: Any, zeek_at: Any, three: Any) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        message["data"][2]["data"][0]["data"] = "Other::event"
        with contextlib.suppress(Exception):
            while True:
                link.send(json.dumps(message))

    with stand_in(answer) as zeek:
        begin = time.monotonic()
        assert "not confirmed" in why_not(zeek_at(zeek.url, 0.3), three)
    assert time.monotonic() - begin < 5


def test_a_zeek_that_has_confirmed_nothing_and_refuses_may_lack_the_package(
    stand_in: Any, zeek_at: Any, three: Any
) -> None:
    with stand_in(lambda link, _: link.send(UNREADABLE)) as zeek:
        said = why_not(zeek_at(zeek.url), three)
    assert "Zeek refuses: failed to create Zeek event (deserialization_failed)" in said
    assert "load the AN1496 package" in said
    assert zeek.got == ids(three)[:1]


def test_what_zeek_refuses_beside_others_is_never_sent_again(
    stand_in: Any, confirm: Any, zeek_at: Any, three: Any
) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if len(zeek.got) == 2:
            link.send(UNREADABLE)
        else:
            confirm(link, message)

    with stand_in(answer) as zeek:
        sent = zeek_at(zeek.url).send(three)
    assert set(sent.rejected) == {1}
    assert "Zeek refuses: failed to create Zeek event" in sent.rejected[1]
    assert sent.again == {}
    assert zeek.got == ids(three)


def test_a_zeek_that_came_back_without_the_package_refuses_no_notice_for_good(
    stand_in: Any, confirm: Any, zeek_at: Any, three: Any
) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if len(zeek.got) == 1:
            confirm(link, message)
        elif len(zeek.paths) == 1:
            link.close()
        else:
            link.send(UNREADABLE)

    with stand_in(answer) as zeek:
        sent = zeek_at(zeek.url).send(three)
    assert (sent.rejected, set(sent.again)) == ({}, {1, 2})


def test_another_error_of_zeek_is_no_fault_of_the_notice(stand_in: Any, confirm: Any, zeek_at: Any, three: Any) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if len(zeek.got) == 2:
            link.send(UNREADABLE.replace("deserialization_failed", "peer_lost"))
        else:
            confirm(link, message)

    with stand_in(answer) as zeek:
        sent = zeek_at(zeek.url).send(three)
    assert (sent.rejected, set(sent.again)) == ({}, {1, 2})
    assert zeek.got == ids(three)[:2]


def test_a_kept_connection_that_was_lost_is_opened_again_and_the_notice_repeated(
    stand_in: Any, confirm: Any, zeek_at: Any, three: Any
) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if len(zeek.got) == 2:
            link.close()
        else:
            confirm(link, message)

    first, second, third = ids(three)
    with stand_in(answer) as zeek:
        assert zeek_at(zeek.url).send(three).again == {}
    assert zeek.got == [first, second, second, third]
    assert len(zeek.paths) == 2


def test_who_hangs_up_on_a_fresh_connection_is_tried_again_later(stand_in: Any, zeek_at: Any, three: Any) -> None:
    with stand_in(lambda link, _: link.close(1011, "bad \x1b[31m")) as zeek:
        said = why_not(zeek_at(zeek.url), three)
    assert "Zeek hung up: 1011" in said
    assert "\x1b" not in said
    assert zeek.got == ids(three)[:1]


def test_what_was_confirmed_before_zeek_went_is_not_sent_again(
    stand_in: Any, confirm: Any, zeek_at: Any, three: Any
) -> None:
    def answer(link: ServerConnection, message: dict[str, Any]) -> None:
        if len(zeek.got) > 1:
            link.close()
        else:
            confirm(link, message)

    with stand_in(answer) as zeek:
        sent = zeek_at(zeek.url).send(three)
    first, second, _ = ids(three)
    assert (sent.rejected, set(sent.again)) == ({}, {1, 2})
    assert zeek.got == [first, second, second]


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
def test_another_service_is_told_apart(greeting: str, words: str, stand_in: Any, zeek_at: Any, three: Any) -> None:
    with stand_in(greeting=greeting) as zeek:
        assert words in why_not(zeek_at(zeek.url), three)
    assert zeek.got == []


def test_a_refusal_instead_of_a_greeting_is_told(stand_in: Any, zeek_at: Any, three: Any) -> None:
    with stand_in(greeting='{"type":"error","code":"invalid_uri","context":"use another"}') as zeek:
        said = why_not(zeek_at(zeek.url), three)
    assert "Zeek refuses: use another (invalid_uri)" in said


def test_nobody_there_is_one_clear_line(zeek_at: Any, three: Any, closed_port: int) -> None:
    url = f"ws://127.0.0.1:{closed_port}"
    said = why_not(zeek_at(f"{url}/some/path?key=1"), three)
    assert said.startswith(
        f"{url}: Zeek cannot be reached: connection refused: check the address, and that Zeek listens there"
    )
    assert "\n" not in said


def test_who_never_answers_is_given_up(zeek_at: Any, three: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = why_not(zeek_at(f"ws://127.0.0.1:{silent.getsockname()[1]}", 0.3), three)
    assert "Zeek cannot be reached: timed out" in said


def test_nobody_sends_us_elsewhere(stand_in: Any, zeek_at: Any, three: Any) -> None:
    with stand_in() as other, socket.create_server(("127.0.0.1", 0)) as first:

        def redirect() -> None:
            link, _ = first.accept()
            with link:
                link.recv(4096)
                link.sendall(f"HTTP/1.1 302 Found\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=redirect)
        thread.start()
        said = why_not(zeek_at(f"ws://127.0.0.1:{first.getsockname()[1]}"), three)
        thread.join()
    assert "Zeek cannot be reached" in said
    assert other.subscriptions == []


def test_who_speaks_no_http_is_given_up(zeek_at: Any, three: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            link, _ = other.accept()
            with link:
                link.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        said = why_not(zeek_at(f"ws://127.0.0.1:{other.getsockname()[1]}"), three)
        thread.join()
    assert "Zeek cannot be reached" in said
