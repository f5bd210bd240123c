"""Zeek's rows as they travel: plain, in an object under their log's name (zeek-kafka), or as a text in a document."""

import json

import pytest

from enricher import formats
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation

ENDS = {"id.orig_h": "192.0.2.7", "id.orig_p": 49678, "id.resp_h": "198.51.100.9", "id.resp_p": 443}
SSL = {"ts": 1772359200.25, "uid": "C1"} | ENDS | {"version": "TLSv12", "ssl_history": "Cs", "established": True}
CONN = {"ts": 1772359200.25, "uid": "C1"} | ENDS | {"proto": "tcp", "conn_state": "SF"}
X509 = {"ts": 1772359200.25, "fingerprint": "ab" * 32, "certificate.subject": "CN=a"}
KINDS = [("ssl", SSL, Observation), ("conn", CONN, ConnectionRecord), ("x509", X509, CertificateRecord)]


def written(tag, row):
    """As TaggedJSON writes it: a blank after the tag's colon, none within the row."""
    return f'{{"{tag}": {json.dumps(row, separators=(",", ":"))},"site": "north"}}\n'.encode()


@pytest.mark.parametrize(("tag", "row", "record"), KINDS)
def test_a_row_under_its_logs_name_is_the_row(read, tag, row, record):
    assert formats.recognise(written(tag, row)) == "zeek"
    tagged = read("zeek", written(tag, row))
    assert not tagged.problems
    assert isinstance(tagged.out[0], record)
    assert tagged.out == read("zeek", json.dumps({"_path": tag} | row).encode() + b"\n").out


@pytest.mark.parametrize(("tag", "row", "record"), KINDS)
def test_what_filebeat_and_logstash_ship_is_the_line_within(read, tag, row, record):
    row = row | {"server_name": 'a"b\\'}
    plain = {"@timestamp": "2026-03-01T10:00:01.000Z", "message": json.dumps(row), "log": {"offset": 7}}
    module = {"event": {"original": json.dumps({tag: row}), "dataset": f"zeek.{tag}"}, "zeek": {tag: {"x": 1}}}
    for document in (plain, module):
        shipped = json.dumps(document).encode() + b"\n"
        assert formats.recognise(shipped) == "zeek"
        found = read("zeek", shipped)
        assert not found.problems
        assert isinstance(found.out[0], record)
        assert found.out == read("zeek", json.dumps({"_path": tag} | row).encode() + b"\n").out


def test_a_log_whose_first_row_is_not_needed_is_known_by_the_next(read):
    text = json.dumps({"ts": 1.5, "name": "x"}).encode() + b"\n" + json.dumps(SSL).encode() + b"\n"
    assert formats.recognise(text) == "zeek"
    assert len(read("zeek", text).out) == 1


def test_other_logs_of_a_shared_topic_are_counted_and_no_problem(read):
    dns = written("dns", {"ts": 1.5, "uid": "C2"} | ENDS)
    assert formats.recognise(dns) == "zeek"
    result = read("zeek", dns)
    assert (result.out, result.problems, result.skipped) == ([], [], {"dns.log: not needed": 1})


def test_times_in_milliseconds_are_seconds(read):
    (found,) = read("zeek", written("ssl", SSL | {"ts": 1772359200250})).out
    assert found.ts == 1772359200.25


@pytest.mark.parametrize("row", [{}, {"ssl": []}, {"ssl": {}}, {"ssl": {"ts": None}}, {"ssl": {"ts": {}}}])
def test_an_object_that_holds_no_row_gives_nothing(read, row):
    assert read("zeek", json.dumps(row).encode() + b"\n").out == []
