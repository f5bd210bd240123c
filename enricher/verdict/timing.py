"""Library loads and endpoint times against the session's, as far as the clocks are known."""

from collections.abc import Sequence
from typing import Final

from enricher.model.library import file_name
from enricher.model.session import Clock, Library, Session
from enricher.model.text import visible
from enricher.verdict.finding import Finding
from enricher.verdict.settings import VerdictOptions

TELLING: Final = frozenset({"stack", "provider", "foreign"})
"""Tiers that are a TLS stack, not crypto in general."""

_MAX_NAMES: Final = 4


def offset(clock: Clock | None) -> float | None:
    """Seconds to add to the clock's times to get network time; None: not known."""
    return None if clock is None else clock.offset


def delta(ts: float, session: Session) -> float | None:
    """Seconds from the session's start to a module or process event; negative: before. None: clocks unknown."""
    known = offset(session.module_clock)
    return None if known is None else ts + known - session.observation.ts


def libraries(session: Session, options: VerdictOptions) -> tuple[Library, ...]:
    """What the process may have had loaded at this session: all but what certainly came later."""
    if session.process is None:
        return ()
    return tuple(
        library
        for library in session.process.libraries
        if (since := delta(library.ts, session)) is None or since <= options.library_window
    )


def at_session(session: Session, options: VerdictOptions) -> tuple[Library, ...]:
    """Libraries whose load belongs to this session by time; the TLS stack's own where there are any."""
    near = [
        library
        for library in libraries(session, options)
        if (since := delta(library.ts, session)) is not None and since >= -options.library_window
    ]
    return tuple([library for library in near if library.tier in TELLING] or near)


def loaded(session: Session, found: Sequence[Library], text: str) -> Finding:
    """A finding that names these libraries at `{names}`, proved by the first load."""
    first = min(found, key=lambda library: (library.ts, library.path))
    return Finding(text.format(names=names(found)), first.ts, offset(session.module_clock), first.source)


def names(found: Sequence[Library]) -> str:
    """The libraries' file names in order of their load, each once; at most four."""
    ordered = sorted(found, key=lambda library: (library.ts, library.path))
    unique = list(dict.fromkeys(visible(file_name(library.path) or library.name, 60) for library in ordered))
    more = [f"{len(unique) - _MAX_NAMES} more"] if len(unique) > _MAX_NAMES else []
    return enumerated(unique[:_MAX_NAMES] + more)


def enumerated(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def span(seconds: float) -> str:
    """A duration in the unit that a person would use."""
    size = abs(seconds)
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if size >= 2 * length:
            return f"{size / length:.1f} {unit}"
    return f"{max(size, 0.1):.1f} s"
