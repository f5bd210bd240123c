"""The bundled demo as Suricata would have logged it: its notices come out, with what Suricata does not say unknown."""

import base64
import hashlib
import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1

from enricher.config import Config, SensorConfig
from enricher.join.server import EmbeddedServer
from enricher.model.observation import Observation
from enricher.sensor.capture import Sensor
from enricher.service.engine import Engine

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
(DEMO,) = (c for c in tomllib.loads((PCAPS / "manifest.toml").read_text("utf-8"))["case"] if c["name"] == "demo")
BASIC = ("subject", "issuerdn", "subjectaltname")
EXTENDED = (*BASIC, "serial", "fingerprint", "sni", "version", "notbefore", "notafter", "ja3", "ja3s", "ja4")
LEVELS = {
    "basic": BASIC,
    "extended": EXTENDED,
    "chain": (*EXTENDED, "chain", "server_handshake"),
}
"""What Suricata's configuration switches on."""
VERSIONS = {"TLSv12": "TLS 1.2", "TLSv13": "TLS 1.3"}
SHORT = {"commonName": "CN", "organizationName": "O", "countryName": "C"}

Row = dict[str, Any]


class Kept:
    """Reads certificates, and keeps them."""

    def __init__(self, certificates: Any) -> None:
        self._certificates = certificates
        self.chains: dict[str, tuple[bytes, ...]] = {}

    def facts(self, chain: tuple[bytes, ...], server_name: str | None, ts: float) -> Row:
        self.chains[hashlib.sha256(chain[0]).hexdigest()] = chain
        found: Row = self._certificates.facts(chain, server_name, ts)
        return found


@cache
def seen() -> tuple[list[Observation], dict[str, tuple[bytes, ...]]]:
    """What is in the capture."""
    engine = Engine(Config(sensor=SensorConfig(ca_bundle=str(PCAPS / "ca.pem"))))
    kept = Kept(engine._certificates)
    sensor = Sensor("capture", engine.config.sensor.wire, kept)
    records = [*sensor.feed((PCAPS / DEMO["captures"][0]).read_bytes()), *sensor.close()]
    return [record for record in records if isinstance(record, Observation)], kept.chains


def clock(ts: float) -> str:
    """As Suricata writes times: local, with the offset."""
    return datetime.fromtimestamp(ts, timezone(timedelta(hours=-5))).strftime("%Y-%m-%dT%H:%M:%S.%f%z")


def name(of: x509.Name) -> str:
    return ", ".join(f"{SHORT[a.oid._name]}={a.value}" for a in of)


def certificate(chain: tuple[bytes, ...]) -> Row:
    leaf = x509.load_der_x509_certificate(chain[0])
    facts = {
        "subject": name(leaf.subject),
        "issuerdn": name(leaf.issuer),
        "serial": leaf.serial_number.to_bytes(20, "big").hex(":").upper(),
        "fingerprint": leaf.fingerprint(SHA1()).hex(":"),
        "notbefore": leaf.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%S"),
        "notafter": leaf.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%S"),
        "chain": [base64.b64encode(each).decode() for each in chain],
    }
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        facts["subjectaltname"] = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        pass
    return facts


def events(level: str) -> Iterator[Row]:
    """EVE's events of the demo: sessions once their handshake is over, flows at their end, and what else there is."""
    observations, chains = seen()
    for number, one in enumerate(observations):
        facts = {
            "sni": one.server_name,
            "version": VERSIONS[one.version or ""],
            "ja3": {"hash": one.ja3, "string": one.ja3_raw},
            "ja3s": {"hash": one.ja3s, "string": one.ja3s_raw},
            "ja4": one.ja4,
            "server_handshake": {"version": VERSIONS[one.version or ""], "cipher": CIPHERS[one.cipher or ""]},
        }
        if one.cert_chain_fps:
            facts |= certificate(chains[one.cert_chain_fps[0]])
        header = {
            "flow_id": 1000000000000 + number,
            "in_iface": "eth0",
            "src_ip": one.orig_h,
            "src_port": one.orig_p,
            "dest_ip": one.resp_h,
            "dest_port": one.resp_p,
            "ip_v": 4,
            "proto": "TCP",
            "community_id": one.community_id,
        }
        tls = {key: facts[key] for key in LEVELS[level] if facts.get(key) is not None}
        yield {"timestamp": clock(one.ts + 0.02), "event_type": "tls", **header, "pkt_src": "wire/pcap", "tls": tls}
        flow = {"pkts_toserver": 9, "start": clock(one.ts - 0.001), "end": clock(one.ts + 1), "state": "closed"}
        yield {"timestamp": clock(one.ts + 60), "event_type": "flow", **header, "app_proto": "tls", "flow": flow}
        other = {"timestamp": clock(one.ts), "event_type": "dns", **header, "dns": {"type": "query"}}
        yield other | {"src_port": 5353, "dest_port": 53, "proto": "UDP"}
    yield {"timestamp": clock(one.ts + 61), "event_type": "stats", "stats": {"uptime": 61}}


