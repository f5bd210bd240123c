"""EVTX is read chunk by chunk; what is corrupt costs its chunk."""

import io
import json
import struct
from collections import Counter
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from evtx import PyEvtxParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import evtx_file
from enricher import formats
from enricher.formats.evtx import EvtxReader

DATA = Path(__file__).resolve().parents[3] / "shared/data/evtx"
HEADER, CHUNK = 4096, 1 << 16
NAMES = HEADER + 128
FIRST_RECORD, FRAGMENT = 512, 24


def facts(records):
    return [msgspec.structs.replace(r, source=None) for r in records]


@pytest.fixture(params=["written", *sorted(DATA.glob("*.evtx"))], ids=lambda param: getattr(param, "stem", param))
def log(request, evtx_log):
    """Our own log; and the logs of real systems, where they are at hand."""
    return evtx_log if request.param == "written" else request.param.read_bytes()


def test_every_record_that_its_xml_gives_is_given(log, read):
    """The XML of every record, through the XML reader, is the oracle: it renders all and blanks nothing."""
    xml = "".join(r["data"] for r in PyEvtxParser(io.BytesIO(log)).records()).encode()
    assert formats.recognise(log) == "evtx"
    result, oracle = read("evtx", log), read("event_xml", xml)
    assert facts(result.out) == facts(oracle.out)
    assert result.out
    assert result.records == oracle.records
    assert result.skipped == oracle.skipped
    assert not result.problems


def test_what_cannot_matter_is_not_rendered(evtx_log, read, monkeypatch):
    rendered = []
    monkeypatch.setattr(EvtxReader, "_record", lambda self, text, *rest: rendered.append(json.loads(text)))
    skipped = read("evtx", evtx_log).skipped
    ids = Counter(r["Event"]["System"]["EventID"] for r in rendered)
    assert sum(ids.values()) + sum(skipped.values()) == 6 * 21
    assert skipped == {f"event {n}: not needed": 6 for n in (10, 12, 22)} | {"sysmon 7: no TLS library": 24}
    assert ids[7] == 6 * 5


def test_the_dump_of_a_file_gives_what_the_file_gives(log, read):
    lines = "".join(r["data"] + "\n" for r in PyEvtxParser(io.BytesIO(log)).records_json()).encode()
    assert formats.recognise(lines) == "event_json"
    assert facts(read("event_json", lines).out) == facts(read("evtx", log).out)


def test_the_kinds_are_those_that_a_plain_loop_counts(log, read):
    events = [json.loads(r["data"])["Event"] for r in PyEvtxParser(io.BytesIO(log)).records_json()]
    ids = [e["System"]["EventID"] for e in events if "Another" not in e["System"]["Provider"]["#attributes"]["Name"]]
    kinds = [type(r).__name__ for r in read("evtx", log).out]
    assert kinds.count("ProcessStart") == ids.count(1) + ids.count(4688)
    assert kinds.count("ProcessEnd") == ids.count(5)


def test_each_record_is_named_by_its_id(evtx_log, read):
    sources = [r.source for r in read("evtx", evtx_log).out]
    assert sources[:9] == [f"log:{n}" for n in range(1, 10)]
    assert len(set(sources)) == len(sources)


def test_any_chunking_gives_the_same(log, read):
    whole = read("evtx", log, 1 << 30)
    assert read("evtx", log, 50_000) == whole
    assert read("evtx", log, 1 << 20) == whole


def test_a_corrupt_chunk_is_a_problem_and_the_rest_is_read(evtx_log, read):
    data = bytearray(evtx_log)
    at = HEADER + CHUNK
    data[at : at + 8] = b"XXXXXXXX"
    result, whole = read("evtx", bytes(data)), read("evtx", evtx_log)
    assert len(result.problems) == 1
    assert result.problems[0].startswith(f"log:offset {at}: corrupt chunk")
    assert len(result.out) == len(whole.out) * 2 // 3
    assert result.out[-1] == whole.out[-1]


def test_a_table_that_loops_does_not_hang_the_reader(evtx_log, read):
    """The parser itself ends where a name refers to itself, but follows two that refer to each other for ever."""
    data = bytearray(evtx_log)
    links = {head: struct.unpack_from("<I", data, HEADER + head)[0] for head in struct.unpack_from("<64I", data, NAMES)}
    head, other = next((head, other) for head, other in links.items() if head and other)
    struct.pack_into("<I", data, HEADER + other, head)
    result = read("evtx", bytes(data))
    assert result.problems == [
        "log:offset 4096: corrupt chunk: the chunk's string or template table loops; its readable records were kept"
    ]
    assert result.out == read("evtx", evtx_log[:HEADER] + evtx_log[HEADER + CHUNK :]).out


