"""Every abnormal certificate once, each by a program of its own."""

from typing import Any

import flights
from case import Case
from lab import Lab
from pki import Pki
from stacks import openssl_client, openssl_server, raw_server
from windows import unsigned

SEVERITY = {
    "self": "high",
    "self-long": "high",
    "self-short": "high",
    "unknown": "medium",
    "incomplete": "medium",
    "unknown-short": "high",
    "widgits": "high",
    "broken": "high",
    "expired": "medium",
    "future": "medium",
    "weak-key": "medium",
    "sha1": "medium",
    "other": "medium",
}
"""What many honest servers have (a long life, an authority's certificate) is recorded, but makes no session abnormal."""


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    def name(kind: str) -> str:
        return f"{kind}.zoo.example"

    trusted: dict[str, dict[str, Any]] = {
        "good": {},
        "ec-good": {"rsa_bits": None},
        "long": {"days": 30 * 365},
        "expired": {"start": -100, "days": 60},
        "future": {"start": 40},
        "weak-key": {"rsa_bits": 1024},
        "ca-leaf": {"ca": True},
    }
    private: dict[str, dict[str, Any]] = {
        "self": {"issuer": None, "days": 60},
        "self-long": {"issuer": None, "days": 30 * 365},
        "self-short": {"issuer": None, "start": -0.2, "days": 2},
        "unknown": {"issuer": "unknown"},
        "unknown-short": {"issuer": "unknown", "start": -0.2, "days": 2},
    }
    for kind, how in (trusted | private).items():
        pki.issue(kind, name(kind), **how)
    pki.issue("incomplete", name("incomplete"))
    pki.issue("broken", name("broken"))
    pki.issue("trusted-short", name("trusted-short"), start=-0.2, days=6)
    pki.issue("other", "somewhere-else.example")
    pki.sha1_signed("sha1", name("sha1"))
    pki.openssl_default("widgits")
    anomalies: dict[str, tuple[str, ...]] = {
        "good": (),
        "ec-good": (),
        "long": ("long_validity",),
        "expired": ("expired",),
        "future": ("not_yet_valid",),
        "weak-key": ("weak_key",),
        "ca-leaf": ("leaf_is_ca",),
        "sha1": ("weak_signature",),
        "other": ("sni_mismatch",),
        "self": ("self_signed",),
        "self-long": ("long_validity", "self_signed"),
        "self-short": ("self_signed", "short_validity"),
        "unknown": ("untrusted_issuer",),
        "unknown-short": ("short_validity", "untrusted_issuer"),
        "trusted-short": (),
        "incomplete": ("untrusted_issuer",),
        "widgits": ("default_subject", "no_sni", "self_signed"),
    }
    case = Case(lab, "certificates", "Every abnormal certificate, each served to a program of its own")
    host = case.host("zoo-01.corp.example", "10.20.5.1", file="zoo-01.json.gz")
    servers = {}
    for number, kind in enumerate(anomalies):
        servers[kind] = (lab.server(f"203.0.113.{100 + number}", name(kind)), 443)
        options = ("-tls1_2", "-cipher", "DEFAULT@SECLEVEL=0")
        lab.serve(
            443,
            openssl_server(
                *servers[kind], kind, *options, chain=kind in trusted or kind in ("sha1", "other", "trusted-short")
            ),
        )
    broken = (lab.server("203.0.113.140", name("broken")), 443)
    programs = {
        k: unsigned(f"C:\\Users\\max.klein\\AppData\\Local\\Temp\\{k}.exe", age=1.5, ends=0.1)
        for k in (*servers, "broken")
    }
    with case.recording():
        for kind, server in servers.items():
            sni = None if kind == "widgits" else name(kind)
            command = openssl_client(*server, "-tls1_2", "-cipher", "DEFAULT@SECLEVEL=0", sni=sni)
            case.act(host, programs[kind], server, command, *anomalies[kind], server_name=sni, version="TLSv12")
        flight = lab.work / "broken.flight"
        flight.write_bytes(flights.broken_certificate(lab.work, "broken"))
        lab.serve(443, raw_server(*broken, "--flight", str(flight)))
        command = openssl_client(*broken, "-tls1_2", sni=name("broken"))
        case.act(
            host, programs["broken"], broken, command, "handshake_failed", "malformed_certificate", established=False
        )
    case.settle()
    for kind, severity in SEVERITY.items():
        case.notice(programs[kind], severity)
    return [case.write()]
