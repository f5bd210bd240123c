"""Process leg: what ties the process to the session; proves much, weighs nothing."""

from typing import Final

from enricher.verdict import timing
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding
from enricher.verdict.rule import Rule

_HOW: Final = {
    "tuple": "The host's record of the connection has the same addresses and ports and names the process.",
    "bind": "The host recorded that the process took the client's port; the far side was not recorded.",
    "library_time": "The process loaded a TLS library when the session began; the host recorded no connection.",
}


def _attributed(case: Case) -> Finding | None:
    session = case.session
    if session.process is None or session.method is None:
        return None
    clock = session.module_clock if session.method == "library_time" else session.clock
    return Finding(_HOW[session.method], session.connect_ts, timing.offset(clock), session.connect_source)


RULES: Final = (Rule("attributed", "process", _attributed),)
