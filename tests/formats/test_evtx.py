"""EVTX is read chunk by chunk; what is corrupt costs its chunk."""

import io
import json
import struct
from pathlib import Path

import msgspec
import pytest
from evtx import PyEvtxParser
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher import formats
from enricher.formats.evtx import EvtxReader

DATA = Path(__file__).resolve().parents[3] / "shared/data/evtx"
SAMPLES = sorted(DATA.glob("*.evtx"))
pytestmark = pytest.mark.skipif(not SAMPLES, reason="needs the shared EVTX samples")

UACME = DATA / "Sysmon_UACME_64.evtx"
HEADER, CHUNK = 4096, 1 << 16


def facts(records):
    return [msgspec.structs.replace(r, source=None) for r in records]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: p.stem)
def test_every_record_that_its_xml_gives_is_given(sample, read):
    """The XML of every record, through the XML reader, is the oracle: it renders all and blanks nothing."""
    xml = "".join(r["data"] for r in PyEvtxParser(str(sample)).records()).encode()
    data = sample.read_bytes()
    assert formats.recognise(data) == "evtx"
    result, oracle = read("evtx", data), read("event_xml", xml)
    assert facts(result.out) == facts(oracle.out)
    assert result.out
    assert result.records == oracle.records
    assert result.skipped == oracle.skipped
    assert not result.problems


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: p.stem)
def test_the_dump_of_a_file_gives_what_the_file_gives(sample, read):
    lines = "".join(r["data"] + "\n" for r in PyEvtxParser(str(sample)).records_json()).encode()
    assert formats.recognise(lines) == "event_json"
    assert facts(read("event_json", lines).out) == facts(read("evtx", sample.read_bytes()).out)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: p.stem)
def test_the_kinds_are_those_that_a_plain_loop_counts(sample, read):
    events = [json.loads(r["data"])["Event"] for r in PyEvtxParser(str(sample)).records_json()]
    ids = [e["System"]["EventID"] for e in events]
    kinds = [type(r).__name__ for r in read("evtx", sample.read_bytes()).out]
    assert kinds.count("ProcessStart") == ids.count(1) + ids.count(4688)
    assert kinds.count("ProcessEnd") == ids.count(5)


def test_any_chunking_gives_the_same(read):
    data = UACME.read_bytes()
    whole = read("evtx", data, 1 << 30)
    assert read("evtx", data, 50_000) == whole
    assert read("evtx", data, 1 << 20) == whole


def test_a_corrupt_chunk_is_a_problem_and_the_rest_is_read(read):
    data = bytearray(UACME.read_bytes())
    whole = read("evtx", bytes(data))
    at = HEADER + CHUNK
    data[at : at + 8] = b"XXXXXXXX"
    result = read("evtx", bytes(data))
    assert len(result.problems) == 1
    assert result.problems[0].startswith(f"log:offset {at}: corrupt chunk")
    assert len(whole.out) - 10 < len(result.out) < len(whole.out)


def test_a_table_that_loops_does_not_hang_the_reader(read):
    data = bytearray(UACME.read_bytes())
    link = next(link for link in struct.unpack_from("<96I", data, HEADER + 128) if link)
    struct.pack_into("<I", data, HEADER + link, link)
    result = read("evtx", bytes(data))
    assert result.problems == [
        "log:offset 4096: corrupt chunk: the chunk's string or template table loops; its readable records were kept"
    ]
    assert result.out


def test_a_truncated_file_gives_what_is_whole_and_says_so(read):
    data = UACME.read_bytes()
    result = read("evtx", data[: HEADER + 2 * CHUNK + 30_000])
    assert result.out == read("evtx", data).out[: len(result.out)]
    assert any("ends within this chunk" in p for p in result.problems)
    assert read("evtx", data[:100]).problems == ["log:offset 0: the file ends within its header; copy the file again"]


def test_a_header_that_a_running_system_left_stale_does_not_matter(read):
    data = bytearray(UACME.read_bytes())
    data[8:HEADER] = b"\xff" * (HEADER - 8)
    assert read("evtx", bytes(data)).out == read("evtx", UACME.read_bytes()).out


edits = st.lists(st.tuples(st.integers(0, CHUNK - 1), st.integers(0, 255)), min_size=1, max_size=30)
head_edits = st.lists(st.tuples(st.integers(0, 0x800), st.sampled_from([0, 1, 128, 255])), min_size=1, max_size=30)


@given(edits=st.one_of(edits, head_edits), chunk=st.integers(0, 11))
@settings(max_examples=150, deadline=None)
def test_no_corruption_raises_or_hangs(edits, chunk):
    data = UACME.read_bytes()
    damaged = bytearray(data[HEADER + chunk * CHUNK :][:CHUNK])
    for at, value in edits:
        damaged[at] = value
    reader = EvtxReader("log")
    out = reader.feed(data[:HEADER] + bytes(damaged)) + reader.close()
    msgspec.json.encode(out)


def test_the_parser_still_renders_a_blanked_record_as_nothing():
    """What `formats._binxml` relies on."""
    data = bytearray(UACME.read_bytes()[: HEADER + CHUNK])
    data[HEADER + 512 + 24] = 0
    (first, *_) = PyEvtxParser(io.BytesIO(bytes(data))).records_json()
    assert first["data"] == '{"Event":null}'
