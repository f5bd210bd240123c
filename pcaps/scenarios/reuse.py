"""Identities that are not unique: reused PIDs and ports, two processes on one tuple; hosts that report little."""

from dataclasses import replace
from typing import Any

import sysmon
from case import Case, Host
from lab import Lab
from pki import Pki
from stacks import curl, openssl_server, python_client
from windows import SYSTEM32, Program, explorer, onedrive, unsigned, windows_file


def web_server(case: Case, client: Program) -> Host:
    """The other end of a connection reports it too; who accepted it did not open it."""
    flow = case.flows_of(client)[0]
    host = Host("web-01.corp.example", flow.server[0], machine="3c5e7a90")
    worker = Program(windows_file("w3wp.exe", "IIS Worker Process", directory=f"{SYSTEM32}inetsrv\\"), age=900)
    accepted = sysmon.connected(case.process(host, worker), flow.client, flow.server, flow.syn + 0.02)
    host.events = [replace(accepted, fields=accepted.fields | {"Initiated": "false"})]
    return host


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("files", "files.cloud.example", rsa_bits=None)
    pki.issue("box", "box", issuer=None, days=60)
    case = Case(
        lab,
        "reuse",
        "Reused PIDs and source ports, ambiguous connections, hosts whose records of connections are few, lost or none",
    )
    reused = case.host("dev-01.corp.example", "10.20.4.1", shape="xml_lines")
    filtered = case.host("dev-02.corp.example", "10.20.4.2", network="wfp")
    lossy = case.host("dev-03.corp.example", "10.20.4.3", network="lost", shape="winlogbeat", noise=100)
    binding = case.host("dev-04.corp.example", "10.20.4.4", network="bind", noise=100)
    mute = case.host("dev-05.corp.example", "10.20.4.5", network="none", shape="xml")
    lent: dict[str, Any] = {"address": "10.20.4.7", "noise": 20}
    before, after = case.host("lap-06.corp.example", **lent), case.host("lap-07.corp.example", **lent)
    unseen = case.host("camera", "10.20.4.99", shape=None)
    files = (lab.server("203.0.113.12", "files.cloud.example"), 443)
    box = (lab.server("198.51.100.50"), 31337)
    gate = (lab.server("198.51.100.51"), 443)
    lab.serve(443, openssl_server(*files, "files", chain=True))
    lab.serve(31337, openssl_server(*box, "box", "-tls1_2"))
    lab.serve(443, openssl_server(*gate, "box", "-tls1_2"))

    tool = unsigned("C:\\Tools\\sync.exe", pid=4120, ends=0.3)
    implant = unsigned("C:\\Users\\li.chen\\AppData\\Local\\Temp\\a9.exe", pid=4120, age=1.2)
    first, second = unsigned("C:\\Tools\\poll.exe", ends=0.2), unsigned("C:\\PerfLogs\\poll.exe", age=2.0)
    parent = unsigned("C:\\ProgramData\\share\\launch.exe")
    child = unsigned("C:\\ProgramData\\share\\worker.exe", parent=parent)
    agent = unsigned("C:\\ProgramData\\agent\\agentd.exe")
    lost = unsigned("C:\\Users\\mia.roth\\Music\\player.exe", age=4.0)
    binder = unsigned("C:\\Users\\noa.fuchs\\Downloads\\reader.exe", age=4.0)
    quiet = unsigned("C:\\Users\\uwe.lutz\\Downloads\\codec.exe", age=4.0)
    visitor, successor = unsigned("C:\\Users\\Public\\v.exe"), unsigned("C:\\Users\\Public\\v.exe")
    abnormal = ("self_signed", "unusual_port", "no_sni")
    sites: dict[str, Any] = {"server_name": "files.cloud.example"}
    weak: dict[str, Any] = {"disposition": "no_network_event"}
    nobody: dict[str, Any] = {"disposition": "host_unseen", "host": None, "image": None, "process_guid": None}

    with case.recording():
        case.act(reused, tool, files, curl("https://files.cloud.example/", "--tls-max", "1.2"), pid=4120, **sites)
        case.skip(180)
        case.act(reused, implant, box, python_client(*box), *abnormal, pid=4120)
        same_port = python_client(*gate, "--source-port", "50444", "--reset")
        case.act(reused, first, gate, same_port, "self_signed", "no_sni")
        case.act(before, visitor, box, python_client(*box), *abnormal)
        case.skip(900)
        case.act(after, successor, box, python_client(*box), *abnormal)
        case.act(reused, second, gate, same_port, "self_signed", "no_sni")
        both: dict[str, Any] = {"disposition": "ambiguous", "image": None, "process_guid": None}
        both["candidates"] = sorted([parent.image, child.image])
        shared = case.act(reused, child, box, python_client(*box), *abnormal, **both)
        case.act(filtered, onedrive(parent=explorer()), files, curl("https://files.cloud.example/"), **sites)
        case.act(filtered, agent, box, python_client(*box, "--times", "2"), *abnormal)
        case.act(lossy, lost, box, python_client(*box), *abnormal, **weak, method="library_time")
        case.act(binding, binder, box, python_client(*box), *abnormal, **weak, method="bind")
        # A host that reports no connection at all cannot be told by its address.
        case.act(mute, quiet, box, python_client(*box), *abnormal, **nobody)
        case.act(unseen, unsigned("-"), gate, python_client(*gate), "self_signed", "no_sni")
    case.settle()
    case.hosts.append(web_server(case, first))
    inherited = case.process(reused, parent)
    reused.events += case.life(inherited, shared.flows)
    flow = shared.flows[0]
    reused.events.append(sysmon.connected(inherited, flow.client, flow.server, flow.syn + 0.012))
    case.notice(implant, "high")
    case.notice(first, "high")
    case.notice(visitor, "high")
    case.notice(successor, "high")
    case.notice(second, "high")
    case.notice(agent, "high")
    case.notice(child, "medium", image="")
    case.notice(lost, "medium")
    case.notice(binder, "medium")
    return [case.write()]
