"""Broken, overlong and oddly encoded lines cost themselves and nothing else."""

import tracemalloc

import pytest

from enricher import formats
from enricher.formats._reader import MAX_RECORD

GOOD = (
    b'{"EventID":5,"Channel":"Security","SourceName":"Microsoft-Windows-Sysmon","Hostname":"H.",'
    b'"UtcTime":"2026-03-01 10:00:00","ProcessId":"4"}'
)


def test_a_line_that_is_not_json_is_a_problem_with_its_number_and_the_rest_is_read(read):
    result = read("flat_json", GOOD + b"\nnonsense\n\n" + GOOD + b"\n")
    assert [e.source for e in result.out] == ["log:1", "log:4"]
    assert result.problems == [
        "log:2: not valid JSON; one JSON object must stand on each line (for an array: jq -c '.[]')"
    ]


def test_a_truncated_last_line_is_told_as_such(read):
    result = read("flat_json", GOOD + b"\n" + GOOD[:-10])
    assert len(result.out) == 1
    assert result.problems == ["log:2: the input ends within a record; the file may still be written"]


def test_a_last_line_without_line_end_is_read(read):
    assert len(read("flat_json", GOOD).out) == 1


def test_a_line_of_100_mb_is_one_problem_and_no_memory():
    reader = formats.reader("flat_json", "log")
    reader.feed(GOOD + b'\n{"CommandLine":"')
    tracemalloc.start()
    for _ in range(100):
        reader.feed(b"a" * 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    out = reader.feed(b'"}\n' + GOOD + b"\n")
    assert peak < 12_000_000
    assert [e.source for e in out] == ["log:3"]
    assert [str(p) for p in reader.problems] == ["log:2: line longer than 4 MiB; one record must stand on each line"]


def test_an_overlong_line_is_the_same_problem_in_one_chunk_as_in_many(read):
    data = GOOD + b"\n" + b"a" * 5_000_000 + b"\n" + GOOD + b"\n"
    assert read("flat_json", data, 1 << 30) == read("flat_json", data, 100_000)


@pytest.mark.parametrize("size", [1 << 20, MAX_RECORD, 2 * MAX_RECORD])
def test_the_longest_line_that_is_read_is_the_same_in_any_chunks(size):
    start = b'{"EventID":10,"Channel":"Security","x":"'
    longest = start + b"x" * (MAX_RECORD - len(start) - 2) + b'"}'
    data = longest + b"\n" + longest.replace(b"xx", b"xxx", 1) + b"\n"
    reader = formats.reader("flat_json", "log")
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
    reader.close()
    assert dict(reader.skipped) == {"event 10: not needed": 1, "longer than a record can be": 1}
    assert [problem.where for problem in reader.problems] == ["log:2"]


def test_problems_are_listed_up_to_a_bound_and_then_counted(read):
    result = read("flat_json", b"x\n" * 1000)
    assert len(result.problems) == 21
    assert result.problems[-1] == "log: and 980 more problems like these"


def test_utf_16_and_byte_order_marks_are_read(read):
    text = (GOOD + b"\n").decode()
    for data in (text.encode("utf-16"), b"\xfe\xff" + text.encode("utf-16-be"), b"\xef\xbb\xbf" + text.encode()):
        assert formats.recognise(data) == "flat_json"
        assert len(read("flat_json", data, 7).out) == 1


def test_invalid_utf_8_lone_surrogates_and_control_characters_do_not_hide_an_event(read):
    for odd in (b"\xff\xfe", b"\\ud800", b"\x01\x1b[31m"):
        line = GOOD.replace(b'"EventID":5', b'"EventID":1,"CommandLine":"a' + odd + b'b"')
        (event,) = read("flat_json", line + b"\n").out
        assert event.command_line.startswith("a")
        event.command_line.encode()


def test_a_json_array_with_an_object_on_each_line_is_read(read):
    data = b"[\n" + GOOD + b",\n" + GOOD + b"\n]\n"
    assert formats.recognise(data) == "flat_json"
    result = read("flat_json", data)
    assert (len(result.out), result.problems) == (2, [])


def test_a_command_line_is_bounded(read):
    line = GOOD.replace(b'"EventID":5', b'"EventID":1,"CommandLine":"' + b"a" * 100_000 + b'"')
    (event,) = read("flat_json", line + b"\n").out
    assert len(event.command_line) == 32768


def test_deeply_nested_json_is_a_problem_and_no_crash(read):
    result = read("flat_json", b'{"Image":' + b"[" * 100_000 + b"\n" + GOOD + b"\n")
    assert len(result.out) == 1
    assert len(result.problems) == 1


def test_text_that_is_no_log_is_not_recognised():
    for data in (
        b"",
        b"hello\nworld\n",
        b"{}",
        b"<html></html>",
        b"PK\x03\x04",
        b'{"event_type":"tls"}',
        b"#!/bin/sh\n",
    ):
        assert formats.recognise(data) is None
