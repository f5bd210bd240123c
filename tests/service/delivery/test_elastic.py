"""The bulk API as Elasticsearch documents it, by a stub that keeps documents as an index or a data stream does."""

import json
from typing import Any

import pytest

from enricher.errors import ConfigError
from enricher.service.delivery.courier import Courier
from enricher.service.delivery.elastic import Elastic
from enricher.service.delivery.writer import RefusedError, UnavailableError
from enricher.sinks.settings import ElasticSink, Secret


class Store:
    """Documents by id, with versions: `_bulk` of an index and of a data stream."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.versions: dict[str, int] = {}
        self.failing: dict[str, list[int]] = {}
        """Statuses that an id gets before it is taken."""

    def __call__(self, request: Any) -> Any:
        assert (request.method, request.path) == ("POST", "/_bulk")
        assert request.headers["Content-Type"] == "application/x-ndjson"
        lines = request.lines
        items = [self._one(action, document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        return 200, {"Content-Type": "application/json"}, json.dumps({"took": 1, "items": items}).encode()

    def _one(self, action: Any, document: Any) -> Any:
        ((operation, meta),) = action.items()
        status = self._status(operation, meta, document)
        error = {} if status < 300 else {"error": {"type": f"type_{status}", "reason": "because"}}
        return {operation: {"_id": meta["_id"], "status": status, **error}}

    def _status(self, operation: str, meta: Any, document: Any) -> int:
        id_ = meta["_id"]
        if self.failing.get(id_):
            return self.failing[id_].pop(0)
        if operation == "create":
            if id_ in self.documents:
                return 409
        else:
            assert meta["version_type"] == "external_gte"
            if meta["version"] < self.versions.get(id_, 0):
                return 409
            self.versions[id_] = meta["version"]
        self.documents[id_] = document
        return 201


@pytest.fixture
def store(server: Any) -> Store:
    made = Store()
    server.replies = [made]
    return made


@pytest.fixture
def elastic(server: Any, clock: Any) -> Any:
    return lambda **changes: Elastic(ElasticSink(url=server.url, **changes), clock)


@pytest.fixture
def send(make: Any, dead: Any, clock: Any) -> Any:
    """Delivers notices with tries; gives the statistics."""

    def run(writer: Elastic, notices: Any) -> Any:
        courier = Courier("elastic", writer, 60.0, make.origin, dead, clock)
        courier.deliver(notices, lambda seconds: clock.sleep(seconds) or False)
        return courier.statistics

    return run


def test_documents_arrive_under_their_own_ids(store: Store, elastic: Any, send: Any, make: Any, server: Any) -> None:
    assert send(elastic(), make.notices(3)).delivered == 3
    assert [document["event"]["id"] for document in store.documents.values()] == list(store.documents)
    assert server.requests[0].headers["Content-Encoding"] == "gzip"


def test_a_revision_overwrites_and_an_old_one_that_comes_late_does_not(
    store: Store, elastic: Any, send: Any, make: Any
) -> None:
    writer = elastic()
    for revision in (1, 3, 2, 3):
        assert send(writer, [make.notice(7, revision=revision)]).delivered == 1
    ((_, document),) = store.documents.items()
    assert document["event"]["sequence"] == 3


def test_in_a_data_stream_each_revision_is_created_and_one_that_is_there_counts_as_delivered(
    store: Store, elastic: Any, send: Any, make: Any
) -> None:
    writer = elastic(data_stream=True)
    told = [make.notice(7, revision=1), make.notice(7, revision=2)]
    assert send(writer, told).delivered == send(writer, told).delivered == 2
    assert list(store.documents) == [f"{told[0].id}:1", f"{told[0].id}:2"]


def test_only_the_documents_that_failed_are_sent_again(
    store: Store, elastic: Any, send: Any, make: Any, server: Any, letters: Any
) -> None:
    notices = make.notices(4)
    store.failing = {notices[1].id: [429, 503], notices[3].id: [400]}
    found = send(elastic(), notices)
    assert (found.delivered, found.dead, found.retries) == (3, 1, 2)
    assert [len(request.lines) // 2 for request in server.requests] == [4, 1, 1]
    assert [letter["reason"] for letter in letters()] == ["status 400, type_400, because"]


def test_a_request_that_is_too_large_is_halved(store: Store, elastic: Any, send: Any, make: Any, server: Any) -> None:
    server.replies = [lambda request: (413, {}, b"") if len(request.lines) > 4 else store(request)]
    assert send(elastic(), make.notices(8)).delivered == 8
    assert len(store.documents) == 8


def test_a_busy_cluster_and_a_broken_connection_are_tried_again(
    store: Store, elastic: Any, send: Any, make: Any, server: Any, clock: Any
) -> None:
    server.replies = [(429, {"Retry-After": "9"}, b""), None, (502, {}, b"<html>"), (200, {}, b"<html>"), store]
    found = send(elastic(), make.notices(2))
    assert (found.delivered, found.retries, len(store.documents)) == (2, 4, 2)
    assert clock.slept[0] == 9.0


def test_an_answer_for_another_number_of_documents_is_none(elastic: Any, make: Any, server: Any) -> None:
    server.replies = [(200, {}, b'{"items":[{"index":{"status":201}}]}')]
    with pytest.raises(UnavailableError, match="does not answer as a bulk API does"):
        elastic().send(make.records(2, "ecs"))


def test_credentials_go_in_their_header_and_nowhere_else(
    store: Store, elastic: Any, make: Any, server: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setenv("AN1496_TEST_KEY", "a2V5")
    (tmp_path / "password").write_text("s3cret\n")
    elastic(api_key=Secret(env="AN1496_TEST_KEY")).send(make.records(1, "ecs"))
    elastic(username="u", password=Secret(file=str(tmp_path / "password"))).send(make.records(1, "ecs"))
    elastic().send(make.records(1, "ecs"))
    assert [request.headers["Authorization"] for request in server.requests] == [
        "ApiKey a2V5",
        "Basic dTpzM2NyZXQ=",
        None,
    ]


def test_the_template_is_put_once_before_the_first_document(elastic: Any, make: Any, server: Any, store: Store) -> None:
    server.replies = [(403, {}, b""), (200, {}, b"{}"), store]
    writer = elastic(put_template=True)
    with pytest.raises(UnavailableError, match="credentials"):
        writer.send(make.records(1, "ecs"))
    writer.send(make.records(1, "ecs"))
    writer.send(make.records(1, "ecs"))
    assert [(r.method, r.path) for r in server.requests] == [
        ("PUT", "/_index_template/an1496-notices"),
        ("PUT", "/_index_template/an1496-notices"),
        ("POST", "/_bulk"),
        ("POST", "/_bulk"),
    ]
    assert json.loads(server.requests[1].body)["index_patterns"] == ["an1496-notices*"]


def test_a_template_that_is_refused_is_not_taken_for_refused_notices(elastic: Any, make: Any, server: Any) -> None:
    server.replies = [(400, {}, b"")]
    with pytest.raises(UnavailableError, match="index template") as caught:
        elastic(put_template=True).send(make.records(1, "ecs"))
    assert not isinstance(caught.value, RefusedError)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (Secret(env="AN1496_NOT_SET"), "AN1496_NOT_SET is not set"),
        (Secret(file="/nonexistent/secret"), "/nonexistent/secret: no such file"),
        (Secret(file="/dev/zero"), "/dev/zero: longer than 64 KiB"),
    ],
)
def test_a_secret_that_is_not_there_is_found_before_any_work(elastic: Any, secret: Secret, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        elastic(api_key=secret)


def test_a_secret_that_would_break_a_header_is_refused_without_being_shown(elastic: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("AN1496_TEST_KEY", "abc\r\nX-Forged: 1")
    with pytest.raises(ConfigError) as caught:
        elastic(api_key=Secret(env="AN1496_TEST_KEY"))
    assert "abc" not in str(caught.value)
