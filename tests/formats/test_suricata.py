"""Suricata's EVE becomes Observations and connections; what Suricata does not say stays unknown."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher import formats
from enricher.model.observation import ConnectionRecord, Observation, Unread

HEADER = {
    "timestamp": "2026-03-01T10:00:00.250000+0000",
    "flow_id": 105716325071680,
    "in_iface": "eth0",
    "event_type": "tls",
    "src_ip": "192.0.2.7",
    "src_port": 49678,
    "dest_ip": "198.51.100.9",
    "dest_port": 8443,
    "proto": "TCP",
}
# The values of the extended example in Suricata's user guide.
EXTENDED = {
    "subject": "C=US, ST=California, L=Mountain View, O=Google Inc, CN=*.google.com",
    "issuerdn": "C=US, O=Google Inc, CN=Google Internet Authority G2",
    "serial": "0C:00:99:B7:D7:54:C9:F6:77:26:31:7E:BA:EA:7C:1C",
    "fingerprint": "8f:51:12:06:a0:cc:4e:cd:e8:a3:8b:38:f8:87:59:e5:af:95:ca:cd",
    "sni": "calendar.google.com",
    "version": "TLS 1.2",
    "notbefore": "2017-01-04T10:48:43",
    "notafter": "2017-03-29T10:18:00",
}
JA3 = {"hash": "e7d705a3286e19ea42f587b344ee6865", "string": "771,49195-49199,0-10-11,29-23,0"}
FLOW = {
    "app_proto": "tls",
    "flow": {"pkts_toserver": 9, "start": "2026-03-01T10:00:00.125000+0000", "state": "closed"},
}


def line(tls, **header):
    return json.dumps(HEADER | header | {"tls": tls}, separators=(",", ":")).encode() + b"\n"


@pytest.fixture
def observed(read):
    def one(tls, **header):
        result = read("suricata", line(tls, **header))
        assert not result.problems
        (found,) = result.out
        return found

    return one


def test_an_extended_event_gives_its_facts_in_zeeks_words(observed):
    found = observed(EXTENDED | {"ja3": JA3, "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1"}, community_id="1:x=")
    assert found == Observation(
        ts=1772359200.25,
        uid=found.uid,
        orig_h="192.0.2.7",
        orig_p=49678,
        resp_h="198.51.100.9",
        resp_p=8443,
        community_id="1:x=",
        sensor="suricata",
        source="log:1",
        version="TLSv12",
        server_name="calendar.google.com",
        resumed=False,
        client_hello_seen=True,
        ja3=JA3["hash"],
        ja3_raw=JA3["string"],
        ja4="t13d1516h2_8daaf6152771_e5627efa2ab1",
        cert_visible=True,
        cert_subject="CN=*.google.com,O=Google Inc,L=Mountain View,ST=California,C=US",
        cert_issuer="CN=Google Internet Authority G2,O=Google Inc,C=US",
        cert_serial="0C0099B7D754C9F67726317EBAEA7C1C",
        cert_chain_sha1s=("8f511206a0cc4ecde8a38b38f88759e5af95cacd",),
        cert_not_valid_before=1483526923.0,
        cert_not_valid_after=1490782680.0,
    )


def test_an_event_that_says_nothing_leaves_all_unknown(observed):
    found = observed({})
    known = {name for name in found.__struct_fields__ if getattr(found, name) is not None}
    assert known == {"ts", "uid", "orig_h", "orig_p", "resp_h", "resp_p", "proto", "sensor", "source"}


def test_a_version_counts_only_where_the_server_answered(observed):
    assert observed({"version": "TLSv1", "sni": "a.example"}).version is None
    assert observed({"version": "TLSv1", "ja3s": JA3}).version == "TLSv10"
    assert observed({"version": "TLS 1.3"}).version == "TLSv13"
    assert observed({"version": "UNDETERMINED", "ja3s": JA3}).version is None


def test_a_name_that_is_not_switched_on_is_no_missing_name(observed):
    nameless = {"hash": JA3["hash"], "string": "771,49195,10-11,29,0"}
    named, without = "t13d1516h2_8daaf6152771_e5627efa2ab1", "t13i1516h2_8daaf6152771_e5627efa2ab1"
    for tls in ({"ja3": JA3}, {"ja4": named}, {"ja3": nameless, "ja4": named}, {"client_handshake": {"exts": [0, 10]}}):
        assert observed(tls).client_hello_seen is None
    for tls in ({"ja3": nameless}, {"ja4": without}, {"client_handshake": {"exts": [10]}}):
        assert observed(tls).client_hello_seen is True
    assert observed({"ja3": {"hash": JA3["hash"]}, "client_handshake": {"exts": "x"}}).client_hello_seen is None


def test_tls_13_and_resumption_hide_the_certificate(observed):
    assert observed({"version": "TLS 1.3"}).cert_visible is False
    resumed = observed({"session_resumed": True, "version": "TLS 1.2"})
    assert (resumed.resumed, resumed.cert_visible, resumed.version) == (True, False, "TLSv12")
    assert observed({"version": "TLS 1.2", "ja3s": JA3}).cert_visible is None


def test_a_serial_number_loses_the_sign_byte(observed):
    assert observed({"serial": "00:C0:FF"}).cert_serial == "C0FF"
    assert observed({"serial": "00"}).cert_serial == "00"


def test_a_comma_in_a_name_is_escaped(observed):
    assert observed({"subject": "C=US, O=Foo, Inc, CN=a"}).cert_subject == r"CN=a,O=Foo\, Inc,C=US"


def test_alternative_names_are_told_apart(observed):
    names = [
        "*.a.example",
        "[10, 0, 0, 1]",
        f"[{', '.join('0' * 15)}, 1]",
        "https://b.example/",
        "[1, 2]",
        "[999, 0, 0, 1]",
    ]
    found = observed({"subjectaltname": names})
    assert (found.san_dns, found.san_ip) == (("*.a.example",), ("10.0.0.1", "::1"))


def test_a_chain_travels_unread(observed):
    found = observed({"chain": [base64.b64encode(part).decode() for part in (b"leaf", b"root")]})
    assert isinstance(found, Unread)
    assert (found.chain, found.chain_is_whole, found.cert_visible) == ((b"leaf", b"root"), True, True)
    alone = observed({"certificate": base64.b64encode(b"leaf").decode(), "server_handshake": {"cipher": 0x1301}})
    assert (alone.chain, alone.chain_is_whole, alone.cipher_code) == ((b"leaf",), False, 0x1301)


def test_a_chain_that_is_no_base64_is_not_there(observed):
    for chain in (["!"], [], [7], [""], "x", {"a": 1}):
        assert not isinstance(observed({"chain": chain}), Unread)


def test_all_events_of_a_flow_have_one_uid_and_other_flows_others(read):
    flow = json.dumps(HEADER | FLOW | {"event_type": "flow"}).encode() + b"\n"
    first, second, other, elsewhere = read(
        "suricata", line({}) + flow + line({}, flow_id=105716325071681) + line({}, src_ip="192.0.2.8")
    ).out
    assert second == ConnectionRecord(uid=first.uid, ts=1772359200.125, proto="tcp", source="log:2")
    assert len({first.uid, other.uid, elsewhere.uid}) == 3
    assert first.uid == "S" + first.uid[1:].lower()
    assert len(first.uid) == 18


def test_other_events_are_counted_and_left(read):
    result = read(
        "suricata",
        b'{"timestamp":"t","event_type":"stats","stats":{}}\n'
        b'{"timestamp":"t","event_type":"flow","app_proto":"dns"}\n'
        + line({}, event_type="alert")
        + line({}, dest_ip="nowhere"),
    )
    assert result.out == []
    assert result.skipped == {
        "stats: not needed": 1,
        "flow: not TLS": 1,
        "alert: not needed": 1,
        "tls: no usable addresses, time or facts": 1,
    }


def test_the_type_of_another_object_hides_no_event(read):
    hidden = json.dumps({"extra": {"event_type": "dns"}} | HEADER | {"tls": {}}).encode() + b"\n"
    assert len(read("suricata", hidden).out) == 1


def test_a_line_that_is_cut_off_is_a_problem_and_not_the_end(read):
    result = read("suricata", line(EXTENDED)[:-30] + b"\n" + line(EXTENDED))
    assert [record.source for record in result.out] == ["log:2"]
    assert result.problems == ["log:1: not valid JSON"]


def test_what_filebeat_ships_is_the_line_within(read, observed):
    whole = line(EXTENDED | {"sni": 'a"b\\'})
    plain = {"@timestamp": "2026-03-01T10:00:01.000Z", "message": whole.decode(), "log": {"offset": 7}}
    module = {
        "@timestamp": "2026-03-01T10:00:00.250Z",
        "event": {"original": whole.decode(), "kind": "event"},
        "suricata": {"eve": {"event_type": "tls", "tls": EXTENDED}},
        "source": {"ip": "192.0.2.7", "port": 49678},
    }
    stats = {"message": '{"timestamp":"t","event_type":"stats"}'}
    documents = [json.dumps(each).encode() + b"\n" for each in (plain, module, stats)]
    assert [formats.recognise(each) for each in documents] == ["suricata"] * 3
    result = read("suricata", b"".join(documents))
    assert [msgspec.structs.replace(record, source="log:1") for record in result.out] == [
        observed(EXTENDED | {"sni": 'a"b\\'})
    ] * 2
    assert result.skipped == {"stats: not needed": 1}


def test_a_message_that_is_no_event_is_a_problem_or_counted(read):
    broken = b'{"message":"{\\"event_type\\":\\"tls\\", oh"}\n{"message":"{","event":3}\n{"message":"{}"}\n'
    result = read("suricata", broken)
    assert (result.out, sum(result.skipped.values())) == ([], 3)
    assert [problem.partition(": ")[0] for problem in result.problems] == ["log:1"]


def test_what_a_client_writes_into_a_name_makes_no_other_row_of_it():
    forged = '"message":"{"timestamp":"t","event_type":"stats"}"'
    row = {"ts": 1.0, "uid": "C1", "id.orig_h": "192.0.2.7", "server_name": forged}
    assert formats.recognise(json.dumps(row).encode()) == "zeek"


@pytest.mark.parametrize("event_type", ["tls", "stats", "flow"])
def test_eve_is_recognised_by_any_of_its_events(event_type):
    assert formats.recognise(line({}, event_type=event_type)) == "suricata"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from([*EXTENDED, "chain", "certificate", "ja3", "ja3s", "ja4", "subjectaltname", "server_alpns"])
MORE = st.sampled_from(["session_resumed", "server_handshake", "client_handshake"])


@given(
    st.dictionaries(NAMES | MORE, VALUES), st.dictionaries(st.sampled_from([*HEADER, "flow", "community_id"]), VALUES)
)
def test_whatever_stands_in_an_event_is_read_or_counted(tls, header):
    reader = formats.reader("suricata", "log")
    for record in reader.feed(line(tls) + line(tls, **header)):
        assert isinstance(record, Observation | ConnectionRecord)
        if isinstance(record, Observation):
            assert record.established is None
    assert reader.records == 2
