"""The notice log read back by the reader that reads Zeek's own logs, and as JSON."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.formats._zeek_rows import TsvLog
from enricher.model.text import clean
from enricher.sinks.encoding import ENCODINGS, Origin

ORIGIN = Origin("sensor-1", "1")
TSV = ENCODINGS["zeek_tsv"]


def read(record: bytes) -> dict[str, Any]:
    log = TsvLog()
    for line in TSV.header.splitlines():
        log.header(line)
    row = log.row(record)
    assert row is not None
    return dict(row)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_line_reads_back_as_the_notice(notices: Any, data: Any) -> None:
    notice = clean(data.draw(notices))
    row, process = read(TSV.encode(notice, ORIGIN)), notice.process
    texts = {
        "msg": notice.summary, "notice_id": notice.id, "host": notice.host, "server_name": notice.server.name,
        "image": process and process.image, "command_line": process and process.command_line,
        "dst": notice.server.address, "p": str(notice.server.port), "n": str(notice.count),
    }  # fmt: skip
    assert {name: row.get(name) for name in texts} == texts
    assert row["unseen"] == [gap for gap in notice.unseen if gap]
    assert row["uids"] == [session.uid for session in notice.sessions if session.uid]
    assert row["evidence"] == [f"{each.id}:{each.weight:+d}" for each in notice.evidence]
    assert abs(float(row["ts"]) - notice.last) < 1e-6


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_json_holds_what_tsv_holds(notices: Any, data: Any) -> None:
    notice = data.draw(notices)
    tsv = read(TSV.encode(notice, ORIGIN))
    row = json.loads(ENCODINGS["zeek_json"].encode(notice, ORIGIN))
    assert row.keys() == tsv.keys()
    for name, value in row.items():
        assert tsv[name] == (
            f"{value:.6f}" if isinstance(value, float) else value if isinstance(value, list | str) else str(value)
        )


def test_what_is_not_known_is_unset_and_what_is_empty_is_empty(bare: Any) -> None:
    row = read(TSV.encode(bare, ORIGIN))
    assert "image" not in row and "server_name" not in row and "host" not in row
    assert row["unseen"] == row["hashes"] == []
