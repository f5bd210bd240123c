"""TLS that is no plain TCP connection: DTLS, QUIC, after STARTTLS, behind proxies, inside tunnels."""

from typing import Any

import daemons
from case import Case
from lab import Lab
from packets import gre, vxlan
from pki import Pki
from stacks import (
    curl,
    gnutls_datagram_client,
    gnutls_datagram_server,
    openssl_client,
    openssl_datagram_client,
    openssl_datagram_server,
    openssl_server,
    quic_client,
    quic_server,
)
from windows import edge, unsigned

DTLS10 = "NORMAL:-VERS-ALL:+VERS-DTLS1.0"
LINE = b"hello\n"


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("wire", "*.wire.example")
    pki.issue("wire-self", "*.wire.example", issuer=None, days=60)
    case = Case(lab, "wire", "DTLS, QUIC, STARTTLS, proxies and tunnels, good and self-signed")
    host = case.host("ws-51.corp.example", "10.20.9.51", noise=40)
    names = "dtls dtls-self quic quic-retry mail mail-self mailbox db proxy proxied tunnel plain socks"
    at = {
        name: lab.server(f"198.51.100.{160 + number}", f"{name}.wire.example")
        for number, name in enumerate(names.split())
    }
    (lab.work / "www").mkdir()
    (lab.work / "www" / "index.html").write_text("<p>Welcome.")

    def program(name: str) -> Any:
        return unsigned(f"C:\\Users\\kim.dahl\\Downloads\\{name}.exe", age=1.2, ends=0.1)

    browser, seen = edge(), {name: program(name) for name in ("dtls-self", "dtls-old", "mail-self", "proxied")}
    udp = {"proto": "udp"}
    visible: dict[str, Any] = {"resumed": False, "cert_visible": True, "established": True}
    hidden: dict[str, Any] = {"version": "TLSv13", "resumed": False, "cert_visible": False}

    def name(label: str) -> dict[str, Any]:
        return {"server_name": f"{label}.wire.example"}

    lab.serve(4433, openssl_datagram_server(at["dtls"], 4433, "wire", chain=True))
    lab.serve(4433, openssl_datagram_server(at["dtls-self"], 4433, "wire-self"))
    lab.serve(4434, gnutls_datagram_server(4434, "wire", DTLS10))
    lab.serve(443, quic_server(at["quic"], 443, "wire"))
    lab.serve(443, [*quic_server(at["quic-retry"], 443, "wire"), "--validate-addr"])
    lab.serve(25, daemons.mail(at["mail"], 25, "wire"))
    lab.serve(25, daemons.mail(at["mail-self"], 25, "wire-self"))
    lab.serve(143, daemons.mailbox(lab.work, at["mailbox"], 143, "wire"))
    lab.serve(5432, daemons.database(lab.work, at["db"], 5432, "wire"))
    lab.serve(3128, daemons.web_proxy(lab.work, at["proxy"], 3128))
    lab.serve(1080, daemons.socks_proxy(at["socks"], 1080))
    lab.serve(443, openssl_server(at["proxied"], 443, "wire-self", "-tls1_2"))
    lab.serve(443, openssl_server(at["tunnel"], 443, "wire", "-tls1_2", chain=True))
    lab.serve(443, openssl_server(at["plain"], 443, "wire", "-tls1_2", chain=True))

    with case.recording():
        server = (at["dtls"], 4433)
        command = openssl_datagram_client(*server, sni="dtls.wire.example")
        case.act(host, browser, server, command, stdin=LINE, version="DTLSv12", **udp, **visible, **name("dtls"))
        server = (at["dtls-self"], 4433)
        case.act(  # media name no server and use any port: neither is odd in DTLS
            host, seen["dtls-self"], server, openssl_datagram_client(*server), "self_signed", stdin=LINE,
            version="DTLSv12", **udp, **visible,
        )  # fmt: skip
        server = ("10.20.0.1", 4434)  # it listens everywhere, and answers from the first address
        command = gnutls_datagram_client(*server, "dtls-old.wire.example", DTLS10)
        case.act(
            host, seen["dtls-old"], server, command, "legacy_version", stdin=LINE,
            version="DTLSv10", **udp, **visible, **name("dtls-old"),
        )  # fmt: skip
        for label in ("quic", "quic-retry"):
            server = (at[label], 443)
            command = quic_client(f"{label}.wire.example", 443)
            case.act(host, browser, server, command, **udp, **hidden, **name(label))

        for label, port, protocol in (("mail", 25, "smtp"), ("mailbox", 143, "imap"), ("db", 5432, "postgres")):
            server = (at[label], port)
            command = openssl_client(*server, "-tls1_2", "-starttls", protocol, sni=f"{label}.wire.example")
            command.remove("-ign_eof")
            case.act(host, browser, server, command, stdin=LINE, version="TLSv12", **visible, **name(label))
        server = (at["mail-self"], 25)
        command = openssl_client(*server, "-tls1_2", "-starttls", "smtp")
        command.remove("-ign_eof")
        case.act(
            host, seen["mail-self"], server, command, "no_sni", "self_signed", stdin=LINE,
            version="TLSv12", **visible,
        )  # fmt: skip
        server = (at["db"], 5432)
        command = ["psql", "host=db.wire.example user=postgres sslmode=require", "-c", "select 1"]
        case.act(host, browser, server, command, **hidden, **name("db"))

        server = (at["proxy"], 3128)
        url = "https://proxied.wire.example/"
        target = {"proxy_target": "proxied.wire.example:443"}
        case.act(
            host, seen["proxied"], server, curl(url, "-k", "--proxy", "http://proxy.wire.example:3128"), "self_signed",
            version="TLSv12", **visible, **name("proxied"), **target,
        )  # fmt: skip
        server = (at["socks"], 1080)
        command = curl("https://plain.wire.example/", "--socks5-hostname", "socks.wire.example:1080")
        target = {"proxy_target": "plain.wire.example:443"}
        case.act(host, browser, server, command, version="TLSv12", **visible, **name("plain"), **target)

        server = (at["tunnel"], 443)
        tunnelled = [
            case.act(
                host,
                browser,
                server,
                curl("https://tunnel.wire.example/"),
                version="TLSv12",
                **visible,
                **name("tunnel"),
            )
            for _ in range(2)
        ]
    case.settle()
    for act, change in zip(tunnelled, (vxlan(7001), gre(77)), strict=True):
        case.edit(act, change)
    case.notice(seen["dtls-self"], "high")
    case.notice(seen["mail-self"], "high")
    case.notice(seen["proxied"], "high")
    return [case.write()]
