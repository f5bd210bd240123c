"""The bulk API's lines, and what its answer means for each document."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sinks import bulk
from enricher.sinks.encoding import ENCODINGS, Origin

INDEX = bulk.Target("an1496-notices")
STREAM = bulk.Target("logs-an1496.notice-default", data_stream=True)


def items(*statuses: int) -> bytes:
    error = {"type": "mapper_parsing_exception", "reason": "failed to parse\nfield"}
    return json.dumps(
        {"errors": True, "items": [{"index": {"status": s, **({} if s < 300 else {"error": error})}} for s in statuses]}
    ).encode()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_body_is_pairs_of_action_and_document_whatever_the_notice_says(notices: Any, data: Any) -> None:
    told = data.draw(st.lists(notices, min_size=1, max_size=3))
    documents = [(notice, ENCODINGS["ecs"].encode(notice, Origin())) for notice in told]
    body = bulk.body(documents, INDEX)
    assert body.endswith(b"\n")
    lines = [json.loads(line) for line in body.split(b"\n")[:-1]]
    assert [line["index"]["_id"] for line in lines[::2]] == [notice.id for notice in told]
    assert [line["event"]["id"] for line in lines[1::2]] == [notice.id for notice in told]


def test_in_an_index_a_revision_overwrites_and_an_older_one_cannot(whole: Any) -> None:
    action = json.loads(bulk.body([(whole, b"{}")], INDEX).split(b"\n")[0])
    assert action == {
        "index": {"_index": "an1496-notices", "_id": whole.id, "version": 2, "version_type": "external_gte"}
    }


def test_in_a_data_stream_a_revision_is_created_once(whole: Any) -> None:
    action = json.loads(bulk.body([(whole, b"{}")], STREAM).split(b"\n")[0])
    assert action == {"create": {"_index": "logs-an1496.notice-default", "_id": f"{whole.id}:2"}}


def test_each_document_has_its_own_answer() -> None:
    answer = bulk.answer(items(200, 201, 409, 429, 503, 400, 403), 7)
    assert answer is not None
    assert set(answer.again) == {3, 4, 6}
    assert answer.rejected == {5: "status 400, mapper_parsing_exception, failed to parse\\x0afield"}


@pytest.mark.parametrize(
    "response", [b"", b"<html>", b"{}", b'{"items":[]}', b'{"items":[{"index":{}}]}', b"[" * 10**5, b'"\xff"']
)
def test_an_answer_that_is_none_says_nothing(response: bytes) -> None:
    assert bulk.answer(response, 1) is None


@given(st.binary())
def test_no_answer_makes_it_fail(response: bytes) -> None:
    bulk.answer(response, 1)
