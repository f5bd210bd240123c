"""What a webhook gets: one sentence under `text`, where chat services look for it, beside the whole notice."""

from enricher.model.verdict import Notice
from enricher.sinks import jsonl
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._facts import PRODUCT, title


def _write(notice: Notice, origin: Origin) -> bytes:
    return jsonl.encode(
        {
            "type": "an1496.notice",
            "id": notice.id,
            "revision": notice.revision,
            "severity": notice.severity,
            "title": title(notice),
            "text": f"{notice.severity} {notice.score}: {notice.summary}",
            "sender": {"product": PRODUCT, "version": origin.version, "host": origin.host},
            "notice": notice,
        }
    )


ENCODING = Encoding("webhook", _write, "application/json")
