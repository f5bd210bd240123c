"""Builders of sessions; each test names only what it is about."""

from pathlib import Path

import msgspec
import pytest

from enricher import verdict
from enricher.model.library import tier
from enricher.model.observation import Observation
from enricher.model.session import Clock, Coverage, Library, Parent, Process, Session, Tamper

ROOM = Path(__file__).resolve().parents[2] / "enricher" / "verdict"
T0 = 1_650_000_000.0
ALL_SEEN = Coverage(process_start=True, module_load=True, network_connect=True, process_tamper=True)


class Make:
    """A plain TLS 1.2 session of an installed, signed, unlisted program, with nothing hidden and nothing odd."""

    t0 = T0

    def observation(self, **changes):
        facts = {
            "ts": T0,
            "uid": "C1",
            "orig_h": "10.0.0.5",
            "orig_p": 50000,
            "resp_h": "203.0.113.7",
            "resp_p": 443,
            "source": "a.pcap:7",
            "version": "TLSv12",
            "server_name": "example.org",
            "client_hello_seen": True,
            "cert_visible": True,
            "validation_code": 0,
            "anomalies": (),
        }
        return Observation(**{**facts, **changes})

    def library(self, path, at=0.05, **changes):
        path = path if "\\" in path else rf"C:\Windows\System32\{path}"
        name = path.rpartition("\\")[2]
        facts = {"tier": tier(path), "ts": T0 + at, "signed": True, "signer": "Microsoft Windows", "source": "e.json:3"}
        return Library(**{"name": name, "path": path, **facts, **changes})

    def tamper(self, technique="remote_thread", at=-60.0, **changes):
        facts = {"actor_image": r"C:\Users\bob\Downloads\x.exe", "source": "e.json:9"}
        return Tamper(**{"ts": T0 + at, "technique": technique, **facts, **changes})

    def process(self, image=r"C:\Program Files\Acme\acme.exe", **changes):
        facts = {
            "guid": "0b5d9a5e-0001-0000-0000-000000000001",
            "pid": 4242,
            "user": r"CORP\bob",
            "command_line": image,
            "parent": Parent(pid=1, image=r"C:\Windows\explorer.exe"),
            "original_file_name": (image or "").rpartition("\\")[2],
            "signed": True,
            "signer": "Acme Ltd",
            "signature_status": "Valid",
            "start": T0 - 5.0,
            "start_source": "e.json:1",
        }
        return Process(image=image, **{**facts, **changes})

    def chrome(self, **changes):
        image = r"C:\Program Files\Google\Chrome\Application\chrome.exe"
        return self.process(**{"image": image, "signer": "Google LLC", **changes})

    def svchost(self, service="wuauserv", **changes):
        line = rf"C:\Windows\System32\svchost.exe -k netsvcs -p -s {service}"
        facts = {"command_line": line, "signer": "Microsoft Windows Publisher"}
        return self.process(r"C:\Windows\System32\svchost.exe", **{**facts, **changes})

    def session(self, process=..., observation=None, **changes):
        facts = {
            "disposition": "matched",
            "host": "ws1.corp.example",
            "method": "tuple",
            "connect_source": "e.json:2",
            "connect_ts": T0,
            "clock": Clock(offset=0.0, confidence="high", samples=9),
            "module_clock": Clock(offset=0.0, confidence="high", samples=9),
            "coverage": ALL_SEEN,
        }
        return Session(
            observation=observation or self.observation(),
            process=self.process() if process is ... else process,
            **{**facts, **changes},
        )

    def payload(self, **changes):
        """An implant as the analytic means it: from Downloads, Windows' TLS loaded at the session."""
        libraries = (self.library("schannel.dll", 0.04), self.library("ncryptsslp.dll", 0.07))
        image = r"C:\Users\bob\Downloads\update7.exe"
        facts = {
            "image": image,
            "signed": False,
            "signer": "-",
            "signature_status": "Unavailable",
            "original_file_name": "-",
        }
        return self.process(**{**facts, "libraries": libraries, **changes})

    def c2(self, **changes):
        """Half a conversation with a home-made server."""
        facts = {"resp_p": 6666, "server_name": None, "client_hello_seen": None, "validation_code": None}
        return self.observation(**{**facts, "anomalies": ("self_issued", "unusual_port"), **changes})


@pytest.fixture(scope="session")
def make():
    return Make()


@pytest.fixture(scope="session")
def packaged():
    return (ROOM / "weights.toml").read_bytes(), (ROOM / "known_programs.toml").read_bytes()


@pytest.fixture(scope="session")
def settings(packaged):
    weights, programs = packaged
    return verdict.VerdictSettings(weights=verdict.parse_weights(weights), programs=verdict.parse_programs(programs))


@pytest.fixture(scope="session")
def with_options(settings):
    def change(**options):
        return msgspec.structs.replace(settings, options=verdict.VerdictOptions(**options))

    return change


@pytest.fixture(scope="session")
def judge(settings):
    def judged(session):
        return verdict.judge(session, settings)

    return judged


@pytest.fixture(scope="session")
def ids(judge):
    def found(session):
        return {evidence.id for evidence in judge(session).evidence}

    return found
