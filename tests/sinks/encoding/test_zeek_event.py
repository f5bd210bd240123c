import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.model.verdict import Evidence, Legs, Notice, NoticeProcess, NoticeServer, NoticeSession
from enricher.sinks.encoding import ENCODINGS, Origin, zeek_event

LEGS = Legs(process="present", library="present", session="present")
PROCESS = NoticeProcess(
    guid="g",
    pid=7,
    image="C:\\viewer.exe",
    user=None,
    command_line=None,
    parent=None,
    signer=None,
    signature_status=None,
    original_file_name=None,
    hashes=None,
    start=None,
)
SERVER = NoticeServer(
    address="203.0.113.1", port=443, name=None, subject=None, issuer=None, cert_sha256=None, ja3s=None
)


def session(**changes: Any) -> NoticeSession:
    facts: dict[str, Any] = {
        "uid": "C1",
        "ts": 1.5,
        "orig_h": "10.0.0.5",
        "orig_p": 50000,
        "resp_h": "203.0.113.1",
        "resp_p": 443,
        "community_id": None,
        "anomalies": (),
        "ja3": None,
        "ja4": "t13d",
        "method": None,
    }
    return NoticeSession(**facts | changes)


def notice(**changes: Any) -> Notice:
    facts: dict[str, Any] = {
        "id": "AN1496-1",
        "revision": 2,
        "severity": "high",
        "score": -3,
        "summary": "viewer.exe did it",
        "first": 1.5,
        "last": 2.5,
        "count": 3,
        "host": "ws-1",
        "client": ("10.0.0.5",),
        "process": PROCESS,
        "candidates": (),
        "server": SERVER,
        "sessions": (session(), session(uid="C2")),
        "legs": LEGS,
        "evidence": (),
        "clock": None,
        "unseen": (),
    }
    return Notice(**facts | changes)


def evidence(text: str, weight: int) -> Evidence:
    return Evidence(id=text, leg="session", weight=weight, text=text)


def arguments(told: Notice) -> list[tuple[str, Any]]:
    message = json.loads(ENCODINGS["zeek_event"].encode(told, Origin()))
    assert (message["type"], message["topic"], message["@data-type"]) == ("data-message", "/an1496/notices", "vector")
    version, kind, call = message["data"]
    assert version == kind == {"@data-type": "count", "data": 1}
    name, values = call["data"]
    assert name == {"@data-type": "string", "data": "AN1496::correlated_process_v1"}
    return [(value["@data-type"], value["data"]) for value in values["data"]]


def message_of(event: str, *values: Any) -> bytes:
    call = [{"@data-type": "string", "data": event}, {"@data-type": "vector", "data": [{"data": v} for v in values]}]
    one = {"@data-type": "count", "data": 1}
    data = [one, one, {"@data-type": "vector", "data": call}]
    return json.dumps({"type": "data-message", "topic": "t", "@data-type": "vector", "data": data}).encode()


def test_a_notice_becomes_an_event_with_typed_arguments() -> None:
    told = notice(evidence=(evidence("Small.", 1), evidence("Nothing.", 0), evidence("Less.", -9)))
    assert arguments(told) == [
        ("string", "AN1496-1"),
        ("count", 2),
        ("string", "high"),
        ("integer", -3),
        ("timestamp", "1970-01-01T00:00:01.500000"),
        ("count", 3),
        ("string", "C1"),
        ("address", "10.0.0.5"),
        ("port", "50000/tcp"),
        ("address", "203.0.113.1"),
        ("port", "443/tcp"),
        ("string", "ws-1"),
        ("string", "C:\\viewer.exe"),
        ("string", "viewer.exe did it"),
        ("string", "Less (-9); Small (+1)"),
    ]


@pytest.mark.parametrize(
    ("ja4", "port"), [("t13", "443/tcp"), ("q13", "443/udp"), ("d12", "443/udp"), (None, "443/?"), ("", "443/?")]
)
def test_the_fingerprint_tells_the_transport(ja4: str | None, port: str) -> None:
    assert arguments(notice(sessions=(session(ja4=ja4),)))[10] == ("port", port)


@pytest.mark.parametrize(
    ("first", "told"), [(1e12, "2262-04-11T23:47:16.000000"), (-1e12, "1970-01-01T00:00:00.000000")]
)
def test_a_time_that_zeek_cannot_hold_becomes_the_nearest(first: float, told: str) -> None:
    assert arguments(notice(first=first))[4] == ("timestamp", told)


def test_a_withdrawn_notice_has_no_session_and_names_who_spoke() -> None:
    told = arguments(notice(count=0, sessions=()))
    assert told[5:11] == [
        ("count", 0),
        ("string", ""),
        ("address", "10.0.0.5"),
        ("port", "0/?"),
        ("address", "203.0.113.1"),
        ("port", "443/?"),
    ]
    assert arguments(notice(sessions=(), client=()))[7] == ("address", "0.0.0.0")


@pytest.mark.parametrize("host", ["fe80::1%eth0", "host.example", ""])
def test_what_zeek_would_not_take_for_an_address_is_left_out_and_not_the_notice(host: str) -> None:
    told = arguments(notice(sessions=(session(orig_h=host, resp_h="2001:db8:0::7"),)))
    assert (told[7], told[9]) == (("address", "0.0.0.0"), ("address", "2001:db8::7"))


def test_an_unknown_host_and_process_are_empty() -> None:
    found = arguments(notice(host=None, process=None))
    assert found[11:13] == [("string", ""), ("string", "")]


def test_where_several_processes_could_have_done_it_all_are_named() -> None:
    assert arguments(notice(process=None, candidates=("a.exe", "b.exe")))[12] == ("string", "a.exe or b.exe")


@given(st.text(), st.text(max_size=3000))
def test_no_text_acts_on_who_reads_it_or_has_no_end(name: str, text: str) -> None:
    told = notice(id=name, host=name, summary=text, evidence=(evidence(text, 1),))
    for kind, value in arguments(told):
        if kind == "string":
            assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in value)
            assert len(value) < 12000


def test_a_receipt_names_notice_and_revision() -> None:
    said = zeek_event.reply(message_of("AN1496::correlation_received", "AN1496-1", 2))
    assert said == zeek_event.Receipt("AN1496-1", 2)


def test_events_of_others_are_not_for_us() -> None:
    assert zeek_event.reply(message_of("Other::event", 1)) is None


def test_greeting_and_refusal_are_told_apart() -> None:
    assert zeek_event.reply('{"type":"ack","endpoint":"e","version":"8.0.10"}') == zeek_event.Ack("8.0.10")
    said = zeek_event.reply('{"type":"error","code":"c","context":"why"}')
    assert said == zeek_event.Refusal("c", "why")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"hello",
        b"[]",
        b'{"type":"data-message","topic":"t","@data-type":"vector","data":[]}',
        message_of("AN1496::correlation_received"),
        message_of("AN1496::correlation_received", 2, "AN1496-1"),
        message_of("AN1496::correlation_received", "AN1496-1", 2).replace(b'"data": 2', b'"no": 2'),
        message_of("Other::event").replace(b'"vector", "data": [{"@', b'"vector", "data": [5, {"@'),
    ],
)
def test_what_is_no_message_of_the_protocol_is_an_error(message: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        zeek_event.reply(message)


@given(st.binary())
def test_any_bytes_are_a_message_or_an_error(message: bytes) -> None:
    with contextlib.suppress(ValueError):
        zeek_event.reply(message)
