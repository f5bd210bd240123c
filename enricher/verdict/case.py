"""A session with what several evidences ask about it, worked out once."""

from typing import NamedTuple

from enricher.model.session import Library, Session, Tamper
from enricher.verdict import tampering, timing
from enricher.verdict.programs import Match, match
from enricher.verdict.settings import VerdictOptions, VerdictSettings


class Case(NamedTuple):
    """What is judged."""

    session: Session
    options: VerdictOptions
    known: Match
    """How the process stands to the list of known programs."""
    libraries: tuple[Library, ...]
    """What the process may have had loaded at this session."""
    changes: tuple[Tamper, ...]
    """Injections that can have made the process what it was at this session."""
    by_tools: tuple[Tamper, ...]
    """The same by programs whose job it is."""


def case(session: Session, settings: VerdictSettings) -> Case:
    """Prepare a session for its evidences."""
    by_tools, changes = tampering.before(session, settings)
    return Case(
        session=session,
        options=settings.options,
        known=match(session.process, settings.programs, tampered=bool(changes)),
        libraries=timing.libraries(session, settings.options),
        changes=changes,
        by_tools=by_tools,
    )
