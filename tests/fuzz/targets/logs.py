"""Endpoint and Zeek logs: every format, told the bytes of any."""

from functools import partial

import msgspec

import seeds
from enricher import formats
from targets._target import Target, pieces


def check(format_id, data):
    """Any bytes are read without raising, alike in whatever pieces; its results can be told."""
    formats.recognise(data)
    whole = drive(format_id, [data])
    assert drive(format_id, pieces(data)) == whole
    for record in whole[0]:
        msgspec.json.decode(msgspec.json.encode(record), type=type(record))


def drive(format_id, chunks):
    reader = formats.reader(format_id, "log")
    out = [record for chunk in chunks for record in reader.feed(chunk)]
    out += reader.close()
    return out, [str(problem) for problem in reader.problems], reader.skipped, reader.records


TARGETS = tuple(
    Target(format_id, partial(check, format_id), partial(seeds.logs, format_id)) for format_id in formats.FORMATS
)
