"""Library leg: which TLS and crypto libraries the process loaded."""

from collections.abc import Callable
from typing import Final

from enricher.model.session import Library
from enricher.verdict import paths, timing
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding
from enricher.verdict.rule import Rule


def _is_foreign(library: Library) -> bool:
    return library.tier == "foreign" and not paths.is_windows(library.path)


def _is_rsaenh(library: Library) -> bool:
    return library.name.lower() == "rsaenh.dll"


def _is_misplaced(library: Library) -> bool:
    """A Windows library's name outside of Windows' folder; a bare name tells no folder."""
    return library.tier != "foreign" and "\\" in library.path and not paths.is_windows(library.path)


def _rule(identifier: str, wanted: Callable[[Library], bool], text: str) -> Rule:
    def find(case: Case) -> Finding | None:
        found = [library for library in case.libraries if wanted(library)]
        return timing.loaded(case.session, found, text) if found else None

    return Rule(identifier, "library", find)


RULES: Final = (
    _rule("tls_stack", lambda lib: lib.tier == "stack", "The process loaded Windows' TLS: {names}."),
    _rule("tls_provider", lambda lib: lib.tier == "provider", "It loaded what only a TLS handshake needs: {names}."),
    _rule("foreign_stack", _is_foreign, "The process brought a TLS library of its own: {names}."),
    _rule("rsaenh", _is_rsaenh, "The process loaded {names}, as the analytic says."),
    _rule(
        "crypto_context",
        lambda lib: lib.tier == "context" and not _is_rsaenh(lib),
        "The process loaded crypto libraries that most programs load: {names}.",
    ),
    _rule("misplaced_library", _is_misplaced, "A library with the name of Windows' own is not Windows': {names}."),
    _rule("unsigned_library", lambda lib: lib.signed is False, "A TLS or crypto library is not signed: {names}."),
)
