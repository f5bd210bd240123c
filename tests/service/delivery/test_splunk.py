"""The HTTP Event Collector as Splunk documents it, by a stub with its codes."""

import json
from typing import Any

import pytest

from enricher.service.delivery.courier import Courier
from enricher.service.delivery.splunk import Splunk
from enricher.service.delivery.writer import RefusedError, UnavailableError
from enricher.sinks.settings import Secret, SplunkSink

TOKEN = "0123-token"
OK = b'{"text":"Success","code":0}'


class Collector:
    """Events come as JSON objects one after another; acknowledgments become true when they are asked for twice."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.refused: set[str] = set()
        self.asked: dict[int, int] = {}
        self.channels: set[str] = set()

    def __call__(self, request: Any) -> Any:
        assert request.headers["Authorization"] == f"Splunk {TOKEN}"
        if request.path == "/services/collector/ack":
            (ack,) = json.loads(request.body)["acks"]
            self.asked[ack] = self.asked.get(ack, 0) + 1
            self.channels.add(request.headers["X-Splunk-Request-Channel"])
            return 200, {}, json.dumps({"acks": {str(ack): self.asked[ack] > 1}}).encode()
        assert request.path == "/services/collector/event"
        events, rest, decoder = [], request.body.decode(), json.JSONDecoder()
        while rest := rest.lstrip():
            event, end = decoder.raw_decode(rest)
            events.append(event)
            rest = rest[end:]
        for at, event in enumerate(events):
            if event["event"]["id"] in self.refused:
                return (
                    400,
                    {},
                    json.dumps({"text": "Invalid data format", "code": 6, "invalid-event-number": at}).encode(),
                )
        self.events += events
        self.channels.add(request.headers["X-Splunk-Request-Channel"])
        return 200, {}, json.dumps({"text": "Success", "code": 0, "ackId": 5}).encode()


@pytest.fixture
def collector(server: Any) -> Collector:
    made = Collector()
    server.replies = [made]
    return made


@pytest.fixture
def splunk(server: Any, clock: Any, monkeypatch: Any) -> Any:
    monkeypatch.setenv("AN1496_TEST_TOKEN", TOKEN)
    return lambda **changes: Splunk(SplunkSink(url=server.url, token=Secret(env="AN1496_TEST_TOKEN"), **changes), clock)


def test_events_arrive_in_their_envelopes(collector: Collector, splunk: Any, make: Any) -> None:
    splunk().send(make.records(3, "hec"))
    assert [event["event"]["id"] for event in collector.events] == [n.id for n in make.notices(3)]
    assert {event["sourcetype"] for event in collector.events} == {"an1496:notice"}


def test_the_event_that_is_refused_is_left_out_and_the_others_are_sent_again(
    collector: Collector, splunk: Any, make: Any, dead: Any, clock: Any, letters: Any
) -> None:
    notices = make.notices(5)
    collector.refused = {notices[1].id, notices[3].id}
    courier = Courier("splunk", splunk(), 60.0, make.origin, dead, clock)
    courier.deliver(notices, lambda seconds: clock.sleep(seconds) or False)
    assert [event["event"]["id"][-1] for event in collector.events] == ["0", "2", "4"]
    assert [letter["notice"]["id"][-1] for letter in letters()] == ["1", "3"]
    assert "Invalid data format (code 6)" in letters()[0]["reason"]


@pytest.mark.parametrize("number", [b"9", b"-1", b"null", b'"1"'])
def test_a_refusal_that_names_no_event_of_ours_is_one_of_the_whole(
    server: Any, splunk: Any, make: Any, number: bytes
) -> None:
    server.replies = [(400, {}, b'{"text":"x","code":6,"invalid-event-number":' + number + b"}")]
    with pytest.raises(RefusedError):
        splunk().send(make.records(2, "hec"))


@pytest.mark.parametrize(("status", "words"), [(403, "credentials"), (503, "busy"), (500, "busy")])
def test_other_answers_are_tried_again(server: Any, splunk: Any, make: Any, status: int, words: str) -> None:
    server.replies = [(status, {}, b'{"text":"Server is busy","code":9}')]
    with pytest.raises(UnavailableError, match=words):
        splunk().send(make.records(1, "hec"))


def test_with_acknowledgment_a_batch_is_delivered_when_it_is_indexed(
    collector: Collector, splunk: Any, make: Any
) -> None:
    splunk(acknowledge=True).send(make.records(2, "hec"))
    assert collector.asked == {5: 2}
    (channel,) = collector.channels
    assert len(channel) == 36


def test_an_acknowledgment_that_does_not_come_is_no_delivery(server: Any, splunk: Any, make: Any, clock: Any) -> None:
    server.replies = [(200, {}, b'{"code":0,"ackId":5}'), (200, {}, b'{"acks":{"5":false}}')]
    with pytest.raises(UnavailableError, match="did not acknowledge in time"):
        splunk(acknowledge=True, timeout_seconds=2.0).send(make.records(1, "hec"))
    assert 2.0 <= sum(clock.slept) <= 3.0


def test_a_token_without_acknowledgment_is_said_to_be_one(server: Any, splunk: Any, make: Any) -> None:
    server.replies = [(200, {}, OK)]
    with pytest.raises(UnavailableError, match="turn on indexer acknowledgment"):
        splunk(acknowledge=True).send(make.records(1, "hec"))


def test_a_question_for_the_acknowledgment_that_is_refused_refuses_no_notice(
    server: Any, splunk: Any, make: Any
) -> None:
    server.replies = [(200, {}, b'{"code":0,"ackId":5}'), (400, {}, b'{"text":"ACK is disabled","code":14}')]
    with pytest.raises(UnavailableError, match="ACK is disabled"):
        splunk(acknowledge=True).send(make.records(2, "hec"))
