"""A quiet day: every stack, only good sites. Nothing here may alarm anybody."""

from typing import Any

from case import Case
from lab import Lab
from pki import Pki
from stacks import (
    chromium,
    curl,
    gnutls_server,
    go_client,
    java_client,
    node_client,
    node_site,
    openssl_server,
    python_client,
)
from windows import CONTEXT, Program, chrome, edge, explorer, onedrive, powershell, svchost, vendor_file


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("intranet", "intranet.corp.example", "wiki.corp.example")
    pki.issue("api", "api.partner.example", rsa_bits=None)
    pki.issue("mirror", "mirror.packages.example")
    case = Case(
        lab,
        "benign",
        "A benign day: Chromium, Node, Java, Go, Python, curl and GnuTLS between good clients and good sites",
    )
    case.max_severity = "low"
    office = case.host("ws-21.corp.example", "10.20.6.21", noise=120, shape="elastic_agent")
    builder = case.host("build-02.corp.example", "10.20.6.22", noise=80)
    intranet = (lab.server("203.0.113.10", "intranet.corp.example"), 443)
    wiki = (lab.server("203.0.113.14", "wiki.corp.example"), 8443)
    api = (lab.server("203.0.113.13", "api.partner.example"), 443)
    mirror = (lab.server("203.0.113.15", "mirror.packages.example"), 443)
    lab.serve(443, node_site(*intranet, "intranet"))
    lab.serve(8443, gnutls_server(8443, "intranet"))
    lab.serve(443, node_site(*api, "api", "TLSv1.2"))
    lab.serve(443, openssl_server(*mirror, "mirror", chain=True))

    def tool(
        path: str, company: str, product: str, version: str, signer: str | None, arguments: str, user: str
    ) -> Program:
        file = vendor_file(path, company, product, version, signer)
        return Program(file, f'"{path}" {arguments}', parent=explorer(), user=f"CORP\\{user}", modules=dict(CONTEXT))

    node = tool(
        "C:\\Program Files\\nodejs\\node.exe", "Node.js", "Node.js", "22.20.0", "OpenJS Foundation", "build.mjs", "ci"
    )
    java = tool(
        "C:\\Program Files\\Eclipse Adoptium\\jdk-17.0.15.6-hotspot\\bin\\java.exe",
        "Eclipse Adoptium",
        "OpenJDK Platform 17",
        "17.0.15.0",
        "Eclipse.org Foundation, Inc.",
        "-jar app.jar",
        "ci",
    )
    go = tool("C:\\Go\\bin\\fetch.exe", "-", "-", "-", None, "mirror", "ci")
    python = tool(
        "C:\\Python311\\python.exe",
        "Python Software Foundation",
        "Python",
        "3.11.9",
        "Python Software Foundation",
        "poll.py",
        "ci",
    )
    python.foreign = vendor_file(
        "C:\\Python311\\DLLs\\libssl-3.dll",
        "The OpenSSL Project, https://www.openssl.org/",
        "The OpenSSL Toolkit",
        "3.0.13",
        "Python Software Foundation",
    )
    with case.recording():
        case.act(
            office, chrome(), intranet, chromium("https://intranet.corp.example/"), server_name="intranet.corp.example"
        )
        case.act(
            office, chrome(age=90.0), wiki, chromium("https://wiki.corp.example:8443/"), server_name="wiki.corp.example"
        )
        case.act(
            office,
            onedrive("lea.stein"),
            api,
            curl("https://api.partner.example/"),
            server_name="api.partner.example",
            version="TLSv12",
        )
        case.act(
            office,
            edge(),
            intranet,
            curl("https://intranet.corp.example/", "--http1.1"),
            server_name="intranet.corp.example",
        )
        case.act(
            office,
            svchost("BITS", created=False, age=30_000),
            mirror,
            curl("https://mirror.packages.example/"),
            server_name="mirror.packages.example",
        )
        case.act(
            office,
            powershell("-File inventory.ps1"),
            api,
            curl("https://api.partner.example/"),
            server_name="api.partner.example",
            version="TLSv12",
        )
        case.act(
            builder, node, api, node_client("api.partner.example"), server_name="api.partner.example", version="TLSv12"
        )
        case.act(builder, java, intranet, java_client("intranet.corp.example"), server_name="intranet.corp.example")
        case.act(builder, go, mirror, go_client("mirror.packages.example"), server_name="mirror.packages.example")
        command = python_client(*mirror, "--sni", "mirror.packages.example", "--ca", "ca.pem", "--times", "3")
        case.act(builder, python, mirror, command, server_name="mirror.packages.example")
    case.settle()
    return [case.write()]
