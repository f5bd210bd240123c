"""The notice itself, the webhook's body and Splunk's envelope."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.model.text import clean
from enricher.model.verdict import Notice
from enricher.sinks.encoding import ENCODINGS, Origin

ORIGIN = Origin("sensor-1", "1.2.3")


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_each_carries_the_whole_notice(notices: Any, data: Any) -> None:
    notice = data.draw(notices)
    json_, hook, hec = (json.loads(ENCODINGS[name].encode(notice, ORIGIN)) for name in ("json", "webhook", "hec"))
    for found in (json_, hook["notice"], hec["event"]):
        assert msgspec.convert(found, Notice) == clean(notice)


def test_a_webhook_says_it_in_one_sentence(whole: Any) -> None:
    hook = json.loads(ENCODINGS["webhook"].encode(whole, ORIGIN))
    assert hook["text"] == f"high 88: {whole.summary}"
    assert (hook["id"], hook["revision"], hook["sender"]["host"]) == (whole.id, 2, "sensor-1")


def test_splunks_envelope_has_its_own_keys_alone_and_indexes_what_one_looks_up(whole: Any, bare: Any) -> None:
    event = json.loads(ENCODINGS["hec"].encode(whole, ORIGIN))
    assert event.keys() == {"time", "host", "source", "sourcetype", "event", "fields"}
    assert (event["time"], event["host"]) == (1_650_000_060.0, "ws1.corp.example")
    assert event["fields"] == {
        "notice_id": whole.id, "revision": "2", "severity": "high", "uid": ["C1"], "community_id": ["1:abc="],
    }  # fmt: skip
    assert json.loads(ENCODINGS["hec"].encode(bare, ORIGIN))["host"] == "sensor-1"
