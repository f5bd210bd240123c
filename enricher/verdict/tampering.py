"""Injections into the session's process that can have made it what it is."""

from enricher.model.session import Session, Tamper
from enricher.verdict import paths, timing
from enricher.verdict.settings import VerdictSettings


def _before(session: Session, settings: VerdictSettings) -> tuple[Tamper, ...]:
    """All tampering but what certainly came after the session.

    Events of different types may run on different clocks; those of injections are taken to run with module loads, as
    both come from the driver.
    """
    if session.process is None:
        return ()
    return tuple(
        tamper
        for tamper in session.process.tampers
        if (since := timing.delta(tamper.ts, session)) is None or since <= settings.options.library_window
    )


def is_tool(tamper: Tamper, settings: VerdictSettings) -> bool:
    """Whether a listed tool started the thread; image tampering is no tool's job."""
    if tamper.technique != "remote_thread" or tamper.actor_image is None:
        return False
    image = paths.normalise(tamper.actor_image)
    return any(path.fullmatch(image) for tool in settings.programs.tools for path in tool.paths)


def changes(session: Session, settings: VerdictSettings) -> tuple[Tamper, ...]:
    """Tampering before the session by anything but a listed tool; earliest first."""
    found = [t for t in _before(session, settings) if not is_tool(t, settings)]
    return tuple(sorted(found, key=lambda t: (t.ts, t.source or "")))


def by_tools(session: Session, settings: VerdictSettings) -> tuple[Tamper, ...]:
    """Threads that listed tools started before the session; earliest first."""
    found = [t for t in _before(session, settings) if is_tool(t, settings)]
    return tuple(sorted(found, key=lambda t: (t.ts, t.source or "")))
