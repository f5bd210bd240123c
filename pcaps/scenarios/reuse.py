"""Identities that are not unique: reused PIDs and ports, two processes on one tuple; hosts that report little."""

from dataclasses import replace
from typing import Any

import sysmon
from case import ALL_LEGS, Case
from lab import Lab
from pki import Pki
from stacks import curl, openssl_server, python_client
from windows import explorer, onedrive, unsigned


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("files", "files.cloud.example", rsa_bits=None)
    pki.issue("box", "box", issuer=None, days=60)
    case = Case(
        lab, "reuse", "Reused PIDs and source ports, ambiguous connections, hosts without Sysmon 3, one without any"
    )
    reused = case.host("dev-01.corp.example", "10.20.4.1", shape="xml_lines")
    filtered = case.host("dev-02.corp.example", "10.20.4.2", network="wfp")
    mute = case.host("dev-03.corp.example", "10.20.4.3", network="none", shape="winlogbeat")
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
    quiet = unsigned("C:\\Users\\mia.roth\\Music\\player.exe", age=4.0)
    abnormal = ("self_signed", "unusual_port", "no_sni")
    sites = {"server_name": "files.cloud.example"}
    weak: dict[str, Any] = {"disposition": "no_network_event", "method": "library_time"}

    with case.recording():
        case.act(reused, tool, files, curl("https://files.cloud.example/"), pid=4120, **sites)
        case.skip(180)
        case.act(reused, implant, box, python_client(*box), *abnormal, pid=4120)
        same_port = python_client(*gate, "--source-port", "50444", "--reset")
        case.act(reused, first, gate, same_port, "self_signed", "no_sni")
        case.skip(900)
        case.act(reused, second, gate, same_port, "self_signed", "no_sni")
        both = {"disposition": "ambiguous", "image": None, "process_guid": None}
        both["candidates"] = sorted([parent.image, child.image])
        shared = case.act(reused, child, box, python_client(*box), *abnormal, **both)
        case.act(filtered, onedrive(parent=explorer()), files, curl("https://files.cloud.example/"), **sites)
        case.act(filtered, agent, box, python_client(*box, "--times", "2"), *abnormal)
        case.act(mute, quiet, box, python_client(*box), *abnormal, **weak)
        case.act(unseen, unsigned("-"), gate, python_client(*gate), "self_signed", "no_sni")
    case.settle()
    inherited = case.process(reused, parent)
    reused.events += case.life(inherited, shared.flows)
    flow = shared.flows[0]
    reused.events.append(sysmon.connected(inherited, flow.client, flow.server, flow.syn + 0.012))
    mute.events = [replace(e, delay=0.2) for e in mute.events if e.eid not in (3, 22)]
    case.notice(implant, "high")
    case.notice(first, "high")
    case.notice(second, "high")
    case.notice(agent, "high")
    case.notice(child, "medium", image="", legs=ALL_LEGS)
    case.notice(quiet, "medium")
    return [case.write()]
