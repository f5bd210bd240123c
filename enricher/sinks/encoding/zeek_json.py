"""The notice log as Zeek writes it with `LogAscii::use_json`: unset columns are left out."""

from enricher.model.verdict import Notice
from enricher.sinks import jsonl
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._zeek import row


def _write(notice: Notice, _origin: Origin) -> bytes:
    return jsonl.encode({name: value for name, value in row(notice).items() if value is not None})


ENCODING = Encoding("zeek_json", _write, "application/json")
