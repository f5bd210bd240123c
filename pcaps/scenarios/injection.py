"""Foreign code in programs that may do TLS: a remote thread in a service and in the desktop, a replaced image."""

from typing import Any

import sysmon
from case import Case
from lab import Lab
from pki import Pki
from stacks import curl, openssl_server, python_client
from windows import SCHANNEL, chrome, explorer, svchost, unsigned

HOURS = 6 * 3600.0


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("update", "update.vendor.example")
    pki.issue("implant", "localhost", issuer=None, days=45, organization="Acme Co")
    case = Case(
        lab,
        "injection",
        "Remote threads in long-running svchost and explorer, a hollowed browser; then self-signed TLS",
    )
    host = case.host("app-03.corp.example", "10.20.3.3", noise=120)
    update = (lab.server("203.0.113.11", "update.vendor.example"), 443)
    implant, other = (lab.server("198.51.100.90"), 443), (lab.server("198.51.100.91"), 443)
    lab.serve(443, openssl_server(*update, "update", "-tls1_2", chain=True))
    lab.serve(443, openssl_server(*implant, "implant", "-tls1_2"))
    lab.serve(443, openssl_server(*other, "implant", "-tls1_2"))

    injector = unsigned("C:\\Users\\Public\\dism64.exe", " /apply", age=60, modules={})
    service, desktop = svchost("Schedule", age=HOURS), explorer(age=HOURS, created=True, pid=None)
    hollow = chrome(parent=injector, modules=dict(SCHANNEL), age=4.0)
    windows_update = svchost("wuauserv", age=HOURS)
    with case.recording():
        case.act(
            host, windows_update, update, curl("https://update.vendor.example/"), server_name="update.vendor.example"
        )
        for program, server in ((service, implant), (desktop, other), (hollow, implant)):
            case.act(
                host, program, server, python_client(*server, "--times", "2"), "self_signed", "no_sni", version="TLSv12"
            )
    case.settle()
    for program in (service, desktop):
        first = case.flows_of(program)[0].syn
        actor = case.process(host, injector, start=case.flows_of(service)[0].syn - injector.age)
        host.events.append(sysmon.remote_thread(actor, case.process(host, program), first - 9.5))
    actor = case.process(host, injector)
    host.events += case.life(actor, [])
    host.events.append(sysmon.tampered(case.process(host, hollow), case.process(host, hollow).start + 0.02))
    case.notice(service, "high", evidence=["late_load", "remote_thread"])
    case.notice(desktop, "high", evidence=["late_load", "remote_thread"])
    case.notice(hollow, "high", evidence=["image_tampering"])
    return [case.write("capture.pcapng")]
