"""The Zeek package and the embedded sensor say the same of every bundled capture, field by field."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
import pytest
from scapy.layers.inet import TCP
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

import record
from enricher.join.resumption import inherit, wants_certificate
from enricher.model.observation import Observation
from enricher.sensor.thresholds import Thresholds
from enricher.service.engine import Engine
from enricher.service.inputs import CAPTURE

INDEX = json.loads(record.INDEX.read_text("utf-8"))
ZEEK = record.zeek()

OWN = {"uid", "source", "sensor"}
"""Fields by which each sensor names itself and its records."""
OWN_WORDS = {"handshake_error", "certificate_error"}
"""Fields in the words of the parser that failed: only their presence is compared."""
OWN_FACTS = {"malformed_handshake": "handshake_error", "malformed_certificate": "certificate_error"}
CERTIFICATE = {
    f.name
    for f in msgspec.structs.fields(Observation)
    if f.encode_name.startswith(("certificate.", "san.", "basic_constraints."))
} | {"sni_matches_cert"}


class Allowance(NamedTuple):
    """Where the two may differ."""

    applies: Callable[[str, Observation, Observation | None], bool]
    """To a case's name, what the embedded sensor saw, what Zeek saw."""
    fields: set[str]
    """Empty: Zeek has no record at all."""
    anomalies: set[str]
    reason: str


def _server(case: str, address: str) -> Callable[[str, Observation, Observation | None], bool]:
    return lambda name, ours, _: name == case and ours.resp_h == address


EXCEPTIONS = {
    "no SYN": Allowance(
        _server("handshakes", "198.51.100.122"),
        set(),
        set(),
        "Zeek gives connections whose SYN it did not see to no analyzer",
    ),
    "no ClientHello": Allowance(
        _server("handshakes", "198.51.100.123"), set(), set(), "as above: the first packets were not captured"
    ),
    "acknowledged before captured": Allowance(
        _server("handshakes", "198.51.100.124"),
        set(),
        set(),
        "Zeek gives up what was acknowledged before it was captured, and all analysis of TLS behind the gap",
    ),
    "length of the extensions": Allowance(
        _server("handshakes", "198.51.100.205"),
        {"handshake_error"},
        {"malformed_handshake"},
        "Zeek reads extensions to the end of the message and ignores the length of their list",
    ),
    "refused by OpenSSL": Allowance(
        lambda _, __, theirs: theirs is not None and "x509_cert_parse_error" in (theirs.certificate_error or ""),
        CERTIFICATE,
        set(),
        "Zeek's facts are OpenSSL's, which refuses a broken certificate as a whole",
    ),
    "never valid together": Allowance(
        lambda _, ours, theirs: theirs is not None and theirs.validation_code in (9, 10) and ours.validation_code == 0,
        {"validation_code"},
        set(),
        "Zeek cannot ask OpenSSL to leave out the dates, and there was no time at which the whole chain was valid",
    ),
}

WITH_SPICY = {
    "greased": Allowance(
        lambda name, ours, _: name == "wire" and (ours.ja4 or "").startswith("q"),
        {"version", "cipher", "curve", "established", "resumed", "ssl_history", "cert_visible", "ja3s", "ja3s_raw"},
        set(),
        "Zeek passes over packets whose fixed bit is greased (RFC 9287), as ngtcp2's are but for its first",
    ),
}
WITHOUT_SPICY = {
    "QUIC": Allowance(
        lambda _, ours, __: (ours.ja4 or "").startswith("q"),
        set(),
        set(),
        "Zeek's analyzer of QUIC is written in Spicy",
    ),
    "PostgreSQL": Allowance(
        _server("wire", "198.51.100.167"), set(), set(), "so is the one that sees PostgreSQL turn to TLS"
    ),
}


@cache
def spicy(source: str) -> bool:
    """Whether the Zeek of a source was built with Spicy."""
    if source == "recorded":
        return bool(INDEX["spicy"])
    assert ZEEK is not None
    return record.has_spicy(ZEEK)


def exceptions(source: str) -> dict[str, Allowance]:
    """Those that the Zeek of a source needs."""
    return EXCEPTIONS | (WITH_SPICY if spicy(source) else WITHOUT_SPICY)


