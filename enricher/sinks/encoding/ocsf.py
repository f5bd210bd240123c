"""OCSF Detection Finding (class 2004) of schema 1.8.0.

Enumerations by number: `activity_id` 1 create, 2 update; `severity_id` 1 to 4 as ours; `observables.type_id` and
`fingerprint.algorithm_id` as the schema lists them. What it demands and nobody saw is left out with the object that
needs it, save the version of TLS, which is said to be unknown.
"""

from typing import Any, Final

from enricher.model.session import Parent
from enricher.model.verdict import Notice, NoticeProcess, NoticeServer, NoticeSession
from enricher.sinks import jsonl
from enricher.sinks.encoding import _facts as facts
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._maps import known

VERSION: Final = "1.8.0"
CLASS: Final = 2004
"""Detection Finding."""

_ACTIVITIES: Final = {1: "Create", 2: "Update"}
_ALGORITHMS: Final = {"md5": (1, "MD5"), "sha1": (2, "SHA-1"), "sha256": (3, "SHA-256"), "sha512": (4, "SHA-512"),
                      "imphash": (18, "Imphash")}  # fmt: skip


def finding(notice: Notice, origin: Origin) -> dict[str, Any]:
    """The notice as one Detection Finding."""
    activity = 1 if notice.revision == 1 else 2
    whole = {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Detection Finding: {_ACTIVITIES[activity]}",
        "time": facts.milliseconds(notice.last),
        "start_time": facts.milliseconds(notice.first),
        "end_time": facts.milliseconds(notice.last),
        "count": notice.count,
        "severity_id": facts.RANK[notice.severity],
        "severity": notice.severity.capitalize(),
        "status_id": 1,
        "status": "New",
        "is_alert": True,
        "risk_score": notice.score,
        "message": notice.summary,
        "metadata": {
            "version": VERSION,
            "uid": f"{notice.id}:{notice.revision}",
            "sequence": notice.revision,
            "product": {"name": facts.PRODUCT, "vendor_name": facts.VENDOR, "version": origin.version},
            "log_name": "notices",
            "log_provider": origin.host,
        },
        "finding_info": _info(notice),
        "device": _device(notice),
        "evidences": [*_process_evidence(notice), *(_session_evidence(notice, each) for each in notice.sessions)],
        "observables": _observables(notice),
        "unmapped": {
            "revision": notice.revision,
            "disposition": facts.dispositions(notice),
            "legs": {leg: getattr(notice.legs, leg) for leg in ("process", "library", "session")},
            "unseen": list(notice.unseen),
            "candidates": list(notice.candidates),
            "clock_offset": notice.clock.offset if notice.clock else None,
            "clock_confidence": notice.clock.confidence if notice.clock else None,
            "server_certificate_sha256": notice.server.cert_sha256,
        },
    }
    found: dict[str, Any] = known(whole)
    return found


def _info(notice: Notice) -> dict[str, Any]:
    return {
        "uid": notice.id,
        "title": facts.title(notice),
        "desc": notice.summary,
        "first_seen_time": facts.milliseconds(notice.first),
        "last_seen_time": facts.milliseconds(notice.last),
        "analytic": {"uid": notice.attack.analytic, "name": facts.ANALYTIC, "type_id": 2, "type": "Behavioral"},
        "attacks": [_attack(id_) for id_ in notice.attack.technique],
        "data_sources": facts.distinct(each.source for each in notice.evidence),
        "types": [each.id for each in notice.evidence],
    }


def _attack(id_: str) -> dict[str, Any]:
    technique = facts.technique(id_)
    uid, name = facts.TACTIC
    return {
        "tactic": {"uid": uid, "name": name, "src_url": f"https://attack.mitre.org/tactics/{uid}/"},
        "technique": _named(technique.parent or technique),
        "sub_technique": _named(technique) if technique.parent else None,
    }


def _named(technique: facts.Technique) -> dict[str, Any]:
    return {"uid": technique.id, "name": technique.name, "src_url": technique.url}


def _device(notice: Notice) -> dict[str, Any] | None:
    addresses = facts.distinct(map(facts.address, notice.client))
    if not notice.host and not addresses:
        return None
    return {"hostname": notice.host, "type_id": 0, "type": "Unknown", "ip": addresses[0] if addresses else None}


def _process_evidence(notice: Notice) -> list[dict[str, Any]]:
    """The process, and all that was weighed, in one artifact."""
    weighed = [
        {"id": each.id, "leg": each.leg, "weight": each.weight, "text": each.text, "ts": each.ts, "source": each.source}
        for each in notice.evidence
    ]
    process = notice.process
    numbered = process and (process.guid or process.pid is not None)  # the schema knows no process without a number
    told = {
        "process": _process(process) if process and numbered else None,
        "file": _file(process) if process and not numbered else None,
        "data": {"evidence": weighed},
    }
    return [{"name": "process", **told}] if known(told) else []


