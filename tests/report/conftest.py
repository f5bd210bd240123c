"""Builders of notices and ledger rows; each test names only what it is about."""

import pytest

from enricher.model.session import Clock, Parent
from enricher.model.verdict import (
    Evidence,
    LedgerRow,
    Legs,
    Notice,
    NoticeProcess,
    NoticeServer,
    NoticeSession,
)

T0 = 1_650_000_000.0
LEGS = Legs(process="present", library="absent", session="unavailable")


class Make:
    t0 = T0

    def evidence(self, **changes):
        facts = {"id": "unsigned", "leg": "process", "weight": 15, "text": "a.exe is not signed.", "source": "e.json:1"}
        return Evidence(**{**facts, **changes})

    def process(self, **changes):
        facts = {
            "guid": "0b5d",
            "pid": 42,
            "image": r"C:\Users\bob\a.exe",
            "user": r"CORP\bob",
            "command_line": "a.exe -x",
            "parent": Parent(image=r"C:\Windows\explorer.exe"),
            "signer": None,
            "signature_status": None,
            "original_file_name": None,
            "hashes": {"sha256": "ab" * 32},
            "start": T0 - 9,
        }
        return NoticeProcess(**{**facts, **changes})

    def server(self, **changes):
        facts = {"address": "203.0.113.7", "port": 443, "name": "example.org", "subject": "CN=x", "issuer": "CN=x"}
        return NoticeServer(**{**facts, "cert_sha256": None, "ja3s": None, **changes})

    def session(self, **changes):
        facts = {
            "uid": "C1",
            "ts": T0,
            "orig_h": "10.0.0.5",
            "orig_p": 50000,
            "resp_h": "203.0.113.7",
            "resp_p": 443,
            "community_id": None,
            "anomalies": ("self_signed",),
            "ja3": None,
            "ja4": None,
            "method": "tuple",
            "source": "a.pcap:7",
        }
        return NoticeSession(**{**facts, **changes})

    def notice(self, **changes):
        facts = {
            "id": "AN1496-0123456789abcdef",
            "revision": 1,
            "severity": "high",
            "score": 88,
            "summary": "a.exe opened a TLS session",
            "first": T0,
            "last": T0,
            "count": 1,
            "host": "ws1",
            "client": ("10.0.0.5",),
            "process": self.process(),
            "candidates": (),
            "server": self.server(),
            "sessions": (self.session(),),
            "legs": LEGS,
            "evidence": (self.evidence(),),
            "clock": Clock(offset=-3.25, confidence="high", samples=9),
            "unseen": ("The ClientHello was not seen.",),
        }
        return Notice(**{**facts, **changes})

    def row(self, **changes):
        facts = {
            "ts": T0,
            "uid": "C1",
            "orig_h": "10.0.0.5",
            "orig_p": 50000,
            "resp_h": "203.0.113.7",
            "resp_p": 443,
            "disposition": "matched",
            "host": "ws1",
            "anomalies": (),
            "candidates": (),
            "severity": "low",
            "score": 1,
            "legs": LEGS,
            "reports_network": True,
        }
        empty = dict.fromkeys(set(LedgerRow.__struct_fields__) - facts.keys())
        return LedgerRow(**{**empty, **facts, **changes})


@pytest.fixture(scope="session")
def make():
    return Make()
