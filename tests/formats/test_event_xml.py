"""Windows Event XML in all its layouts, and what is no event in it."""

import tracemalloc

import pytest

from enricher import formats


@pytest.fixture
def event(shapes, events):
    return shapes["xml"][1]("sysmon", 5, events["sysmon", 5])


def test_events_within_a_wrapper_are_read_and_lines_are_counted(read, event):
    data = (
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<!-- <Event> -->\n<Events>\n" + event * 2 + b"</Events>\n"
    )
    assert formats.recognise(data) == "event_xml"
    result = read("event_xml", data)
    assert [e.source for e in result.out] == ["log:4", "log:5"]
    assert not result.problems


def test_utf_16_is_read(read, event):
    data = event.decode().encode("utf-16")
    assert formats.recognise(data) == "event_xml"
    assert len(read("event_xml", data, 3).out) == 1


def test_a_document_type_is_a_problem_and_defines_nothing(read, event):
    bomb = b"<!DOCTYPE x [<!ENTITY a 'Security'>]>\n" + event.replace(b">6948<", b">&a;<")
    result = read("event_xml", bomb + event)
    assert len(result.out) == 1
    assert result.problems[0] == "log:1: document types are not read; remove the DOCTYPE"
    assert result.problems[1].startswith("log:2: not well-formed XML: undefined entity")


@pytest.mark.parametrize("odd", [b"&#x1;", b"&#0;", b"\x01", b"\xff", b"&#xD800;", b"&#x110000;"])
def test_characters_that_xml_forbids_do_not_hide_an_event(read, event, odd):
    (found,) = read("event_xml", event.replace(b"updater", b"up" + odd + b"er")).out
    assert found.image.startswith("C:\\Users")
    found.image.encode()


def test_a_cdata_section_cannot_forge_events(read, event):
    forged = event.replace(b"CORP\\ann", b"<![CDATA[</EventData></Event>" + event.strip() + b"]]>")
    (found,) = read("event_xml", forged).out
    assert found.user.startswith("</EventData></Event><Event ")


def test_a_broken_event_is_a_problem_with_its_line_and_the_rest_is_read(read, event):
    broken = event.replace(b"</System>", b"")
    unended = event.replace(b"</Event>", b"")
    result = read("event_xml", broken + unended + event + event[:-20])
    assert [e.source for e in result.out] == ["log:3"]
    assert [p.split(":")[1] for p in result.problems] == ["1", "2", "4"]


def test_an_event_without_end_is_one_problem_and_no_memory(event):
    reader = formats.reader("event_xml", "log")
    reader.feed(b"<Event ")
    tracemalloc.start()
    for _ in range(60):
        reader.feed(b"a" * 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_000_000
    assert len(reader.feed(b"</Event>" + event)) == 1
    assert [str(p) for p in reader.problems] == ["log:1: event longer than 4 MiB"]
