"""Elasticsearch and OpenSearch, by the bulk API."""

from collections.abc import Sequence
from importlib import resources
from typing import Final

from enricher.service.delivery.http import Http, basic
from enricher.service.delivery.writer import Clock, Record, RefusedError, Sent, UnavailableError
from enricher.service.secret import reveal
from enricher.sinks import bulk
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import ElasticSink

_INDEX: Final = "an1496-notices"
_DATA_STREAM: Final = "logs-an1496.notice-default"


class Elastic:
    """One cluster."""

    def __init__(self, sink: ElasticSink, clock: Clock) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: address, roots or credentials cannot be used.
        """
        self.encoding = ENCODINGS[sink.format]
        self._http = Http(sink.url, sink.ca_file, sink.timeout_seconds, clock, gzipped=sink.gzip)
        self._target = bulk.Target(sink.index or (_DATA_STREAM if sink.data_stream else _INDEX), sink.data_stream)
        self._template_due = sink.put_template
        self._headers = {}
        if sink.api_key is not None:
            self._headers["Authorization"] = f"ApiKey {reveal(sink.api_key)}"
        elif sink.username is not None and sink.password is not None:
            self._headers["Authorization"] = basic(sink.username, reveal(sink.password))

    def send(self, records: Sequence[Record]) -> Sent:
        """One bulk request; each document has its own answer."""
        if self._template_due:
            self._put_template()
        body = bulk.body(records, self._target)
        answer = self._http.post("/_bulk", body, {**self._headers, "Content-Type": "application/x-ndjson"})
        found = bulk.answer(answer.body, len(records))
        if found is None:
            raise UnavailableError(
                f"{self._http.place} does not answer as a bulk API does", "check the address, and what is before it"
            )
        return Sent(rejected=found.rejected, again=found.again)

    def _put_template(self) -> None:
        packaged = resources.files("enricher.sinks").joinpath("templates/ecs.json").read_bytes()
        headers = {**self._headers, "Content-Type": "application/json"}
        try:
            self._http.send("PUT", "/_index_template/an1496-notices", bulk.template(packaged, self._target), headers)
        except RefusedError as error:
            raise UnavailableError(f"{error.message}: the index template", "turn off put_template") from error
        self._template_due = False

    def close(self) -> None:
        """Hang up."""
        self._http.close()
