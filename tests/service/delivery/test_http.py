"""What holds for every sink that is reached by HTTP."""

import socket
import threading
from typing import Any

import pytest

from enricher.errors import ConfigError
from enricher.service.delivery.http import Http
from enricher.service.delivery.writer import RefusedError, SystemClock, UnavailableError

SECRET = "T0PSECRET"


def post(url: str, ca_file: str | None = None, timeout: float = 10.0, **more: Any) -> bytes:
    http = Http(url, ca_file, timeout, SystemClock(), **more)
    try:
        return http.post("/path", b"{}\n", {"Authorization": SECRET}).body
    finally:
        http.close()


def failure(*words: Any, **more: Any) -> UnavailableError:
    """The error, which holds no secret."""
    with pytest.raises(UnavailableError) as caught:
        post(*words, **more)
    assert SECRET not in str(caught.value) and "/path" not in str(caught.value)
    return caught.value


def test_a_body_goes_as_it_is_or_packed(server: Any) -> None:
    server.replies = [(200, {}, b"ok")]
    assert post(server.url) == post(server.url + "/", gzipped=True) == b"ok"
    plain, packed = server.requests
    assert (plain.path, plain.raw, packed.path) == ("/path", b"{}\n", "/path")
    assert (packed.headers["Content-Encoding"], packed.body) == ("gzip", b"{}\n")


def test_a_connection_is_kept(server: Any) -> None:
    seen = []
    server.replies = [lambda request: (200, {}, seen.append(request.headers["Host"]) or b"ok")]
    http = Http(server.url, None, 10.0, SystemClock())
    for _ in range(3):
        http.post("/", b"x", {})
    assert http._pool.connection_from_url(server.url).num_connections == 1


@pytest.mark.parametrize(
    ("status", "words"), [(401, "credentials"), (403, "credentials"), (404, "status 404"), (302, "status 302")]
)
def test_what_lies_with_us_or_the_server_can_be_mended_and_is_tried_again(server: Any, status: int, words: str) -> None:
    server.replies = [(status, {"Location": "http://127.0.0.1:9/elsewhere"}, b"no")]
    assert words in failure(server.url).message
    assert len(server.requests) == 1, "a redirect is not followed: it could lead the credentials anywhere"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_says_how_long_to_wait(server: Any, status: int) -> None:
    server.replies = [(status, {"Retry-After": "7"}, b"")]
    assert failure(server.url).wait == 7.0


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2015 07:28:00 GMT", "-1", "1e9", ""])
def test_an_odd_retry_after_is_no_wait(server: Any, value: str) -> None:
    server.replies = [(503, {"Retry-After": value}, b"")]
    assert failure(server.url).wait is None


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_lies_in_the_content_is_refused(server: Any, status: int) -> None:
    server.replies = [(status, {}, b"bad")]
    with pytest.raises(RefusedError, match=str(status)):
        post(server.url)


def test_a_server_that_hangs_up_in_the_middle_of_its_answer_has_not_answered(server: Any) -> None:
    server.replies = [None]
    assert "broke" in failure(server.url).message


def test_nobody_there_is_one_clear_line(closed_port: int) -> None:
    error = failure(f"http://127.0.0.1:{closed_port}/{SECRET}")
    assert str(error) == (
        f"http://127.0.0.1:{closed_port}: it does not take connections: check that it runs, and the address"
    )


def test_a_server_that_is_silent_or_never_ends_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert "no answer in time" in failure(url, timeout=0.1).message

        def drip() -> None:
            for _ in range(2):  # the first connection is the silent one's
                peer, _ = listener.accept()
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                while True:
                    peer.sendall(b"x")
                    stop.wait(0.02)
            except OSError:
                peer.close()

        stop = threading.Event()
        threading.Thread(target=drip, daemon=True).start()
        assert "broke" in failure(url, timeout=0.3).message


def test_tls_is_verified(tls_server: Any, pki: Any) -> None:
    assert "certificate is not accepted (self-signed certificate)" in failure(tls_server.url).message
    assert tls_server.requests == []
    assert post(tls_server.url, str(pki.certificate)) == b"{}"
    by_address = tls_server.url.replace("localhost", "127.0.0.1")
    assert "certificate is not accepted" in failure(by_address, str(pki.certificate)).message


def test_plain_http_towards_tls_and_tls_towards_plain_http_fail_in_words(server: Any, tls_server: Any) -> None:
    assert "no TLS" in failure(server.url.replace("http:", "https:")).message
    assert "connection broke" in failure(tls_server.url.replace("https:", "http:")).message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:9200",
        "ftp://host",
        "http://",
        f"http://user:{SECRET}@host",
        "http://h:99999",
        f"http://h/#{SECRET}",
        f"http://{SECRET}@h",
        "http://[",
        "http://h/\n",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Http(url, None, 1.0, SystemClock())
    assert SECRET not in str(caught.value)


def test_roots_that_cannot_be_read_are_refused(tmp_path: Any) -> None:
    for path, words in ((tmp_path / "none", "No such file"), (tmp_path / "empty", "NO_CERTIFICATE|no certificate")):
        if path.name == "empty":
            path.write_bytes(b"")
        with pytest.raises(ConfigError, match=f"{path} cannot be used .*({words})"):
            Http("https://host", str(path), 1.0, SystemClock())
