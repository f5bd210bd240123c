"""Handshakes of every kind: versions, ciphers, failures, fallback, retries, resumption; and odd vantage points."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flights
from case import ALL_LEGS, Act, Case
from lab import Lab
from packets import Endpoint, rough, vlan
from pki import Pki
from stacks import LEGACY, gnutls_client, gnutls_server, openssl_client, openssl_server, python_client, raw_server
from windows import edge, unsigned

OLD = ("-cipher", LEGACY)
LEGACY_GNUTLS = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL"


@dataclass
class Kind:
    """One server, and the clients that come to it one after another, as (options, anomalies, truth)."""

    server: Sequence[str] = ()
    clients: Sequence[tuple[Sequence[str], Sequence[str], dict[str, Any]]] = ()
    cert: str = "site"
    sni: bool = True
    port: int = 443
    suspect: bool = False
    """An unsigned program makes the connections; else it is a browser, and no notice is due."""
    severity: str | None = None
    """Of the notice; None: one hint that many honest sessions give makes none abnormal."""
    address: str = ""
    acts: list[Act] = field(default_factory=list)

    @property
    def where(self) -> Endpoint:
        return self.address, self.port


def one(*options: str, anomalies: Sequence[str] = (), **truth: Any) -> Sequence[tuple[Any, Any, Any]]:
    return ((options, anomalies, truth),)


FULL: dict[str, Any] = {"version": "TLSv12", "resumed": False, "cert_visible": True}
AGAIN: dict[str, Any] = {"version": "TLSv12", "resumed": True, "cert_visible": False}
REFUSED: dict[str, Any] = {"established": False}

OPENSSL: dict[str, Kind] = {
    "tls10": Kind(("-tls1", *OLD), one("-tls1", *OLD, anomalies=["legacy_version"], version="TLSv10"), suspect=True),
    "tls11": Kind(
        ("-tls1_1", *OLD), one("-tls1_1", *OLD, anomalies=["legacy_version"], version="TLSv11"), suspect=True
    ),
    "tls12": Kind(("-tls1_2",), one(**FULL, established=True)),
    "tls12-modern": Kind((), one("-tls1_2", **FULL)),
    "tls13": Kind((), one(version="TLSv13", cert_visible=False, resumed=False)),
    "null": Kind(
        ("-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"),
        one("-tls1_2", *OLD, anomalies=["weak_cipher"], cipher="TLS_RSA_WITH_NULL_SHA256"),
        suspect=True,
    ),
    "anonymous": Kind(
        ("-tls1_2", "-cipher", "ADH-AES128-GCM-SHA256:@SECLEVEL=0"),
        one("-tls1_2", *OLD, anomalies=["weak_cipher"], cipher="TLS_DH_ANON_WITH_AES_128_GCM_SHA256"),
        suspect=True,
        severity="low",
    ),
    "no-common-cipher": Kind(
        ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"),
        one(
            "-tls1_2",
            "-cipher",
            "AES128-GCM-SHA256",
            anomalies=["handshake_failed"],
            **REFUSED,
            last_alert="handshake_failure",
        ),
        suspect=True,
        severity="low",
    ),
    "too-old": Kind(
        ("-tls1_3",),
        one("-tls1_2", anomalies=["handshake_failed"], **REFUSED, last_alert="protocol_version"),
        suspect=True,
        severity="low",
    ),
    "rejected13": Kind(
        (),
        one(
            "-tls1_3",
            "-verify_return_error",
            anomalies=["handshake_failed"],
            **REFUSED,
            version="TLSv13",
            cert_visible=False,
            last_alert="unknown_ca",
        ),
        cert="self",
    ),
    "fallback": Kind(
        ("-tls1_1", *OLD),
        one("-tls1_1", "-fallback_scsv", *OLD, anomalies=["legacy_version", "version_fallback"], version="TLSv11"),
        suspect=True,
        severity="medium",
    ),
    "fallback-refused": Kind(
        (),
        one(
            "-tls1_2",
            "-fallback_scsv",
            anomalies=["handshake_failed", "version_fallback"],
            **REFUSED,
            last_alert="inappropriate_fallback",
        ),
        suspect=True,
        severity="medium",
    ),
    "retry": Kind(("-groups", "X25519"), one("-groups", "P-384:X25519", version="TLSv13", cert_visible=False)),
    "no-sni": Kind((), one(anomalies=["no_sni"], version="TLSv13"), sni=False, suspect=True, severity="low"),
    "odd-port": Kind(("-tls1_2",), one(anomalies=["unusual_port"], version="TLSv12"), port=6666, suspect=True),
    "ticket": Kind(
        ("-tls1_2",),
        (*one("-sess_out", "ticket.s", **FULL), *one("-sess_in", "ticket.s", **AGAIN)),
    ),
    "session-id": Kind(
        ("-tls1_2", "-no_ticket"),
        (
            *one("-no_ticket", "-sess_out", "id.s", anomalies=["self_signed"], **FULL),
            *one("-no_ticket", "-sess_in", "id.s", anomalies=["self_signed"], **AGAIN),
        ),
        cert="self",
        suspect=True,
        severity="high",
    ),
    "psk": Kind(
        (),
        (
            *one("-sess_out", "psk.s", version="TLSv13", resumed=False),
            *one("-sess_in", "psk.s", version="TLSv13", resumed=True),
        ),
    ),
    "client-certificate": Kind(
        ("-tls1_2", "-Verify", "2", "-CAfile", "ca.pem"), one("-cert", "device.pem", "-key", "device.key", **FULL)
    ),
    "ipv6": Kind(("-tls1_2",), one(**FULL)),
    "client-only": Kind(("-tls1_2",), one()),
    "server-only": Kind(
        ("-tls1_2",), one(anomalies=["self_signed"], server_name=None), cert="self", suspect=True, severity="high"
    ),
    "no-syn": Kind(("-tls1_2",), one(**FULL)),
    "begun-late": Kind(
        ("-tls1_2",), one(anomalies=["self_signed"], server_name=None), cert="self", suspect=True, severity="high"
    ),
    "rough": Kind(("-tls1_2",), one(**FULL, established=True)),
    "vlan": Kind(("-tls1_2",), one(**FULL)),
    "qinq": Kind(("-tls1_2",), one(**FULL)),
}


def make(lab: Lab, pki: Pki) -> list[dict[str, Any]]:
    pki.issue("site", "*.hs.example")
    pki.issue("self", "*.hs.example", issuer=None, days=60)
    pki.issue("device", "ws-31.corp.example")
    case = Case(
        lab, "handshakes", "Versions, ciphers, failures, fallback, retries, resumption, half conversations, VLANs, IPv6"
    )
    host = case.host(
        "ws-31.corp.example", "10.20.7.31", file="ws-31.json.gz", shape="elastic_agent", address6="2001:db8:20::31"
    )
    narrow = case.host("ws-32.corp.example", "10.20.7.32", mtu=400, noise=10)
    kinds = dict(OPENSSL)
    programs = {}
    for number, (label, kind) in enumerate(kinds.items()):
        address = "2001:db8:f00::5" if label == "ipv6" else f"198.51.100.{100 + number}"
        kind.address = lab.server(address, f"{label}.hs.example")
        lab.serve(kind.port, openssl_server(*kind.where, kind.cert, *kind.server, chain=kind.cert == "site"))
    other = {
        "3des": Kind(suspect=True, port=8443),
        "rc4": Kind(suspect=True, port=993),
        "gnutls": Kind(),
        "rejected": Kind(suspect=True, severity="high"),
        "closed": Kind(suspect=True, severity="low"),
        "malformed": Kind(suspect=True, severity="medium"),
    }
    for number, (label, kind) in enumerate(other.items()):
        kind.address = lab.server(f"198.51.100.{200 + number}", f"{label}.hs.example")
    lab.serve(8443, gnutls_server(8443, "site", f"{LEGACY_GNUTLS}:+3DES-CBC"))
    lab.serve(993, gnutls_server(993, "site", f"{LEGACY_GNUTLS}:+ARCFOUR-128"))
    lab.serve(443, openssl_server(*other["gnutls"].where, "site", "-tls1_2", chain=True))
    lab.serve(443, openssl_server(*other["rejected"].where, "self", "-tls1_2"))
    lab.serve(443, raw_server(*other["closed"].where))
    flight = lab.work / "hello.flight"
    flight.write_bytes(flights.broken_hello(lab.work, "site"))
    lab.serve(443, raw_server(*other["malformed"].where, "--flight", str(flight)))
    kinds |= other
    for label in kinds:
        path = f"C:\\Users\\ida.falk\\Downloads\\{label}.exe"
        programs[label] = unsigned(path, age=1.0, ends=0.1) if kinds[label].suspect else edge()

    def act(label: str, command: Sequence[str], *anomalies: str, **truth: Any) -> None:
        kind = kinds[label]
        truth = {"server_name": f"{label}.hs.example" if kind.sni else None} | truth
        where = narrow if label == "rough" else host
        kind.acts.append(case.act(where, programs[label], kind.where, command, *anomalies, **truth))

    with case.recording():
        for label, kind in OPENSSL.items():
            for options, anomalies, truth in kind.clients:
                sni = f"{label}.hs.example" if kind.sni else None
                act(label, openssl_client(*kind.where, *options, sni=sni), *anomalies, **truth)
        for label, priority, cipher in (
            ("3des", f"{LEGACY_GNUTLS}:+3DES-CBC", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
            ("rc4", f"{LEGACY_GNUTLS}:+ARCFOUR-128", "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
        ):
            command = gnutls_client(*kinds[label].where, sni=f"{label}.hs.example", priority=priority)
            act(label, command, "weak_cipher", cipher=cipher)
        act("gnutls", gnutls_client(*kinds["gnutls"].where, sni="gnutls.hs.example"), **FULL)
        command = python_client(*kinds["rejected"].where, "--sni", "rejected.hs.example", "--ca", "ca.pem")
        act("rejected", command, "handshake_failed", "self_signed", **REFUSED, last_alert="unknown_ca")
        act("closed", openssl_client(*kinds["closed"].where, sni="closed.hs.example"), "handshake_failed", **REFUSED)
        command = openssl_client(*kinds["malformed"].where, "-tls1_2", sni="malformed.hs.example")
        act("malformed", command, "handshake_failed", "malformed_handshake", **REFUSED)
    case.settle()
    vantage(case, {label: kind.acts[0] for label, kind in kinds.items()})
    for label, kind in kinds.items():
        if kind.severity:
            session = "unavailable" if kind.severity == "low" else "present"
            case.notice(programs[label], kind.severity, legs=ALL_LEGS | {"session": session})
    return [case.write("capture.pcapng")]


def vantage(case: Case, acts: dict[str, Act]) -> None:
    """What other places in the network would have seen of these connections."""

    def only(act: Act, *, client: bool) -> None:
        case.edit(act, lambda p: (p,) if (p.src == act.flows[0].client) is client else ())

    def without_first(act: Act, keep: Any) -> None:
        dropped = [p for p in act.flows[0].packets if not keep(p)]
        case.edit(act, lambda p: () if p in dropped else (p,))

    only(acts["client-only"], client=True)
    only(acts["server-only"], client=False)
    without_first(acts["no-syn"], lambda p: not p.flags & 0x02)
    hello = next(p.ts for p in acts["begun-late"].flows[0].packets if p.payload)
    without_first(acts["begun-late"], lambda p: p.ts > hello)
    case.edit(acts["rough"], rough(acts["rough"].flows[0]))
    case.edit(acts["vlan"], vlan(120))
    case.edit(acts["qinq"], vlan(30, 120))