def test_chunks_that_windows_keeps_for_later_are_no_problem(evtx_log, read):
    assert read("evtx", evtx_log + bytes(2 * CHUNK)) == read("evtx", evtx_log)
    assert not read("evtx", evtx_log[:HEADER]).problems


def test_a_truncated_file_gives_what_is_whole_and_says_so(evtx_log, read):
    result = read("evtx", evtx_log[: HEADER + 2 * CHUNK + 30_000])
    assert len(result.out) > len(read("evtx", evtx_log[: HEADER + 2 * CHUNK]).out)
    assert result.out == read("evtx", evtx_log).out[: len(result.out)]
    assert any("ends within this chunk" in p for p in result.problems)
    assert read("evtx", evtx_log[:100]).problems == [
        "log:offset 0: the file ends within its header; copy the file again"
    ]


def test_a_header_that_a_running_system_left_stale_does_not_matter(evtx_log, read):
    data = bytearray(evtx_log)
    data[8:HEADER] = b"\xff" * (HEADER - 8)
    assert read("evtx", bytes(data)).out == read("evtx", evtx_log).out


@pytest.mark.parametrize("first", [{}, {"RuleName": "-"}, {"RuleName": "-", "More": "-"}])
@pytest.mark.parametrize("narrow", ["Image", "ImageLoaded"])
def test_loads_whose_values_are_not_as_sysmon_writes_them_are_left_to_the_parser(first, narrow, read):
    told = first | {"UtcTime": "2026-03-01 10:00:00.250", "ProcessGuid": f"{{{UUID(int=1 << 64)}}}", "ProcessId": "4"}
    paths = {"Image": r"C:\a.exe", "ImageLoaded": r"C:\Windows\System32\schannel.dll"}
    data = {name: evtx_file.sysmon_value(name, text) for name, text in (told | paths).items()}
    data[narrow] = evtx_file.Value(evtx_file.ANSI, paths[narrow].encode())
    event = evtx_file.Event("Microsoft-Windows-Sysmon", "-", "PC1", 7, 0.0, data)
    assert [r.image_loaded for r in read("evtx", evtx_file.evtx_file([event] * 2)).out] == [paths["ImageLoaded"]] * 2


def test_what_is_no_event_of_windows_is_counted(evtx_log, read):
    system, other = (name.encode("utf-16-le") for name in ("System", "Sister"))
    result = read("evtx", evtx_log.replace(system, other, 1))
    assert not result.problems
    assert result.skipped["not an event"] == 28  # what is rendered of the first chunk


@pytest.mark.parametrize("size", [CHUNK, 0xFFFFFFFF])
def test_a_record_that_would_reach_beyond_its_chunk_is_a_problem(size, read):
    idle = evtx_file.Event("Microsoft-Windows-Sysmon", "-", "PC1", 10, 0.0, {"UtcTime": evtx_file.string("-")})
    data = bytearray(evtx_file.evtx_file([idle] * 5))
    at = HEADER + FIRST_RECORD
    for _ in range(3):
        at += struct.unpack_from("<I", data, at + 4)[0]
    struct.pack_into("<I", data, at + 4, size)
    result = read("evtx", bytes(data))
    assert result.skipped == {"event 10: not needed": 3}
    assert [problem[:31] for problem in result.problems] == ["log:offset 4096: corrupt chunk:"]


edits = st.lists(st.tuples(st.integers(0, CHUNK - 1), st.integers(0, 255)), min_size=1, max_size=30)
head_edits = st.lists(st.tuples(st.integers(0, 0x800), st.sampled_from([0, 1, 128, 255])), min_size=1, max_size=30)


@given(edits=st.one_of(edits, head_edits), which=st.integers(0))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_corruption_raises_or_hangs(edits, which, log):
    chunk = which % (len(log) // CHUNK)
    damaged = bytearray(log[HEADER + chunk * CHUNK :][:CHUNK])
    for at, value in edits:
        damaged[at] = value
    reader = EvtxReader("log")
    out = reader.feed(log[:HEADER] + bytes(damaged)) + reader.close()
    msgspec.json.encode(out)


def test_the_parser_still_renders_a_blanked_record_as_nothing(log):
    """What `formats._binxml` relies on."""
    data = bytearray(log[: HEADER + CHUNK])
    data[HEADER + FIRST_RECORD + FRAGMENT] = 0
    (first, *_) = PyEvtxParser(io.BytesIO(bytes(data))).records_json()
    assert first["data"] == '{"Event":null}'
