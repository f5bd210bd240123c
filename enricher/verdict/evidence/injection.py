"""Process leg: whether the process was changed from outside before the session."""

from typing import Final

from enricher.model.library import file_name
from enricher.model.session import Session, Tamper
from enricher.model.text import visible
from enricher.verdict import timing
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding
from enricher.verdict.rule import Rule


def _actor(tamper: Tamper) -> str:
    if not tamper.actor_image:
        return "Another process" if tamper.actor_pid is None else f"Process {tamper.actor_pid}"
    return visible(file_name(tamper.actor_image) or tamper.actor_image, 80)


def _found(session: Session, tamper: Tamper, text: str) -> Finding:
    since = timing.delta(tamper.ts, session)
    when = "at a time that cannot be compared with the session" if since is None else _when(since)
    detail = f" ({visible(tamper.detail, 120)})" if tamper.detail else ""
    return Finding(f"{text} {when}{detail}.", tamper.ts, timing.offset(session.module_clock), tamper.source)


def _when(since: float) -> str:
    return f"{timing.span(since)} {'before' if since < 0 else 'after'} the session began"


def _remote_thread(case: Case) -> Finding | None:
    for tamper in case.changes:
        if tamper.technique == "remote_thread":
            return _found(case.session, tamper, f"{_actor(tamper)} started a thread in the process")
    return None


def _image_tampering(case: Case) -> Finding | None:
    for tamper in case.changes:
        if tamper.technique == "image_tampering":
            return _found(case.session, tamper, "The image of the process was replaced in memory")
    return None


def _remote_thread_by_tool(case: Case) -> Finding | None:
    for tamper in case.by_tools:
        return _found(case.session, tamper, f"{_actor(tamper)}, whose job that is, started a thread in the process")
    return None


RULES: Final = (
    Rule("remote_thread", "process", _remote_thread),
    Rule("image_tampering", "process", _image_tampering),
    Rule("remote_thread_by_tool", "process", _remote_thread_by_tool),
)
