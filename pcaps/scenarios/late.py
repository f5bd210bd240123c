"""Records in any order, without the process's creation, under several names; libraries loaded hours before."""

from dataclasses import replace
from typing import Any

from case import Case, Host
from lab import Lab
from pki import Pki
from stacks import curl, openssl_server, python_client
from sysmon import Event
from windows import edge, unsigned


def split(source: Host, target: Host, *eids: int) -> None:
    """Move these events to the other log."""
    target.events = [e for e in source.events if e.eid in eids]
    source.events = [e for e in source.events if e.eid not in eids]


def nameless(event: Event) -> Event:
    """Sysmon could not tell the image any more; the GUID still holds."""
    return replace(event, fields=event.fields | {"Image": "<unknown process>"}) if event.eid == 3 else event


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("portal", "portal.corp.example")
    pki.issue("drop", "drop", issuer=None, days=60)
    case = Case(
        lab, "late", "Late and shuffled records, processes older than the log, FQDN, NetBIOS and collector names"
    )
    collected = case.host(
        "hr-09.corp.example", "10.20.2.9", shape="elastic_agent", collector="wec-01.corp.example", shuffled=True
    )
    full = case.host("HR-10.corp.example", "10.20.2.10", shape="nxlog", shuffled=True)
    short = case.host("HR-10", "10.20.2.10", shape="winlogbeat", file="hr-10-network.json", machine=full.machine)
    slow = case.host("hr-11.corp.example", "10.20.2.11", shape="xml_lines", shuffled=True)

    portal = (lab.server("203.0.113.20", "portal.corp.example"), 443)
    drop = (lab.server("198.51.100.40"), 9999)
    lab.serve(443, openssl_server(*portal, "portal", "-tls1_2", chain=True))
    lab.serve(9999, openssl_server(*drop, "drop", "-tls1_2"))
    programs = {
        collected: unsigned("C:\\Users\\eva.lang\\AppData\\Local\\Temp\\sync\\synchost.exe", created=False, age=90_000),
        full: unsigned("C:\\Users\\tom.berg\\AppData\\Local\\Temp\\7zS4F\\setup.exe", age=3.0, ends=0.5),
        slow: unsigned("C:\\Windows\\Temp\\msdrv.exe", age=0.9),
    }
    veteran = unsigned("C:\\Users\\Public\\netmon.exe", age=2.0)
    with case.recording():
        for host, program in programs.items():
            case.act(host, edge(), portal, curl("https://portal.corp.example/"), server_name="portal.corp.example")
            case.act(host, program, drop, python_client(*drop, "--times", "2"), "self_signed", "unusual_port", "no_sni")
        command = curl("https://portal.corp.example/")
        case.act(slow, veteran, portal, command, server_name="portal.corp.example")
        case.skip(2 * 3600)
        case.act(slow, veteran, drop, python_client(*drop), "self_signed", "unusual_port", "no_sni")
    case.settle()
    split(full, short, 3, 22)
    slow.events = [replace(nameless(e), delay=case.random.uniform(0.1, 32)) for e in slow.events]
    for program in (*programs.values(), veteran):
        case.notice(program, "high")
    return [case.write()]