def read(engine: Engine, kind: str, name: str, data: bytes) -> list[Observation]:
    reader = engine.reader_for(kind, name)
    return [*reader.feed(data), *reader.close()]  # type: ignore[list-item]


@cache
def embedded(name: str) -> list[Observation]:
    """What the embedded sensor sees and judges."""
    case = record.CASES[name]
    engine = Engine.open(None, ca_bundle=record.PCAPS / case["ca_bundle"])
    seen: list[Observation] = []
    for capture in record.captures(case):
        data = capture.read_bytes()
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        seen += read(engine, CAPTURE, capture.name, data)
    whole = (inherit(o, seen) if wants_certificate(o) else o for o in seen)
    return [engine.judge(o, None) for o in whole]


@cache
def zeek(name: str, source: str) -> list[Observation]:
    """What Zeek saw and judged, read as any an1496.log is."""
    case = record.CASES[name]
    engine = Engine.open(None, ca_bundle=record.PCAPS / case["ca_bundle"])
    if source == "live":
        assert ZEEK is not None
        return read(engine, "zeek", "an1496.log", record.run(case, ZEEK))
    return read(engine, "zeek", "an1496.log", gzip.decompress((record.RECORDINGS / f"{name}.log.gz").read_bytes()))


Key = tuple[str, int, str, int, str, int]


def keyed(observations: Iterable[Observation]) -> dict[Key, Observation]:
    """By tuple, and by order among those of the same tuple."""
    found: dict[Key, Observation] = {}
    times: Counter[Any] = Counter()
    for o in sorted(observations, key=lambda o: o.ts):
        tuple_ = (o.orig_h, o.orig_p, o.resp_h, o.resp_p, o.proto)
        found[*tuple_, times[tuple_]] = o
        times[tuple_] += 1
    return found


def comparable(o: Observation, keys: dict[str, Key]) -> dict[str, Any]:
    """The fields that two sensors share."""
    fields = {name: value for name, value in msgspec.structs.asdict(o).items() if name not in OWN}
    judged = zip(o.anomalies or (), o.anomaly_facts or (), strict=True)
    fields["anomaly_facts"] = {id_: fact if id_ not in OWN_FACTS else "" for id_, fact in judged}
    for name in OWN_WORDS:
        fields[name] = fields[name] is not None
    if o.cert_inherited_from:
        fields["cert_inherited_from"] = keys[o.cert_inherited_from]
    return fields


def differences(name: str, source: str) -> tuple[list[str], set[str]]:
    """What differs without leave, and the exceptions that were needed."""
    ours, theirs = keyed(embedded(name)), keyed(zeek(name, source))
    our_keys, their_keys = ({o.uid: key for key, o in side.items()} for side in (ours, theirs))
    found = [f"{key}: Zeek alone has a record" for key in theirs.keys() - ours.keys()]
    used = set()
    for key, o in ours.items():
        other = theirs.get(key)
        allowed = {which: e for which, e in exceptions(source).items() if e.applies(name, o, other)}
        if other is None:
            absent = {which for which, e in allowed.items() if not e.fields}
            used |= absent
            found += [] if absent else [f"{key}: Zeek has no record"]
            continue
        a, b = comparable(o, our_keys), comparable(other, their_keys)
        for field in sorted(a.keys()):
            left, right = a[field], b[field]
            for which, e in allowed.items():
                if field in ("anomalies", "anomaly_facts") and e.anomalies:
                    kept = [{x for x in side if x not in e.anomalies} for side in (left, right)]
                    if left != right and kept[0] == kept[1]:
                        used.add(which)
                        left = right
                elif field in e.fields and left != right:
                    used.add(which)
                    left = right
            if left != right:
                found.append(f"{key} {o.server_name} {field}: embedded {left!r}, Zeek {right!r}")
    return found, used


