"""One POST for each notice, signed where there is a key."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from enricher.service.delivery.webhook import Webhook
from enricher.service.delivery.writer import UnavailableError
from enricher.sinks.settings import Secret, WebhookSink


@pytest.fixture
def webhook(server: Any, clock: Any, monkeypatch: Any) -> Any:
    monkeypatch.setenv("AN1496_TEST_SIGNING", "k3y")
    monkeypatch.setenv("AN1496_TEST_URL", f"{server.url}/hooks/T0PSECRET")
    return lambda **changes: Webhook(WebhookSink(**{"url": server.url, **changes}), clock)


def test_each_notice_is_one_request_with_its_id_and_revision(server: Any, webhook: Any, make: Any) -> None:
    webhook().send(make.records(2, "webhook"))
    assert [json.loads(request.body)["id"] for request in server.requests] == [n.id for n in make.notices(2)]
    headers = server.requests[1].headers
    assert (headers["X-AN1496-Notice"], headers["X-AN1496-Revision"]) == (make.notice(1).id, "1")
    assert (headers["Content-Type"], headers["X-AN1496-Signature"]) == ("application/json", None)


def test_a_receiver_with_the_key_can_verify_time_and_body(server: Any, webhook: Any, make: Any, clock: Any) -> None:
    webhook(signing_key=Secret(env="AN1496_TEST_SIGNING"), token=Secret(env="AN1496_TEST_SIGNING")).send(
        make.records(1, "webhook")
    )
    (request,) = server.requests
    signed = request.headers["X-AN1496-Timestamp"].encode() + b"." + request.body
    wanted = hmac.new(b"k3y", signed, hashlib.sha256).hexdigest()
    assert request.headers["X-AN1496-Signature"] == f"sha256={wanted}"
    assert int(request.headers["X-AN1496-Timestamp"]) == int(clock.wall())
    assert request.headers["Authorization"] == "Bearer k3y"


def test_another_format_goes_under_its_own_content_type(server: Any, webhook: Any, make: Any) -> None:
    webhook(format="cef").send(make.records(1, "cef"))
    assert server.requests[0].headers["Content-Type"].startswith("text/plain")
    assert server.requests[0].body.startswith(b"CEF:0|")


def test_what_was_taken_before_a_failure_is_not_sent_again(server: Any, webhook: Any, make: Any) -> None:
    server.replies = [(200, {}, b""), (400, {}, b""), (503, {"Retry-After": "4"}, b"")]
    sent = webhook().send(make.records(5, "webhook"))
    assert (set(sent.rejected), set(sent.again), sent.wait, len(server.requests)) == ({1}, {2, 3, 4}, 4.0, 3)


def test_an_address_that_is_a_secret_is_used_and_never_told(server: Any, webhook: Any, make: Any) -> None:
    writer = webhook(url=Secret(env="AN1496_TEST_URL"))
    writer.send(make.records(1, "webhook"))
    assert server.requests[0].path == "/hooks/T0PSECRET"
    server.close()
    server.replies = [(500, {}, b"")]
    with pytest.raises(UnavailableError) as caught:
        writer.send(make.records(1, "webhook"))
    assert "T0PSECRET" not in str(caught.value)
