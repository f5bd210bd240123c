"""What is remembered of a log is bounded, whoever wrote it."""

import struct
import tracemalloc
from collections import Counter

import pytest

from enricher.formats import reader
from enricher.formats._binxml import Blanker
from enricher.formats._memo import CAPACITY, LONGEST, Memo

LINES, LONG = 200, 50_000
CHUNK = 1 << 16
EVENT = '{"EventID":%s,"SourceName":"%s","Hostname":"ws7","UtcTime":"%s","Image":"C:\\\\a.exe","ImageLoaded":"%s"}\n'


def test_a_key_is_converted_once():
    asked = []
    memo = Memo(lambda key: asked.append(key) or len(key))
    assert [memo["abc"], memo["abc"]] == [3, 3]
    assert asked == ["abc"]


def test_a_full_memory_starts_anew():
    memo = Memo(str)
    for key in range(CAPACITY + 1):
        assert memo[key] == str(key)
    assert len(memo) == 1


def test_a_long_key_is_converted_and_not_remembered():
    memo = Memo(len)
    assert memo["x" * LONGEST] == LONGEST
    assert memo["x" * (LONGEST + 1)] == LONGEST + 1
    assert memo[b"x" * (LONGEST + 1)] == LONGEST + 1
    assert list(memo) == ["x" * LONGEST]


@pytest.mark.parametrize("place", range(4))
def test_long_values_that_never_repeat_do_not_stay_in_memory(place):
    values = ["7", "Microsoft-Windows-Sysmon", "2026-03-01 10:00:00.000", "C:\\\\crypt32.dll"]
    read = reader("flat_json", "log")
    read.feed((EVENT % tuple(values)).encode())
    tracemalloc.start()
    for number in range(LINES):
        values[place] = f"{number:05}" + "9" * LONG
        read.feed((EVENT % tuple(values)).encode())
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.records == LINES + 1
    assert held < LINES * LONG / 10


def test_chunks_that_describe_many_values_do_not_stay_in_memory():
    values = 12_000
    record = struct.pack("<4sI16x5sx4xIIHxxHxxHxxHB", b"**\0\0", 64, b"\x0f\x01\x01\x00\x0c", 0, values, 0, 0, 0, 2, 6)
    chunk = bytearray((bytes(512) + record).ljust(CHUNK, b"\0"))
    struct.pack_into("<H", chunk, 512 + 38 + 4 + 4 * values, 7)
    blanker = Blanker(Counter())
    tracemalloc.start()
    for number in range(LINES):
        struct.pack_into("<H", chunk, 512 + 64 + 2 * number, 1)
        blanker.blank(bytes(chunk), bytearray(CHUNK))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4 * CHUNK
