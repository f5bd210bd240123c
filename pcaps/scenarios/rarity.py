"""Enough hosts to know which clients are common, and one program on another TLS stack than everybody's."""

from typing import Any

from case import Case
from lab import Lab
from pki import Pki
from stacks import curl, gnutls_client, openssl_server
from windows import edge, unsigned

HOSTS = 24


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("portal", "portal.corp.example")
    pki.issue("drop", "drop.gate.example", issuer=None, days=60)
    case = Case(
        lab, "rarity", "Two dozen hosts with one client in common, and on one of them a client that nobody else has"
    )
    watched = case.host("ws-40.corp.example", "10.20.8.40", shape="winlogbeat", noise=20)
    others = [case.host(f"ws-{41 + n}", f"10.20.8.{41 + n}", shape=None) for n in range(HOSTS - 1)]
    portal = (lab.server("203.0.113.20", "portal.corp.example"), 443)
    drop = (lab.server("198.51.100.40", "drop.gate.example"), 443)
    lab.serve(443, openssl_server(*portal, "portal", "-tls1_2", chain=True))
    lab.serve(443, openssl_server(*drop, "drop", "-tls1_2"))
    common, stranger = edge(), unsigned("C:\\Users\\Public\\Downloads\\viewer.exe", age=2.0)
    with case.recording():
        for host in (watched, *others):
            program = common if host is watched else unsigned("-")
            case.act(host, program, portal, curl("https://portal.corp.example/"), server_name="portal.corp.example")
        command = gnutls_client(*drop, sni="drop.gate.example")
        case.act(watched, stranger, drop, command, "rare_fingerprint", "self_signed", server_name="drop.gate.example")
    case.settle()
    case.notice(stranger, "high", evidence=["rare_fingerprint"])
    return [case.write()]
