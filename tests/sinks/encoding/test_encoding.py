"""What holds for every format."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.errors import RegistryError
from enricher.sinks.encoding import ENCODINGS, Encoding, Origin, registry

ORIGIN = Origin("sensor-1.example", "1.2.3")
FORMATS = pytest.mark.parametrize("name", sorted(ENCODINGS))


def module(name: str, **content: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(content)
    return made


def test_every_promised_format_is_there() -> None:
    assert set(ENCODINGS) == {
        "cef",
        "ecs",
        "hec",
        "json",
        "ocsf",
        "rfc5424",
        "webhook",
        "zeek_event",
        "zeek_json",
        "zeek_tsv",
    }


def test_a_file_without_a_format_is_a_fault() -> None:
    with pytest.raises(RegistryError, match="odd has no ENCODING"):
        registry([module("odd")])


def test_two_formats_of_one_id_are_a_fault() -> None:
    one = Encoding("x", lambda _notice, _origin: b"", "text/plain")
    with pytest.raises(RegistryError, match="'x' is defined twice"):
        registry([module("a", ENCODING=one), module("b", ENCODING=one)])


@FORMATS
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_record_never_breaks_its_line_and_holds_no_control_character(name: str, notices: Any, data: Any) -> None:
    record = ENCODINGS[name].encode(data.draw(notices), ORIGIN)
    text = record.decode("utf-8")
    allowed = {"\t"} if name == "zeek_tsv" else {"\ufeff"} if name == "rfc5424" else set()
    acting = {c for c in text if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029\u202e\u2066\ufeff"}
    assert acting <= allowed


@pytest.mark.parametrize("name", sorted(set(ENCODINGS) - {"zeek_event"}))
def test_a_record_carries_what_an_analyst_follows(name: str, whole: Any) -> None:
    record = ENCODINGS[name].encode(whole, ORIGIN).decode()
    wanted = [whole.id, "T1573.002", "T1573", "AN1496", "1:abc", "C1", "cd" * 32, "late", "ClientHello was not seen"]
    assert [fact for fact in wanted if fact not in record] == []


@FORMATS
def test_a_record_depends_on_notice_and_origin_alone(name: str, bare: Any) -> None:
    encode = ENCODINGS[name].encode
    assert encode(bare, ORIGIN) == encode(bare, ORIGIN) != b""
