"""Clocks that lie: connection events half a day off, a host on local time stamped Z, an offset changed by a reboot."""

from collections.abc import Callable
from typing import Any

from case import Case
from lab import Lab
from pki import Pki
from stacks import curl, openssl_server, python_client
from windows import SYSTEM32, Program, explorer, onedrive, unsigned, windows_file

HALF_DAY = -(12 * 3600 + 5 * 60 + 17)
LOCAL_TIME = 2 * 3600
FIRST_BOOT, SECOND_BOOT = 31.4, -3 * 86400 - 7.0


def network_clock(error: float) -> Callable[[int, float], float]:
    """Only connection and name query events are wrong."""
    return lambda eid, ts: ts + error if eid in (3, 22) else ts


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("files", "files.cloud.example", rsa_bits=None)
    pki.issue("relay", "relay", issuer=None, days=60)
    case = Case(
        lab, "clocks", "Wrong clocks: connection events 12 h off, a whole host 2 h off, an offset changed by a reboot"
    )
    finance = case.host("fin-02.corp.example", "10.20.1.12", clock=network_clock(HALF_DAY))
    workshop = case.host("lab-02.corp.example", "10.20.1.13", shape="xml", clock=lambda _, ts: ts + LOCAL_TIME)
    boots: dict[str, Any] = {"address": "10.20.1.14", "shape": "winlogbeat", "machine": "b7d40c11"}
    before = case.host("eng-05.corp.example", clock=network_clock(FIRST_BOOT), boot=11, **boots)
    after = case.host("eng-05.corp.example", clock=network_clock(SECOND_BOOT), boot=12, **boots)

    files = (lab.server("203.0.113.12", "files.cloud.example"), 443)
    relay, second = (lab.server("198.51.100.66"), 6666), (lab.server("198.51.100.67"), 6666)
    lab.serve(443, openssl_server(*files, "files", chain=True))
    lab.serve(6666, openssl_server(*relay, "relay", "-tls1_2"))
    lab.serve(6666, openssl_server(*second, "relay", "-tls1_2"))

    spool = unsigned("C:\\Users\\Public\\spool64.exe", " -s")
    rundll = Program(
        windows_file("rundll32.exe", "Windows host process (Rundll32)"),
        f"{SYSTEM32}rundll32.exe C:\\Users\\Public\\thumbs.dat,Start",
        parent=explorer(),
        age=1.8,
    )
    updater = unsigned("C:\\ProgramData\\upd\\winupd.exe")
    restarted = unsigned("C:\\ProgramData\\upd\\winupd.exe", age=75.0)
    abnormal = ("self_signed", "unusual_port", "no_sni")

    def work(host: Any, program: Program, server: tuple[str, int], error: float) -> None:
        truth: dict[str, Any] = {"clock_offset": -error}
        drive = onedrive(parent=explorer(age=400.0))
        case.act(host, drive, files, curl("https://files.cloud.example/"), server_name="files.cloud.example", **truth)
        case.act(host, program, server, python_client(*server, "--times", "3"), *abnormal, version="TLSv12", **truth)

    with case.recording():
        work(finance, spool, relay, HALF_DAY)
        work(workshop, rundll, relay, LOCAL_TIME)
        work(before, updater, relay, FIRST_BOOT)
        case.skip(2400)
        work(after, restarted, second, SECOND_BOOT)
    case.settle()
    for program in (spool, rundll, updater, restarted):
        case.notice(program, "high")
    return [case.write("capture.pcap.gz")]
