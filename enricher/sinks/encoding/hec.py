"""Splunk's HTTP Event Collector: an event in its envelope.

The envelope's keys are those of "Format events for HTTP Event Collector" in Splunk's documentation. `fields` are
indexed: what one looks a notice up by.
"""

from enricher.model.verdict import Notice
from enricher.sinks import jsonl
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._facts import PRODUCT
from enricher.sinks.encoding._maps import known


def _write(notice: Notice, origin: Origin) -> bytes:
    fields = {
        "notice_id": notice.id,
        "revision": str(notice.revision),
        "severity": notice.severity,
        "uid": [session.uid for session in notice.sessions],
        "community_id": [session.community_id for session in notice.sessions],
    }
    envelope = {
        "time": round(notice.last, 6),
        "host": notice.host or origin.host,
        "source": PRODUCT,
        "sourcetype": "an1496:notice",
        "fields": fields,
    }
    return jsonl.encode({**known(envelope), "event": notice})


ENCODING = Encoding("hec", _write, "application/json")
