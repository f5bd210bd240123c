"""Verdicts worth telling: one notice for one process and one server, however often they spoke."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from enricher.model.session import Parent, Process, Session
from enricher.model.text import clean
from enricher.model.verdict import (
    SEVERITIES,
    Evidence,
    LedgerRow,
    Notice,
    NoticeProcess,
    NoticeServer,
    NoticeSession,
    Verdict,
)
from enricher.verdict.identity import ends, notice_id
from enricher.verdict.redact import redact
from enricher.verdict.settings import VerdictSettings
from enricher.verdict.summary import summary
from enricher.verdict.verdict import evidence_order

Judged: TypeAlias = tuple[Session, Verdict]


def notices(pairs: Iterable[Judged], settings: VerdictSettings) -> list[Notice]:
    """One notice for each process and server of which any session reaches the least severity to tell.

    The result is the same for any order of `pairs`: worst first, then earliest, then by id.
    """
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for session, verdict in pairs:
        groups[notice_id(session)].append((session, verdict))
    least = SEVERITIES.index(settings.options.min_severity)
    told = [
        _notice(key, group, settings)
        for key, group in groups.items()
        if any(SEVERITIES.index(verdict.severity) >= least for _, verdict in group)
    ]
    return sorted(told, key=lambda n: (-SEVERITIES.index(n.severity), -n.score, n.first, n.id))


def ledger_row(session: Session, verdict: Verdict, notice: str | None) -> LedgerRow:
    """The session's line in the ledger; `notice` is the id of the notice that tells of it, if one was written."""
    seen, process, clock = session.observation, session.process, session.clock
    return clean(
        LedgerRow(
            ts=seen.ts,
            uid=seen.uid,
            orig_h=seen.orig_h,
            orig_p=seen.orig_p,
            resp_h=seen.resp_h,
            resp_p=seen.resp_p,
            server_name=seen.server_name,
            anomalies=seen.anomalies or (),
            disposition=session.disposition,
            method=session.method,
            host=session.host,
            process_guid=process.guid if process else None,
            pid=process.pid if process else None,
            image=process.image if process else None,
            candidates=_candidates([session]),
            severity=verdict.severity,
            score=verdict.score,
            legs=verdict.legs,
            notice_id=notice,
            clock_offset=clock.offset if clock else None,
            clock_confidence=clock.confidence if clock else None,
            note=session.note,
            reports_network=session.coverage.network_connect,
        )
    )


def _notice(key: str, group: list[Judged], settings: VerdictSettings) -> Notice:
    group = sorted(group, key=_order)
    top, worst = max(group, key=lambda pair: (SEVERITIES.index(pair[1].severity), pair[1].score))
    sessions = [session for session, _ in group]
    evidence = _merged(verdict for _, verdict in group)
    # A gap that held a lesser session down would contradict what is concluded from the worst.
    unseen = {gap for _, verdict in group if verdict.severity == worst.severity for gap in verdict.unseen}
    return clean(
        Notice(
            id=key,
            revision=1,
            severity=worst.severity,
            score=worst.score,
            summary=summary(top, sessions, evidence, settings.options),
            first=sessions[0].observation.ts,
            last=sessions[-1].observation.ts,
            count=len(sessions),
            host=top.host,
            client=tuple(sorted({ends(session).client for session in sessions})),
            process=_process(top.process, settings) if top.process else None,
            candidates=_candidates(sessions),
            server=_server(top, sessions),
            sessions=tuple(map(_session, sessions[: settings.options.max_sessions])),
            legs=worst.legs,
            evidence=evidence,
            clock=top.clock,
            unseen=tuple(sorted(unseen)),
        )
    )


def _order(pair: Judged) -> tuple[float, str, bytes]:
    """Earliest first. The bytes keep two records of one uid (two captures of one wire) in one order."""
    session, _ = pair
    return session.observation.ts, session.observation.uid, msgspec.msgpack.encode(clean(session))


def _merged(verdicts: Iterable[Verdict]) -> tuple[Evidence, ...]:
    """Each evidence once, by its heaviest and then earliest source."""
    best: dict[str, Evidence] = {}
    for verdict in verdicts:
        for found in verdict.evidence:
            if found.id not in best or _precedence(found) < _precedence(best[found.id]):
                best[found.id] = found
    return tuple(sorted(best.values(), key=evidence_order))


def _precedence(found: Evidence) -> tuple[int, bool, float, str, str]:
    return -found.weight, found.ts is None, found.ts or 0.0, found.source or "", found.text


def _candidates(sessions: Sequence[Session]) -> tuple[str, ...]:
    """Images of every process that could have been it, where more than one could."""
    doubtful = [session.candidates for session in sessions if len(session.candidates) > 1]
    return tuple(sorted({each.image for candidates in doubtful for each in candidates if each.image}))


def _process(process: Process, settings: VerdictSettings) -> NoticeProcess:
    parent = process.parent
    return NoticeProcess(
        guid=process.guid,
        pid=process.pid,
        image=process.image,
        user=process.user,
        command_line=_shown(process.command_line, settings),
        parent=parent and _parent(parent, settings),
        signer=process.signer,
        signature_status=process.signature_status,
        original_file_name=process.original_file_name,
        hashes=process.hashes,
        start=process.start,
    )


def _parent(parent: Parent, settings: VerdictSettings) -> Parent:
    return msgspec.structs.replace(parent, command_line=_shown(parent.command_line, settings))


def _shown(command_line: str | None, settings: VerdictSettings) -> str | None:
    return redact(command_line) if command_line and settings.options.redact_command_line else command_line


def _server(top: Session, sessions: Sequence[Session]) -> NoticeServer:
    """The worst session's certificate; where that one hid it, the first that was seen."""
    _, address, port = ends(top)
    seen = next((s.observation for s in (top, *sessions) if s.observation.cert_subject is not None), top.observation)
    return NoticeServer(
        address=address,
        port=port,
        name=top.observation.server_name,
        subject=seen.cert_subject,
        issuer=seen.cert_issuer,
        cert_sha256=seen.cert_chain_fps[0] if seen.cert_chain_fps else None,
        ja3s=top.observation.ja3s,
        serial=seen.cert_serial,
        not_valid_before=seen.cert_not_valid_before,
        not_valid_after=seen.cert_not_valid_after,
    )


def _session(session: Session) -> NoticeSession:
    seen = session.observation
    return NoticeSession(
        uid=seen.uid,
        ts=seen.ts,
        orig_h=seen.orig_h,
        orig_p=seen.orig_p,
        resp_h=seen.resp_h,
        resp_p=seen.resp_p,
        community_id=seen.community_id,
        anomalies=seen.anomalies or (),
        ja3=seen.ja3,
        ja4=seen.ja4,
        method=session.method,
        source=seen.source,
        disposition=session.disposition,
        version=seen.version,
        cipher=seen.cipher,
    )
