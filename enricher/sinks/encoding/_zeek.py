"""The columns of a notice log as Zeek writes it: `notice.log`'s own, then ours.

One line tells one notice; `uid` and `id.*` are its first session's, `n` counts all. Types are Zeek's.
"""

from collections.abc import Mapping
from typing import Any, Final

from enricher.model.verdict import Notice
from enricher.sinks.encoding import _facts as facts

COLUMNS: Final[Mapping[str, str]] = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "note": "enum",
    "msg": "string",
    "sub": "string",
    "src": "addr",
    "dst": "addr",
    "p": "port",
    "n": "count",
    "peer_descr": "string",
    "actions": "set[enum]",
    "notice_id": "string",
    "revision": "count",
    "severity": "string",
    "score": "count",
    "first": "time",
    "host": "string",
    "analytic": "string",
    "technique": "vector[string]",
    "disposition": "vector[string]",
    "legs": "vector[string]",
    "evidence": "vector[string]",
    "unseen": "vector[string]",
    "uids": "vector[string]",
    "community_id": "vector[string]",
    "image": "string",
    "pid": "count",
    "process_guid": "string",
    "user": "string",
    "command_line": "string",
    "hashes": "vector[string]",
    "server_name": "string",
    "subject": "string",
    "issuer": "string",
    "cert_sha256": "string",
}
"""Name of a column to its type."""


def row(notice: Notice) -> dict[str, Any]:
    """The values by column; None is unset. A vector holds no empty text: Zeek would read it as an empty vector."""
    return {name: list(filter(None, v)) if isinstance(v, list) else v for name, v in _values(notice).items()}


def _values(notice: Notice) -> dict[str, Any]:
    first = notice.sessions[0] if notice.sessions else None
    process, server = notice.process, notice.server
    return {
        "ts": notice.last,
        "uid": first.uid if first else None,
        "id.orig_h": facts.address(first.orig_h) if first else None,
        "id.orig_p": first.orig_p if first else None,
        "id.resp_h": facts.address(first.resp_h) if first else None,
        "id.resp_p": first.resp_p if first else None,
        "note": "AN1496::Correlated_Session",
        "msg": notice.summary,
        "sub": ",".join(each.id for each in notice.evidence) or None,
        "src": next(filter(None, map(facts.address, notice.client)), None),
        "dst": facts.address(server.address),
        "p": server.port,
        "n": notice.count,
        "peer_descr": facts.PRODUCT,
        "actions": ["Notice::ACTION_LOG"],
        "notice_id": notice.id,
        "revision": notice.revision,
        "severity": notice.severity,
        "score": notice.score,
        "first": notice.first,
        "host": notice.host,
        "analytic": notice.attack.analytic,
        "technique": list(notice.attack.technique),
        "disposition": facts.dispositions(notice),
        "legs": facts.legs(notice).split(","),
        "evidence": [facts.weighed(each) for each in notice.evidence],
        "unseen": list(notice.unseen),
        "uids": [session.uid for session in notice.sessions],
        "community_id": facts.distinct(session.community_id for session in notice.sessions),
        "image": process.image if process else None,
        "pid": process.pid if process else None,
        "process_guid": process.guid if process else None,
        "user": process.user if process else None,
        "command_line": process.command_line if process else None,
        "hashes": [f"{name}:{value}" for name, value in sorted(facts.file_hashes(notice).items())],
        "server_name": server.name,
        "subject": server.subject,
        "issuer": server.issuer,
        "cert_sha256": server.cert_sha256,
    }
