"""One sentence for a notice: who did what, where, and why it matters."""

from collections.abc import Sequence
from typing import Final

from enricher.model.library import file_name
from enricher.model.session import Process, Session
from enricher.model.text import visible
from enricher.model.verdict import Evidence
from enricher.verdict import timing
from enricher.verdict.identity import ends
from enricher.verdict.phrases import ANOMALY_PHRASES
from enricher.verdict.settings import VerdictOptions

_MAX_ANOMALIES: Final = 3
_MAX_CANDIDATES: Final = 3


def summary(top: Session, sessions: Sequence[Session], evidence: Sequence[Evidence], options: VerdictOptions) -> str:
    """Tell the story of these sessions of one process to one server; `top` is the worst of them."""
    where = f" on {visible(top.host, 80)}" if top.host else f" at {ends(top).client}"
    what = "a TLS session" if len(sessions) == 1 else f"{len(sessions)} TLS sessions"
    text = f"{_who(top)}{where} opened {what} to {_server(top)}"
    ids = {found.id for found in evidence}
    odd = [ANOMALY_PHRASES[found.id] for found in evidence if found.id in ANOMALY_PHRASES][:_MAX_ANOMALIES]
    if odd:
        text += f" with {timing.enumerated(odd)}"
    if "load_at_session" in ids:
        text += _loads(sessions, options)
    if "late_load" in ids:
        text += ", long after its start"
    if ids & {"remote_thread", "image_tampering"}:
        text += ", after another process had tampered with it"
    return text


def _who(session: Session) -> str:
    if session.process is not None:
        return _process(session.process)
    images = sorted({visible(file_name(c.image), 60) for c in session.candidates if c.image})
    if not images:
        return "A process that could not be named"
    more = ["others"] if len(images) > _MAX_CANDIDATES else []
    return f"One of {timing.enumerated(images[:_MAX_CANDIDATES] + more)}"


def _process(process: Process) -> str:
    name = visible(file_name(process.image), 80) if process.image else "A process without a name"
    known = [f"pid {process.pid}"] if process.pid is not None else []
    if process.user:
        known.append(visible(process.user.rpartition("\\")[2], 60))
    return f"{name} ({', '.join(known)})" if known else name


def _server(session: Session) -> str:
    _, address, port = ends(session)
    name = session.observation.server_name
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return f"{place} ({visible(name, 80)})" if name else place


def _loads(sessions: Sequence[Session], options: VerdictOptions) -> str:
    """The loads nearest to any of the sessions."""
    nearest = [
        (abs(since), near)
        for session in sessions
        if (near := timing.at_session(session, options)) and near[0].tier in timing.TELLING
        for library in near
        if (since := timing.delta(library.ts, session)) is not None
    ]
    if not nearest:
        return ""
    gap, near = min(nearest, key=lambda pair: (pair[0], timing.names(pair[1])))
    return f", within {timing.span(gap)} of loading {timing.names(near)}"
