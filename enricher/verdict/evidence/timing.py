"""Library leg: when the process loaded its TLS stack."""

from typing import Final

from enricher.model.session import Session
from enricher.verdict import timing
from enricher.verdict.rule import Finding, Rule
from enricher.verdict.settings import VerdictSettings


def _load_at_session(session: Session, settings: VerdictSettings) -> Finding | None:
    return _near(session, settings, telling=True)


def _context_at_session(session: Session, settings: VerdictSettings) -> Finding | None:
    return _near(session, settings, telling=False)


def _near(session: Session, settings: VerdictSettings, *, telling: bool) -> Finding | None:
    near = timing.at_session(session, settings)
    if not near or (near[0].tier in timing.TELLING) is not telling:
        return None
    closest = min(abs(timing.delta(library.ts, session) or 0.0) for library in near)
    return timing.loaded(session, near, f"{{names}} came within {timing.span(closest)} of the session's start.")


def _late_load(session: Session, settings: VerdictSettings) -> Finding | None:
    start = session.process.start if session.process else None
    telling = [lib for lib in timing.libraries(session, settings) if lib.tier in timing.TELLING]
    if start is None or not telling:
        return None
    # Both times are of the same host, so the clock's offset does not matter.
    waited = min(library.ts for library in telling) - start
    if waited < settings.options.late_load:
        return None
    text = f"The process had run for {timing.span(waited)} when it first loaded a TLS library: {{names}}."
    return timing.loaded(session, telling, text)


RULES: Final = (
    Rule("load_at_session", "library", _load_at_session),
    Rule("context_at_session", "library", _context_at_session),
    Rule("late_load", "library", _late_load),
)
