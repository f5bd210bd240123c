"""Syslog read back by the grammar of RFC 5424, section 6."""

import re
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.model.text import clean
from enricher.sinks.encoding import ENCODINGS, Origin
from enricher.sinks.encoding.rfc5424 import header, wrapped

ORIGIN = Origin("sensor-1.example", "1.2.3")

HEADER = re.compile(
    r"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) "
    r"(-|[!-~]{1,255}) (-|[!-~]{1,48}) (-|[!-~]{1,128}) (-|[!-~]{1,32}) "
)
NAME = r"[!#-<>-\\^-~]{1,32}"  # PRINTUSASCII except '=', ']' and '"'
PARAM = re.compile(rf' ({NAME})="((?:[^"\\\]]|\\["\\\]])*)"')


def parse(record: bytes) -> tuple[re.Match[str], dict[str, list[str]], str]:
    """Header, params of the one element, message."""
    text = record.decode()
    header = HEADER.match(text)
    assert header and int(header[1]) <= 191
    rest = text[header.end() :]
    if rest.startswith("- "):
        return header, {}, rest[2:]
    assert rest.startswith("[an1496@32473")
    at, params = len("[an1496@32473"), {}
    while found := PARAM.match(rest, at):
        params.setdefault(found[1], []).append(re.sub(r'\\(["\\\]])', r"\1", found[2]))
        at = found.end()
    assert rest[at : at + 3] == "] \ufeff"
    return header, params, rest[at + 3 :]


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_message_reads_back_as_the_notice(notices: Any, data: Any) -> None:
    notice = clean(data.draw(notices))
    header, params, message = parse(ENCODINGS["rfc5424"].encode(notice, ORIGIN))
    assert header.group(3, 4, 6) == ("sensor-1.example", "an1496", "AN1496")
    assert message == notice.summary[:1000]
    assert (params["id"], params["revision"]) == ([notice.id], [str(notice.revision)])
    assert params["technique"] == list(notice.attack.technique)
    lists = {
        "unseen": notice.unseen,
        "uid": [session.uid for session in notice.sessions],
        "communityId": [session.community_id for session in notice.sessions],
        "commandLine": [notice.process.command_line] if notice.process else [],
        "host": [notice.host],
    }
    for name, values in lists.items():
        wanted = [value if len(value) <= 1023 else value[:1022] + "…" for value in values if value]
        assert params.get(name, []) == wanted or "cut" in params, name


def test_severity_is_syslogs(whole: Any) -> None:
    def priority(ours: str) -> int:
        return int(parse(ENCODINGS["rfc5424"].encode(msgspec.structs.replace(whole, severity=ours), ORIGIN))[0][1])

    assert [priority(name) for name in ("informational", "low", "medium", "high")] == [134, 133, 132, 129]


def test_many_sessions_and_a_huge_command_line_still_are_one_message_that_rsyslog_takes_whole(whole: Any) -> None:
    process = msgspec.structs.replace(whole.process, command_line="A\\" * 50_000)
    sessions = tuple(msgspec.structs.replace(whole.sessions[0], uid=f"C{n:017}") for n in range(1000))
    record = ENCODINGS["rfc5424"].encode(msgspec.structs.replace(whole, process=process, sessions=sessions), ORIGIN)
    _, params, message = parse(record)
    assert 7000 < len(record) <= 8000
    assert params["cut"] == ["uid,communityId,certSha256,certSubject,certIssuer,commandLine"]
    assert message == whole.summary


def test_a_time_that_no_calendar_has_and_a_host_name_that_is_none_are_nil(whole: Any) -> None:
    record = ENCODINGS["rfc5424"].encode(msgspec.structs.replace(whole, last=1e300), Origin("\n ü", "1"))
    assert parse(record)[0].group(2, 3) == ("-", "-")


def test_a_host_name_is_no_longer_than_it_may_be(whole: Any) -> None:
    assert header(whole, Origin("h" * 300)).split(b" ")[2] == b"h" * 255


def test_another_format_is_carried_as_the_message_with_nil_structured_data(whole: Any) -> None:
    payload = ENCODINGS["cef"].encode(whole, ORIGIN)
    header, params, message = parse(wrapped(whole, ORIGIN, payload))
    assert (header[4], params, message.encode()) == ("an1496", {}, payload)
