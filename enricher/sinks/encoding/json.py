"""The notice as it is: docs/schemas/notice.json."""

from enricher.model.verdict import Notice
from enricher.sinks import jsonl
from enricher.sinks.encoding._encoding import Encoding, Origin


def _write(notice: Notice, _origin: Origin) -> bytes:
    return jsonl.encode(notice)


ENCODING = Encoding("json", _write, "application/json")