def _process(process: NoticeProcess) -> dict[str, Any]:
    domain, user = facts.account(process.user)
    return {
        "uid": process.guid,
        "pid": process.pid,
        "name": facts.base_name(process.image),
        "path": process.image,
        "cmd_line": process.command_line,
        "created_time": facts.milliseconds(process.start),
        "user": {"name": user, "domain": domain, "type_id": 0} if user else None,
        "file": _file(process),
        "parent_process": _parent(process.parent) if process.parent else None,
        "xattributes": {"parent_image": process.parent.image if process.parent else None},
    }


def _parent(parent: Parent) -> dict[str, Any] | None:
    if not parent.guid and parent.pid is None:
        return None
    name = facts.base_name(parent.image)
    return {
        "uid": parent.guid,
        "pid": parent.pid,
        "name": name,
        "path": parent.image,
        "cmd_line": parent.command_line,
        "file": {"name": name, "path": parent.image, "type_id": 1} if name else None,
    }


def _file(process: NoticeProcess) -> dict[str, Any] | None:
    name = facts.base_name(process.image)
    if not name:
        return None
    hashes = sorted((process.hashes or {}).items())
    return {
        "name": name,
        "path": process.image,
        "type_id": 1,
        "type": "Regular File",
        "internal_name": process.original_file_name,
        "hashes": [_fingerprint(value, algorithm) for algorithm, value in hashes],
        "signatures": [_signature(process)] if process.signer else None,
    }


def _signature(process: NoticeProcess) -> dict[str, Any]:
    return {"algorithm_id": 0, "developer_uid": process.signer, "state": process.signature_status}


def _fingerprint(value: str | None, algorithm: str) -> dict[str, Any] | None:
    id_, name = _ALGORITHMS.get(algorithm, (99, algorithm))
    return {"value": value, "algorithm_id": id_, "algorithm": name} if value else None


def _session_evidence(notice: Notice, session: NoticeSession) -> dict[str, Any]:
    client, server = facts.ends(notice, session)
    return {
        "name": "tls session",
        "uid": session.uid,
        "src_endpoint": _endpoint(*client),
        "dst_endpoint": _endpoint(*server),
        "connection_info": {
            "uid": session.uid,
            "community_uid": session.community_id,
            "direction_id": 2,
            "direction": "Outbound",
        },
        "tls": _tls(notice.server, session),
        "ja4_fingerprint_list": [{"type_id": 1, "type": "JA4", "value": session.ja4}] if session.ja4 else None,
        "data": {
            "ts": session.ts,
            "anomalies": list(session.anomalies),
            "method": session.method,
            "disposition": session.disposition,
            "source": session.source,
        },
    }


def _endpoint(address: str, port: int) -> dict[str, Any]:
    ip = facts.address(address)
    return {"ip": ip, "name": None if ip else address, "port": port}


def _tls(server: NoticeServer, session: NoticeSession) -> dict[str, Any]:
    return {
        "version": session.version or "unknown",
        "cipher": session.cipher,
        "sni": server.name,
        "certificate": _certificate(server, session),
        "ja3_hash": _fingerprint(session.ja3, "md5"),
        "ja3s_hash": _fingerprint(server.ja3s, "md5"),
    }


def _certificate(server: NoticeServer, session: NoticeSession) -> dict[str, Any] | None:
    if not server.issuer or not server.serial:
        return None
    return {
        "subject": server.subject,
        "issuer": server.issuer,
        "serial_number": server.serial,
        "created_time": facts.milliseconds(server.not_valid_before),
        "expiration_time": facts.milliseconds(server.not_valid_after),
        "fingerprints": [_fingerprint(server.cert_sha256, "sha256")],
        "is_self_signed": True if "self_signed" in session.anomalies else None,
    }


def _observables(notice: Notice) -> list[dict[str, Any]]:
    """Where to look first: hosts, addresses, hashes. Types as the schema numbers them."""
    process = notice.process
    found = [
        ("device.hostname", 1, "Hostname", notice.host),
        ("device.ip", 2, "IP Address", next(iter(notice.client), None)),
        ("evidences[].dst_endpoint.ip", 2, "IP Address", facts.address(notice.server.address)),
        ("evidences[].tls.sni", 1, "Hostname", notice.server.name),
        ("evidences[].process.name", 9, "Process Name", facts.base_name(process.image) if process else None),
        ("evidences[].process.cmd_line", 13, "Command Line", process.command_line if process else None),
        ("evidences[].tls.certificate.fingerprints[].value", 8, "Hash", notice.server.cert_sha256),
        *(("evidences[].process.file.hashes[].value", 8, "Hash", h) for h in facts.file_hashes(notice).values()),
    ]
    return [{"name": name, "type_id": id_, "type": type_, "value": value} for name, id_, type_, value in found if value]


def _write(notice: Notice, origin: Origin) -> bytes:
    return jsonl.encode(finding(notice, origin))


ENCODING = Encoding("ocsf", _write, "application/json")