SOURCES = ["recorded", pytest.param("live", marks=pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH"))]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", record.CASES)
def test_zeek_and_the_embedded_sensor_agree_in_every_field(name: str, source: str) -> None:
    assert differences(name, source)[0] == []
    assert len(zeek(name, source)) > 0


DELAY = 0.000005


def halves(packet: Packet) -> list[Packet]:
    """A ClientHello in two segments, the first one sooner; any other packet as it is."""
    data = bytes(packet[TCP].payload) if TCP in packet else b""
    if not (data.startswith(b"\x16") and data[5:6] == b"\x01"):
        return [packet]
    both = []
    for start, end, ahead in ((0, 100, DELAY), (100, len(data), 0.0)):
        half = packet.copy()
        half[TCP].remove_payload()
        half[TCP].seq += start
        half /= Raw(data[start:end])
        half.time = float(packet.time) - ahead
        both.append(half)
    return both


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_a_hello_in_several_segments_is_dated_by_zeek_when_it_is_whole(tmp_path: Path) -> None:
    packets = [half for packet in rdpcap(str(record.captures(record.CASES["demo"])[0])) for half in halves(packet)]
    for packet in packets:
        if packet.haslayer("IP"):
            del packet["IP"].len
    capture = tmp_path / "split.pcap"
    wrpcap(str(capture), sorted(packets, key=lambda packet: packet.time))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(record.CASES, "split", record.CASES["demo"] | {"captures": [capture]})
        ours, theirs = keyed(embedded("split")), keyed(zeek("split", "live"))
        assert [line for line in differences("split", "live")[0] if " ts: " not in line] == []
    assert len(ours) > 10
    assert {round(theirs[key].ts - o.ts, 6) for key, o in ours.items()} == {DELAY}


def test_every_exception_is_still_needed() -> None:
    used = set().union(*(differences(name, "recorded")[1] for name in record.CASES))
    assert used == exceptions("recorded").keys()
    assert all(e.reason for e in exceptions("recorded").values())


@pytest.mark.parametrize("source", SOURCES)
def test_zeek_sees_quic_and_postgresql_where_it_was_built_with_spicy(source: str) -> None:
    if not spicy(source):
        pytest.skip("this Zeek was built without Spicy")
    seen = zeek("wire", source)
    assert sorted(o.server_name or "" for o in seen if (o.ja4 or "").startswith("q")) == [
        "quic-retry.wire.example",
        "quic.wire.example",
    ]
    assert [o.established for o in seen if o.server_name == "db.wire.example"] == [True, True]


def test_the_recordings_are_of_these_scripts() -> None:
    assert INDEX["scripts"] == record.scripts_digest(), "stale recordings: make zeek-record"


def test_the_recordings_are_of_these_captures() -> None:
    now = {name: record.digest(record.captures(case)) for name, case in record.CASES.items()}
    assert INDEX["captures"] == now, "stale recordings: make zeek-record"


@pytest.mark.skipif(ZEEK is None, reason="zeek is not on PATH")
def test_what_did_not_change_is_recorded_as_the_same_bytes() -> None:
    case = record.CASES["handshakes"]
    assert record.run(case, ZEEK) == record.run(case, ZEEK)
    assert json.dumps(record.options(ZEEK)) == json.dumps(record.options(ZEEK))


def test_both_judge_by_the_same_thresholds() -> None:
    options = INDEX["options"]
    ours = msgspec.to_builtins(Thresholds())
    for name in Thresholds.__struct_fields__:
        if name == "public_validity_limits":
            assert (ours[name], options[name]) == (None, "AN1496::PUBLIC_ROOTS")
        elif isinstance(ours[name], list):
            assert sorted(options[name]) == sorted(ours[name]), name
        else:
            assert options[name] == ours[name], name


KINDS = {
    float: {"time"},
    int: {"count", "int", "port"},
    bool: {"bool"},
    tuple: {"vector[string]", "vector[addr]"},
    str: {"string", "addr", "enum"},
}


def test_the_log_has_the_observations_fields_and_types() -> None:
    fields = {f.encode_name: f for f in msgspec.structs.fields(Observation) if f.name not in ("source", "sensor")}
    assert INDEX["fields"].keys() == fields.keys()
    for name, kind in INDEX["fields"].items():
        of = next(t for t in (*get_args(fields[name].type), fields[name].type) if t is not type(None))
        plain = str if name == "proto" else get_origin(of) or of
        assert kind in KINDS[plain], name