CIPHERS = {"TLS_AES_256_GCM_SHA384": 0x1302, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": 0xC030}


def eve(level: str) -> list[bytes]:
    return [json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in events(level)]


def command(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "enricher", *words], cwd=PCAPS, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def rows(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def replay(level: str, out: Path) -> Path:
    (out / "eve.json").write_bytes(b"".join(eve(level)))
    logs = [word for log in DEMO["endpoint"] for word in ("--endpoint", log)]
    command("replay", str(out / "eve.json"), *logs, "--ca-bundle", DEMO["ca_bundle"], "--out", str(out))
    return out


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: Any) -> Any:
    return cache(lambda level: replay(level, tmp_path_factory.mktemp(level)))


def facts(session: Row) -> tuple[Any, ...]:
    """Of a session what does not depend on the sensor's own clock and names."""
    return session["id.orig_p"], session["disposition"], session["host"], session["image"], tuple(session["anomalies"])


def told(notices: list[Row]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            n["host"],
            n["process"]["image"],
            f"{n['server']['address']}:{n['server']['port']}",
            n["severity"],
            n["count"],
            tuple(sorted(n["legs"].items())),
        )
        for n in notices
    )


def test_with_the_whole_chain_all_is_judged_as_the_capture_is(replayed: Any) -> None:
    expected = Counter(
        (n["host"], n["image"], n["server"], n["severity"], n["count"], tuple(sorted(n["legs"].items())))
        for n in DEMO["notice"]
    )
    assert told(rows(replayed("chain") / "notices.jsonl")) == expected
    assert sorted(facts(row) for row in rows(replayed("chain") / "sessions.jsonl")) == sorted(
        (int(s["client"].rpartition(":")[2]), s["disposition"], s.get("host"), s.get("image"), tuple(s["anomalies"]))
        for s in DEMO["session"]
    )


@pytest.mark.parametrize("level", ["basic", "extended"])
def test_with_less_the_same_processes_are_told_of_and_no_others(level: str, replayed: Any) -> None:
    found = rows(replayed(level) / "notices.jsonl")
    assert [(n["process"]["image"], n["count"]) for n in found] == [(n["image"], n["count"]) for n in DEMO["notice"]]
    for notice in found:
        assert "The certificate's chain was not validated." in notice["unseen"]
        assert {"self_issued"} <= {e["id"] for e in notice["evidence"]}


@pytest.mark.parametrize("level", LEVELS)
def test_a_hidden_certificate_and_an_unknown_end_accuse_nobody(level: str, replayed: Any) -> None:
    observed = {row["uid"]: row for row in rows(replayed(level) / "observations.jsonl")}
    hidden = 0
    for row in rows(replayed(level) / "sessions.jsonl"):
        assert "established" not in observed[row["uid"]]
        if "certificate.subject" not in observed[row["uid"]]:
            hidden += 1
            assert not observed[row["uid"]].get("cert_visible")
            assert (row["anomalies"], row["severity"], row["legs"]["session"]) == ([], "informational", "unavailable")
    assert hidden == 7


def settled(row: Row) -> Row:
    """A live row beside a replay's: without revision and lateness."""
    left = {key: value for key, value in row.items() if key != "revision"}
    return left | {"disposition": "matched" if row["disposition"] == "late" else row["disposition"]}


def halves(lines: list[bytes], way: str) -> list[list[bytes]]:
    """A file is found in the middle of a line."""
    if way != "tail":
        return [lines[:20], lines[20:]]
    return [[*lines[:20], lines[20][:99]], [lines[20][99:], *lines[21:]]]


def grow(lines: list[bytes], where: Path) -> None:
    if where.is_socket():
        with redis.Redis(unix_socket_path=str(where)) as client:
            client.rpush("suricata", *lines)
    else:
        with where.open("ab") as file:
            file.writelines(lines)


@pytest.mark.parametrize("way", ["tail", "list", "filebeat"])
def test_a_service_that_follows_the_log_ends_where_its_replay_ends(way: str, replayed: Any, tmp_path: Path) -> None:
    lines = eve("chain")
    if way == "filebeat":
        lines = [json.dumps({"@timestamp": "x", "message": one.decode().strip()}).encode() for one in lines]
    with EmbeddedServer() as server:
        source = f'type = "redis_list"\nurl = "{server.url}"\nkey = "suricata"'
        if way == "tail":
            source = f'type = "tail"\npath = "{tmp_path}/eve.json"'
        logs = "".join(f'[[sources]]\ntype = "tail"\npath = "{PCAPS / log}"\n' for log in DEMO["endpoint"])
        (tmp_path / "an1496.toml").write_text(
            f'store.url = "{server.url}"\nsensor.ca_bundle = "{PCAPS / DEMO["ca_bundle"]}"\n'
            f'live = {{ ledger = "{tmp_path}/ledger.jsonl", wait_seconds = 0 }}\n'
            f'sinks = [{{ type = "file", path = "{tmp_path}/notices.jsonl" }}]\n[[sources]]\n{source}\n{logs}'
        )
        for half in halves(lines, way):
            grow(half, tmp_path / "eve.json" if way == "tail" else server.socket)
            command("run", "--config", str(tmp_path / "an1496.toml"), "--once")
    expected = {row["uid"]: row for row in rows(replayed("chain") / "sessions.jsonl")}
    assert {row["uid"]: settled(row) for row in rows(tmp_path / "ledger.jsonl")} == expected
    last = {notice["id"]: notice for notice in rows(tmp_path / "notices.jsonl")}
    assert told(list(last.values())) == told(rows(replayed("chain") / "notices.jsonl"))
