"""No input raises, and how it is cut into chunks never changes what is read."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher import formats

FRAGMENTS = [
    b"\n",
    b"\r\n",
    b"{",
    b"}",
    b"[",
    b",",
    b'{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"h"',
    b'"EventID":10,',
    b'"EventID": "7",',
    b'"ImageLoaded":"C:\\\\crypt32.dll"',
    b'"Image":"C:\\\\a.exe",',
    b'"ProcessId":"4","UtcTime":"2026-03-01 10:00:00.250"',
    b'{"Event":{"System":{"EventID":',
    b'{"winlog":{"event_id":5,"event_data":{}}}',
    b"<Events><Event ",
    b"<Event>",
    b"<System><EventID>3</EventID></System>",
    b"<EventData><Data Name='Image'>&#x1;\xff</Data></EventData>",
    b"</Event>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<!DOCTYPE x>",
    b"#separator \\x09\n#set_separator\t,\n#path\tssl\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n",
    b"1.5\tC1\t192.0.2.1\n",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"ElfFile\0",
    b"\\ud800",
    b"-",
]

inputs = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=12)), max_size=24).map(b"".join)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=40)


def drive(format_id, chunks):
    reader = formats.reader(format_id, "log")
    out = [record for chunk in chunks for record in reader.feed(chunk)]
    out += reader.close()
    return out, [str(p) for p in reader.problems], dict(reader.skipped), reader.records


def cut(data, sizes):
    chunks = []
    while data:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(data[:size])
        data = data[size:]
    return chunks


@pytest.mark.parametrize("format_id", list(formats.FORMATS))
@given(data=inputs, sizes=cuts)
@settings(max_examples=120, deadline=None)
def test_any_bytes_in_any_chunks_are_read_alike(format_id, data, sizes):
    whole = drive(format_id, [data])
    assert drive(format_id, cut(data, sizes)) == whole
    msgspec.json.encode(whole[0])


@given(data=inputs)
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_recognised_or_not_without_raising(data):
    assert formats.recognise(data) in {None, *formats.FORMATS}


@given(sizes=cuts)
@settings(max_examples=30, deadline=None)
def test_every_shape_is_read_alike_in_any_chunks(sizes, shapes, events):
    for format_id, shape in shapes.values():
        if format_id == "evtx":  # two files are no file; test_evtx.py cuts one
            continue
        data = b"".join(shape(*kind, values) for kind, values in events.items())
        whole = drive(format_id, [data])
        assert len(whole[0]) == len(events)
        assert drive(format_id, cut(data, sizes)) == whole


texts = st.text(max_size=20)
values = st.one_of(
    texts, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False), st.lists(texts, max_size=2)
)
names = st.sampled_from(["Image", "ImageLoaded", "CommandLine", "ProcessId", "User", "EventID", "Message", "Nested"])
paths = st.sampled_from(
    [r"C:\a.exe", r"C:\A.EXE", r"C:\x\crypt32.dll", r"C:\x\user32.dll", "crypt32.dll", 'a"b', "\\", ""]
)
documents = st.fixed_dictionaries(
    {
        "EventID": st.one_of(st.sampled_from([1, 3, 5, 7, 8, 25, 10, "7", "10", 4688, 5156, 99999, "x"]), values),
        "Channel": st.just("Microsoft-Windows-Sysmon/Operational"),
        "Hostname": st.just("h"),
        "UtcTime": st.just("2026-03-01 10:00:00.250"),
        "ProcessId": st.just(4),
    },
    optional={
        "Image": st.one_of(paths, values),
        "ImageLoaded": st.one_of(paths, values),
        "CommandLine": st.sampled_from(['"EventID":10,', '{"EventID":10}', '\\"EventID\\":10,', '"ImageLoaded":"x"']),
        "Nested": st.fixed_dictionaries({"EventID": st.sampled_from([1, 7, 10]), "ImageLoaded": paths}),
        "ProviderGuid": st.just("{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"),
    },
)


loads = st.fixed_dictionaries(
    {
        "EventID": st.just(7),
        "Channel": st.just("Microsoft-Windows-Sysmon/Operational"),
        "Hostname": st.just("h"),
        "UtcTime": st.just("2026-03-01 10:00:00.250"),
        "ProcessId": st.just(4),
        "Image": paths,
        "ImageLoaded": paths,
    },
    optional={"Nested": st.fixed_dictionaries({}, optional={"Image": paths, "ImageLoaded": paths})},
)


@given(
    documents=st.lists(st.one_of(documents, loads), max_size=5),
    order=st.randoms(),
    spaced=st.booleans(),
    ascii_only=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_rejecting_before_decoding_never_loses_an_event(documents, order, spaced, ascii_only):
    lines = []
    for document in documents:
        items = list(document.items())
        order.shuffle(items)
        separators = (", ", ": ") if spaced else (",", ":")
        lines.append(json.dumps(dict(items), separators=separators, ensure_ascii=ascii_only).encode())
    data = b"\n".join(lines) + b"\n"
    with_sieve = drive("flat_json", [data])
    # A tab before each colon hides every key from the sieve, so all is decoded.
    hidden = b"\n".join(json.dumps(json.loads(line), separators=(",", "\t:")).encode() for line in lines) + b"\n"
    without = drive("flat_json", [hidden])
    assert with_sieve[0] == without[0]
    assert with_sieve[3] == without[3]


def test_a_key_of_an_inner_object_is_not_taken_for_the_events_own_where_the_last_events_key_stood():
    rest = '"Channel":"Microsoft-Windows-Sysmon","Computer":"h","UtcTime":"2026-03-01 10:00:00","ProcessId":4'
    pad, key = "x" * 200, '"EventID":10'
    first = f'{{{rest},"Pad":"{pad}",{key}}}'
    start = f'{{"EventID":5,{rest},"Nested":{{"Pad":"'
    second = start + "x" * (first.index(key) - len(start) - len('",')) + f'",{key}}}}}'
    assert second.index(key) == first.index(key)
    records, _, skipped, _ = drive("flat_json", [f"{first}\n{second}\n".encode()])
    assert [type(record).__name__ for record in records] == ["ProcessEnd"]
    assert skipped == {"event 10: not needed": 1}
