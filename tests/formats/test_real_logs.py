"""Logs of a real lab: what a plain loop counts is what is read."""

import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from enricher import formats
from enricher.model.library import tier

CAMPAIGN = Path(__file__).resolve().parents[3] / "shared/data/otrf/LSASS_campaign_05"
HOST_LOG = CAMPAIGN / "metasploit_sharpdump_lsass_memory_dump.zip"
ZEEK_LOGS = CAMPAIGN / "metasploit_sharpdump_lsass_memory_dump_zeek_logs.zip"
pytestmark = pytest.mark.skipif(not HOST_LOG.exists(), reason="needs the shared lab logs")


def member(archive, suffix):
    with zipfile.ZipFile(archive) as file:
        return file.read(next(n for n in file.namelist() if n.endswith(suffix)))


@pytest.fixture(scope="module")
def host_log():
    return member(HOST_LOG, ".json")


def expected(events):
    """Kinds of record by a plain loop over decoded lines."""
    kinds = Counter()
    for event in events:
        if event["SourceName"] == "Microsoft-Windows-Sysmon":
            match int(event["EventID"]):
                case 1:
                    kinds["ProcessStart"] += 1
                case 3:
                    kinds["NetworkConnect"] += 1
                case 5:
                    kinds["ProcessEnd"] += 1
                case 8 | 25:
                    kinds["ProcessTamper"] += 1
                case 7:
                    loaded = event["ImageLoaded"]
                    own = loaded.lower() in (event["Image"].lower(),) or loaded.lower().endswith(".exe")
                    kinds["ModuleLoad"] += own or tier(loaded) is not None
        elif event["SourceName"] == "Microsoft-Windows-Security-Auditing":
            kinds["ProcessStart"] += int(event["EventID"]) == 4688
            kinds["NetworkConnect"] += int(event["EventID"]) in (5156, 5158)
    return +kinds


def test_the_host_log_gives_what_a_plain_loop_counts(host_log, read):
    assert formats.recognise(host_log[: 1 << 16]) == "flat_json"
    result = read("flat_json", host_log)
    lines = host_log.splitlines()
    assert Counter(type(e).__name__ for e in result.out) == expected(map(json.loads, lines))
    assert result.records == len(lines)
    assert sum(result.skipped.values()) + len(result.out) == len(lines)
    assert not result.problems
    assert {e.host for e in result.out} == {"mkt01.pandalab.com"}


def test_the_tls_sessions_of_the_lab_are_seen_half(read):
    data = member(ZEEK_LOGS, "ssl.log")
    assert formats.recognise(data) == "zeek"
    sessions = read("zeek", data).out
    assert [(o.resp_h, o.resp_p, o.client_hello_seen, o.established, o.cert_visible) for o in sessions] == [
        ("10.0.5.14", 6666, False, None, True)
    ] * 2


def test_the_certificate_and_the_connections_of_the_sessions_are_found(read):
    sessions = read("zeek", member(ZEEK_LOGS, "ssl.log")).out
    (certificate,) = read("zeek", member(ZEEK_LOGS, "x509.log")).out
    connections = {c.uid: c for c in read("zeek", member(ZEEK_LOGS, "conn.log")).out}
    assert {fp for o in sessions for fp in o.cert_chain_fps} == {certificate.fingerprint}
    assert all(connections[o.uid].history == "^hadf" for o in sessions)
