"""Library leg: when the process loaded its TLS stack."""

from typing import Final

from enricher.verdict import timing
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding
from enricher.verdict.rule import Rule


def _load_at_session(case: Case) -> Finding | None:
    return _near(case, telling=True)


def _context_at_session(case: Case) -> Finding | None:
    return _near(case, telling=False)


def _near(case: Case, *, telling: bool) -> Finding | None:
    near = timing.at_session(case.session, case.options)
    if not near or (near[0].tier in timing.TELLING) is not telling:
        return None
    closest = min(abs(timing.delta(library.ts, case.session) or 0.0) for library in near)
    return timing.loaded(case.session, near, f"{{names}} came within {timing.span(closest)} of the session's start.")


def _late_load(case: Case) -> Finding | None:
    process = case.session.process
    telling = [lib for lib in case.libraries if lib.tier in timing.TELLING]
    if process is None or process.start is None or not telling:
        return None
    # Both times are of the same host, so the clock's offset does not matter.
    waited = min(library.ts for library in telling) - process.start
    if waited < case.options.late_load:
        return None
    text = f"The process had run for {timing.span(waited)} when it first loaded a TLS library: {{names}}."
    return timing.loaded(case.session, telling, text)


RULES: Final = (
    Rule("load_at_session", "library", _load_at_session),
    Rule("context_at_session", "library", _context_at_session),
    Rule("late_load", "library", _late_load),
)
