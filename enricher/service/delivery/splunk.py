"""Splunk's HTTP Event Collector.

200 says that an event was received; only indexer acknowledgment says that it was indexed. It is asked for by the
`ackId` of the request, on the same channel, until it is true.
"""

import uuid
from collections.abc import Sequence
from typing import Final

import msgspec

from enricher.model.text import visible
from enricher.service.delivery.http import Answer, Http, RefusedAnswerError
from enricher.service.delivery.writer import Clock, Record, RefusedError, Sent, UnavailableError
from enricher.service.secret import reveal
from enricher.sinks import jsonl
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import SplunkSink

_POLL: Final = 0.25
"""Seconds between two questions for the acknowledgment."""

_TURN_ON: Final = "turn on indexer acknowledgment for the token, or turn off acknowledge"


class _Reply(msgspec.Struct):
    text: str = ""
    code: int = 0
    ack_id: int | None = msgspec.field(name="ackId", default=None)
    invalid: int | None = msgspec.field(name="invalid-event-number", default=None)
    acks: dict[str, bool] = {}


class Splunk:
    """One collector."""

    encoding = ENCODINGS["hec"]

    def __init__(self, sink: SplunkSink, clock: Clock) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: address, roots or token cannot be used.
        """
        self._http = Http(sink.url, sink.ca_file, sink.timeout_seconds, clock, gzipped=sink.gzip)
        self._headers = {"Authorization": f"Splunk {reveal(sink.token)}", "Content-Type": "application/json"}
        self._acknowledge = sink.acknowledge
        if sink.acknowledge:
            self._headers["X-Splunk-Request-Channel"] = str(uuid.uuid4())
        self._timeout = sink.timeout_seconds
        self._clock = clock

    def send(self, records: Sequence[Record]) -> Sent:
        """One request of all events; the collector names the first that it refuses."""
        body = b"\n".join(record.payload for record in records)
        try:
            answer = self._http.post("/services/collector/event", body, self._headers)
        except RefusedAnswerError as error:
            return self._without_the_refused(error, len(records))
        if self._acknowledge:
            self._wait_for(_reply(answer).ack_id)
        return Sent()

    def _without_the_refused(self, error: RefusedAnswerError, count: int) -> Sent:
        reply = _reply(error.answer)
        reason = f"{error.message}: {visible(reply.text, 200)} (code {reply.code})"
        if reply.invalid is None or not 0 <= reply.invalid < count:
            raise RefusedError(reason)
        others = [at for at in range(count) if at != reply.invalid]
        return Sent(rejected={reply.invalid: reason}, again=dict.fromkeys(others, "sent with one that was refused"))

    def _wait_for(self, ack_id: int | None) -> None:
        if ack_id is None:
            raise UnavailableError(f"{self._http.place} gives no acknowledgment", _TURN_ON)
        deadline = self._clock.monotonic() + self._timeout
        question = jsonl.encode({"acks": [ack_id]})
        while not self._is_indexed(ack_id, question):
            if self._clock.monotonic() > deadline:
                raise UnavailableError(f"{self._http.place} did not acknowledge in time", "raise timeout_seconds")
            self._clock.sleep(_POLL)

    def _is_indexed(self, ack_id: int, question: bytes) -> bool:
        try:
            answer = self._http.post("/services/collector/ack", question, self._headers)
        except RefusedAnswerError as error:
            text = visible(_reply(error.answer).text, 200)
            raise UnavailableError(f"{error.message}: the question for the acknowledgment: {text}", _TURN_ON) from error
        return _reply(answer).acks.get(str(ack_id)) is True

    def close(self) -> None:
        """Hang up."""
        self._http.close()


def _reply(answer: Answer) -> _Reply:
    """What an answer says; nothing, where it is none of a collector."""
    try:
        return msgspec.json.decode(answer.body, type=_Reply)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _Reply()
