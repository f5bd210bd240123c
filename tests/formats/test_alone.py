"""A line that gave a record can stand alone, whatever log it stood in, and gives the same record there."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from enricher import formats

HEADER = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tserver_name\testablished"
    "\tvalidation_status\tcert_chain_fps\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tstring\tbool\tstring\tvector[string]\n"
)
ROW = "1700000000.000001\tCa\t10.0.0.1\t50000\t203.0.113.5\t443\tTLSv12\ta\\x09b\tT\tself signed certificate\taa,bb\n"
PCAPS = Path(__file__).resolve().parents[2] / "pcaps"


def read(text: bytes) -> tuple[list[Any], list[bytes]]:
    """The records of a log, and the lines that they stand on."""
    id_ = formats.recognise(text)
    assert id_ is not None
    reader = formats.reader(id_, "log")
    assert isinstance(reader, formats.LineReader)
    reader.alone = []
    records = [*reader.feed(text), *reader.close()]
    return records, reader.alone


def stands_alone(text: bytes) -> int:
    records, lines = read(text)
    again = [record for line in lines for record in read(line)[0]]
    bare = lambda record: msgspec.structs.replace(record, source="")  # noqa: E731
    assert list(map(bare, again)) == list(map(bare, records))
    return len(records)


def test_a_row_of_a_tsv_log_becomes_the_object_that_zeek_would_write() -> None:
    _, (line,) = read((HEADER + ROW).encode())
    assert json.loads(line) == {
        "_path": "ssl", "ts": 1700000000.000001, "uid": "Ca", "id.orig_h": "10.0.0.1", "id.orig_p": 50000,
        "id.resp_h": "203.0.113.5", "id.resp_p": 443, "version": "TLSv12", "server_name": "a\tb", "established": True,
        "validation_status": "self signed certificate", "cert_chain_fps": ["aa", "bb"],
    }  # fmt: skip
    assert b'"ts":1700000000.000001,' in line


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\x00"), min_size=1, max_size=12)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), min_size=1, max_size=5))
@example([("007", "0443", "t", "x"), ("1e5", "-0", "T", "-"), ("nan", "1.", "F", "(empty)"), (".5", "+1", "-", "a,b")])
def test_any_row_gives_alone_what_it_gives_in_its_log(values: list[tuple[str, str, str, str]]) -> None:
    rows = [ROW.replace("1700000000.000001", a).replace("443", b).replace("\tT\t", f"\t{c}\t") for a, b, c, _ in values]
    rows += [ROW.replace("a\\x09b", d).replace("aa,bb", f"{d},{a}") for a, _, _, d in values]
    assert stands_alone((HEADER + "".join(rows)).encode()) >= len(values)


def test_a_json_row_that_its_keys_do_not_tell_alone_gets_its_logs_name() -> None:
    first = {"ts": 1.0, "fingerprint": "aa" * 32, "certificate.subject": "CN=a"}
    other = {"ts": 1.0, "fingerprint": "bb" * 32, "certificate.serial": "1"}
    text = b"".join(json.dumps(row).encode() + b"\n" for row in (first, other))
    assert stands_alone(text) == 2
    assert [b"_path" in line for line in read(text)[1]] == [False, True]


def test_an_element_of_an_array_stands_alone_without_what_is_around_it() -> None:
    event = {"EventID": 5, "SourceName": "Microsoft-Windows-Sysmon", "Hostname": "PC1", "ProcessId": 7,
             "UtcTime": "2023-11-14 22:13:20.000", "ProcessGuid": "{aaaa0001-f09c-6553-0001-000000000500}",
             "Image": "C:\\a.exe"}  # fmt: skip
    text = "[" + ",\n".join(json.dumps({**event, "ProcessId": n}) for n in range(1, 4)) + "]\n"
    assert stands_alone(text.encode()) == 3
    assert stands_alone(text.encode("utf-16")) == 3
    assert all(line[:1] == b"{" and line[-1:] == b"}" for line in read(text.encode())[1])


def test_lines_that_give_nothing_are_not_kept() -> None:
    text = HEADER + ROW + "not a row\n" + ROW.replace("50000", "x")
    records, lines = read(text.encode())
    assert len(records) == len(lines) < 3


@pytest.mark.parametrize("path", sorted(PCAPS.rglob("*.json*")), ids=lambda path: path.name)
def test_the_bundled_logs_give_line_by_line_what_they_give_whole(path: Path) -> None:
    text = path.read_bytes()
    id_ = formats.recognise(text)
    if id_ is None or not isinstance(formats.reader(id_, ""), formats.LineReader):
        pytest.skip("no log that comes line by line")
    assert stands_alone(text)
