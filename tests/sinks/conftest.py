"""Notices: one that is whole, and any that can be, with text as attackers choose it."""

import msgspec
import pytest
from hypothesis import strategies as st

from enricher.model.session import Clock, Parent
from enricher.model.verdict import Evidence, Legs, Notice, NoticeProcess, NoticeServer, NoticeSession

T0 = 1_650_000_000.0

HOSTILE = (
    "a|b", "a=b src=6.6.6.6", 'x="y"] [z@1 a="b"]', "back\\slash\\", "\\x41\\n", "-", "(empty)", "tab\there", "a,b",
    "line\nCEF:0|forged|", "line\r\n<1>1 - forged", "\x00\x1b[31m\x7f\x85", "\u202egnp.exe", "\u2028", "\ufeff", "ü€😀",
    "\ud800", " lead", "trail ", "]", '"', '{"index":{}}\n{"forged":1}', "",
)  # fmt: skip

LONG = ("A" * 1500, "x=\\|]" * 300, "ü" * 1100)
TEXT = st.sampled_from(HOSTILE + LONG) | st.text(max_size=12)
MAYBE = st.none() | TEXT
HEX = st.sampled_from(("ab" * 16, "cd" * 20, "ef" * 32))
TIMES = st.floats(min_value=0, max_value=4e9)
ADDRESSES = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)
PORTS = st.integers(0, 65535)
STATES = st.sampled_from(("present", "absent", "unavailable"))
ALGORITHMS = st.sampled_from(("md5", "sha1", "sha256", "imphash", "odd]alg=orithm"))
DISPOSITIONS = st.sampled_from((None, "matched", "ambiguous", "late", "no_network_event", "host_unseen"))


def few(strategy: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    return st.lists(strategy, max_size=most).map(tuple)


PIDS = st.none() | st.integers(0, 2**32)
PARENTS = st.builds(Parent, guid=MAYBE, pid=PIDS, image=MAYBE, command_line=MAYBE)
PROCESSES = st.builds(
    NoticeProcess, guid=MAYBE, pid=PIDS, image=MAYBE, user=MAYBE, command_line=MAYBE,
    parent=st.none() | PARENTS,
    signer=MAYBE, signature_status=MAYBE, original_file_name=MAYBE, start=st.none() | TIMES,
    hashes=st.none() | st.dictionaries(ALGORITHMS, HEX, max_size=4),
)  # fmt: skip
SERVERS = st.builds(
    NoticeServer, address=ADDRESSES, port=PORTS, name=MAYBE, subject=MAYBE, issuer=MAYBE, cert_sha256=st.none() | HEX,
    ja3s=st.none() | HEX, serial=MAYBE, not_valid_before=st.none() | TIMES, not_valid_after=st.none() | TIMES,
)  # fmt: skip
VERSIONS = st.sampled_from((None, "TLSv12", "TLSv13", "SSLv3", "DTLSv12", "unknown-771"))
SESSIONS = st.builds(
    NoticeSession, uid=TEXT, ts=TIMES, orig_h=ADDRESSES, orig_p=PORTS, resp_h=ADDRESSES, resp_p=PORTS,
    community_id=MAYBE, anomalies=few(TEXT), ja3=st.none() | HEX, ja4=MAYBE, method=MAYBE, source=MAYBE,
    disposition=DISPOSITIONS, version=VERSIONS, cipher=MAYBE,
)  # fmt: skip
EVIDENCE = st.builds(
    Evidence, id=TEXT, leg=st.sampled_from(("process", "library", "session")), weight=st.integers(-100, 100), text=TEXT,
    ts=st.none() | TIMES, offset=st.none() | st.floats(-1e6, 1e6), source=MAYBE,
)  # fmt: skip
LEGS = st.builds(Legs, process=STATES, library=STATES, session=STATES)
CLOCKS = st.builds(Clock, offset=st.none() | st.floats(-1e6, 1e6), confidence=st.just("low"), samples=st.integers(0, 9))
NOTICES = st.builds(
    Notice, id=st.from_regex(r"AN1496-[0-9a-f]{16}", fullmatch=True), revision=st.integers(1, 9),
    severity=st.sampled_from(("informational", "low", "medium", "high")), score=st.integers(0, 100), summary=TEXT,
    first=TIMES, last=TIMES, count=st.integers(1, 10**6), host=MAYBE, client=few(ADDRESSES),
    process=st.none() | PROCESSES, candidates=few(TEXT), server=SERVERS, sessions=few(SESSIONS), legs=LEGS,
    evidence=few(EVIDENCE), unseen=few(TEXT), clock=st.none() | CLOCKS,
)  # fmt: skip

WHOLE = Notice(
    id="AN1496-0123456789abcdef",
    revision=2,
    severity="high",
    score=88,
    summary="a.exe (42, bob) on ws1 opened a TLS session to 203.0.113.7:443 with a self-signed certificate",
    first=T0,
    last=T0 + 60,
    count=1,
    host="ws1.corp.example",
    client=("10.0.0.5",),
    process=NoticeProcess(
        guid="0b5d",
        pid=42,
        image=r"C:\Users\bob\a.exe",
        user=r"CORP\bob",
        command_line='a.exe -x="1|2" ]',
        parent=Parent(guid="0b5c", pid=41, image=r"C:\Windows\explorer.exe", command_line="explorer.exe"),
        signer="Example Corp",
        signature_status="Expired",
        original_file_name="b.exe",
        hashes={"md5": "ab" * 16, "sha256": "cd" * 32, "sha1": "ab" * 20, "imphash": "ef" * 16},
        start=T0 - 9,
    ),
    candidates=(r"C:\other.exe",),
    server=NoticeServer(
        address="203.0.113.7",
        port=443,
        name="example.org",
        subject="CN=x,O=y",
        issuer="CN=x,O=y",
        cert_sha256="12" * 32,
        ja3s="34" * 16,
        serial="0A0B",
        not_valid_before=T0 - 86400,
        not_valid_after=T0 + 86400,
    ),
    sessions=(
        NoticeSession(
            uid="C1",
            ts=T0,
            orig_h="10.0.0.5",
            orig_p=50000,
            resp_h="203.0.113.7",
            resp_p=443,
            community_id="1:abc=",
            anomalies=("self_signed",),
            ja3="56" * 16,
            ja4="t13d1516h2_8daaf6152771_e5627efa2ab1",
            method="tuple",
            source="a.pcap:7",
            disposition="late",
            version="TLSv12",
            cipher="TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
    ),
    legs=Legs(process="present", library="absent", session="unavailable"),
    evidence=(
        Evidence(id="unsigned", leg="process", weight=15, text="a.exe is not signed.", ts=T0, source="e.json:1"),
        Evidence(id="known_program", leg="process", weight=-20, text="It is known."),
    ),
    clock=Clock(offset=-3.25, confidence="high", samples=9),
    unseen=("The ClientHello was not seen.", "The host does not report module loads."),
)


@pytest.fixture(scope="session")
def notices() -> st.SearchStrategy[Notice]:
    """Any notice."""
    return NOTICES


@pytest.fixture(scope="session")
def whole() -> Notice:
    """A notice in which everything is known."""
    return WHOLE


@pytest.fixture(scope="session")
def bare() -> Notice:
    """A notice in which nothing is known that need not be."""
    nobody = dict.fromkeys(NoticeServer.__struct_fields__)
    return msgspec.structs.replace(
        WHOLE,
        revision=1,
        host=None,
        process=None,
        candidates=(),
        clock=None,
        unseen=(),
        server=NoticeServer(**{**nobody, "address": "2001:db8::7", "port": 443}),
        client=("2001:db8::5",),
    )
