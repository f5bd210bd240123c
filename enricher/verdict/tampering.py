"""Injections into the session's process that can have made it what it is."""

from typing import TypeAlias

from enricher.model.session import Session, Tamper
from enricher.verdict import paths, timing
from enricher.verdict.settings import Programs, VerdictSettings

Tampers: TypeAlias = tuple[Tamper, ...]


def before(session: Session, settings: VerdictSettings) -> tuple[Tampers, Tampers]:
    """All tampering but what certainly came after the session, earliest first: by listed tools, and by others.

    Events of different types may run on different clocks; those of injections are taken to run with module loads, as
    both come from the driver.
    """
    if session.process is None or not session.process.tampers:
        return (), ()
    found = [
        (is_tool(tamper, settings.programs), tamper)
        for tamper in sorted(session.process.tampers, key=lambda t: (t.ts, t.source or ""))
        if (since := timing.delta(tamper.ts, session)) is None or since <= settings.options.library_window
    ]
    return tuple(t for by_tool, t in found if by_tool), tuple(t for by_tool, t in found if not by_tool)


def is_tool(tamper: Tamper, programs: Programs) -> bool:
    """Whether a listed tool started the thread; image tampering is no tool's job."""
    if tamper.technique != "remote_thread" or tamper.actor_image is None:
        return False
    image = paths.normalise(tamper.actor_image)
    return any(path.fullmatch(image) for tool in programs.tools for path in tool.paths)
