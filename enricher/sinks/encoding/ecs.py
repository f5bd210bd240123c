"""Elastic Common Schema: the default for Elasticsearch and OpenSearch.

Names and types are those of ECS 9; what ECS has no name for stands under `an1496`. `@timestamp` is the last session's
time, so that a notice that grows shows up among what is new.
"""

from typing import Any, Final

from enricher.model.verdict import Notice, NoticeProcess, NoticeServer, NoticeSession
from enricher.sinks import jsonl
from enricher.sinks.encoding import _facts as facts
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._maps import known

ECS_VERSION: Final = "9.4.0"

_HASHES: Final = ("md5", "sha1", "sha256")
"""ECS `process.hash.*`."""


def document(notice: Notice, origin: Origin) -> dict[str, Any]:
    """The notice as one ECS document."""
    process, server = notice.process, notice.server
    domain, user = facts.account(process.user if process else None)
    clients = facts.distinct(map(facts.address, notice.client))
    first = notice.sessions[0] if notice.sessions else None
    (source, port), _ = facts.ends(notice, first) if first else ((None, None), None)
    whole = {
        "@timestamp": facts.iso(notice.last),
        "message": notice.summary,
        "ecs": {"version": ECS_VERSION},
        "event": {
            "kind": "alert",
            "category": ["network", "intrusion_detection"],
            "type": ["info"],
            "module": facts.PRODUCT,
            "dataset": "an1496.notice",
            "id": notice.id,
            "sequence": notice.revision,
            "severity": facts.RANK[notice.severity],
            "risk_score": float(notice.score),
            "start": facts.iso(notice.first),
            "end": facts.iso(notice.last),
        },
        "rule": {"id": notice.attack.analytic, "name": facts.ANALYTIC, "ruleset": "MITRE ATT&CK"},
        "threat": _threat(notice),
        "observer": {
            "vendor": facts.VENDOR,
            "product": facts.PRODUCT,
            "version": origin.version,
            "hostname": origin.host,
        },
        "host": {"name": notice.host, "ip": clients if notice.host else None},
        "user": {"domain": domain, "name": user},
        "process": process and _process(process),
        "source": {"ip": source and facts.address(source), "address": source, "port": port},
        "destination": {
            "ip": facts.address(server.address),
            "address": server.address,
            "port": server.port,
            "domain": server.name,
        },
        "network": {
            "protocol": "tls",
            "direction": "outbound",
            "community_id": next((s.community_id for s in notice.sessions if s.community_id), None),
        },
        "tls": _tls(notice, server),
        "related": {
            "ip": facts.distinct([*clients, facts.address(server.address)]),
            "hosts": facts.distinct([notice.host, server.name]),
            "user": facts.distinct([user]),
            "hash": facts.distinct([*facts.file_hashes(notice).values(), server.cert_sha256]),
        },
        "an1496": _own(notice),
    }
    found: dict[str, Any] = known(whole)
    return found


def _process(process: NoticeProcess) -> dict[str, Any]:
    hashes, parent = process.hashes or {}, process.parent
    return {
        "entity_id": process.guid,
        "pid": process.pid,
        "name": facts.base_name(process.image),
        "executable": process.image,
        "command_line": process.command_line,
        "start": facts.iso(process.start),
        "hash": {name: hashes.get(name) for name in _HASHES},
        "pe": {"imphash": hashes.get("imphash"), "original_file_name": process.original_file_name},
        "code_signature": {"subject_name": process.signer, "status": process.signature_status},
        "parent": parent
        and {
            "entity_id": parent.guid,
            "pid": parent.pid,
            "name": facts.base_name(parent.image),
            "executable": parent.image,
            "command_line": parent.command_line,
        },
    }


def _tls(notice: Notice, server: NoticeServer) -> dict[str, Any]:
    first = notice.sessions[0] if notice.sessions else None
    protocol, version = _version(first.version if first else None)
    return {
        "version": version,
        "version_protocol": protocol,
        "cipher": first.cipher if first else None,
        "client": {"ja3": first.ja3 if first else None, "server_name": server.name},
        "server": {
            "ja3s": server.ja3s,
            "subject": server.subject,
            "issuer": server.issuer,
            "hash": {"sha256": server.cert_sha256.upper() if server.cert_sha256 else None},
            "not_before": facts.iso(server.not_valid_before),
            "not_after": facts.iso(server.not_valid_after),
            "x509": {"serial_number": server.serial},
        },
    }


def _version(zeek: str | None) -> tuple[str | None, str | None]:
    """Protocol and version as ECS writes them: `tls` `1.2` from `TLSv12`."""
    protocol, _, digits = (zeek or "").partition("v")
    if protocol not in {"TLS", "SSL", "DTLS"} or not digits.isdigit():
        return None, None
    return protocol.lower(), ".".join(digits[:2])


def _threat(notice: Notice) -> dict[str, Any]:
    found = [facts.technique(id_) for id_ in notice.attack.technique]
    tops = {top.id: top for top in (each.parent or each for each in found)}.values()
    subs = [each for each in found if each.parent]
    tactic, name = facts.TACTIC
    return {
        "framework": "MITRE ATT&CK",
        "tactic": {"id": [tactic], "name": [name], "reference": [f"https://attack.mitre.org/tactics/{tactic}/"]},
        "technique": {
            **_columns(list(tops)),
            "subtechnique": _columns(subs),
        },
    }


def _columns(found: list[facts.Technique]) -> dict[str, Any]:
    return {"id": [t.id for t in found], "name": [t.name for t in found], "reference": [t.url for t in found]}


def _own(notice: Notice) -> dict[str, Any]:
    clock = notice.clock
    return {
        "revision": notice.revision,
        "severity": notice.severity,
        "score": notice.score,
        "count": notice.count,
        "technique": list(notice.attack.technique),
        "disposition": facts.dispositions(notice),
        "candidates": list(notice.candidates),
        "legs": {"process": notice.legs.process, "library": notice.legs.library, "session": notice.legs.session},
        "unseen": list(notice.unseen),
        "clock": clock and {"offset": clock.offset, "confidence": clock.confidence, "samples": clock.samples},
        "evidence": [
            {
                "id": each.id,
                "leg": each.leg,
                "weight": each.weight,
                "text": each.text,
                "ts": facts.iso(each.ts),
                "source": each.source,
            }
            for each in notice.evidence
        ],
        "sessions": [_session(session) for session in notice.sessions],
        "hashes": [f"{name}:{value}" for name, value in sorted(facts.file_hashes(notice).items())],
    }


def _session(session: NoticeSession) -> dict[str, Any]:
    return {
        "uid": session.uid,
        "ts": facts.iso(session.ts),
        "orig_h": session.orig_h,
        "orig_p": session.orig_p,
        "resp_h": session.resp_h,
        "resp_p": session.resp_p,
        "community_id": session.community_id,
        "anomalies": list(session.anomalies),
        "ja3": session.ja3,
        "ja4": session.ja4,
        "method": session.method,
        "disposition": session.disposition,
        "source": session.source,
    }


def _write(notice: Notice, origin: Origin) -> bytes:
    return jsonl.encode(document(notice, origin))


ENCODING = Encoding("ecs", _write, "application/json")
