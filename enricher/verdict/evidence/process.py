"""Process leg: whether this is a program that normally does TLS."""

from typing import Final

from enricher.model.library import file_name
from enricher.model.session import Process
from enricher.model.text import visible
from enricher.verdict import paths, timing
from enricher.verdict.binaries import RUNS_FOREIGN_CODE, STARTS_NO_PROGRAMS, SYSTEM, stem
from enricher.verdict.case import Case
from enricher.verdict.finding import Finding
from enricher.verdict.programs import invalid_signature
from enricher.verdict.rule import Rule

_NO_NAME: Final = frozenset({"", "-", "?"})


def _named(case: Case) -> tuple[Process, str] | None:
    process = case.session.process
    return None if process is None or not process.image else (process, process.image)


def _found(case: Case, text: str) -> Finding:
    """A finding on the process itself, proved by its creation record if there is one."""
    process = case.session.process
    if process is None:
        return Finding(text)
    return Finding(text, process.start, timing.offset(case.session.module_clock), process.start_source)


def _not_known_program(case: Case) -> Finding | None:
    named, found = _named(case), case.known
    if named is None or found.state in {"full", "partly"}:
        return None
    if found.state == "tampered" and found.program is not None:
        return _found(case, f"The process was {found.program.name}, but what was put into it may do TLS instead.")
    return _found(case, f"{_show(named[1])} is not on the list of programs known to do TLS.")


def _known_program(case: Case) -> Finding | None:
    found = case.known
    if found.state != "full" or found.program is None:
        return None
    return _found(case, f"The process is {found.program.name}, known to do TLS: {found.program.reason}.")


def _known_program_partly(case: Case) -> Finding | None:
    found = case.known
    if found.state != "partly" or found.program is None:
        return None
    missing = " and ".join(found.missing)
    return _found(case, f"The process may be {found.program.name}, known to do TLS; its {missing} was not seen.")


def _known_program_contradicted(case: Case) -> Finding | None:
    found = case.known
    if found.state != "contradicted" or found.program is None:
        return None
    text = f"The file stands where {found.program.name} belongs, but its signer or original name is another."
    return _found(case, text)


def _unsigned(case: Case) -> Finding | None:
    named = _named(case)
    if named is None or named[0].signed is not False:
        return None
    return _found(case, f"{_show(named[1])} is not signed.")


def _invalid_signature(case: Case) -> Finding | None:
    named = _named(case)
    if named is None or not invalid_signature(named[0]):
        return None
    return _found(case, f"The signature of {_show(named[1])} is {visible(named[0].signature_status or '', 40)}.")


def _drop_folder(case: Case) -> Finding | None:
    named = _named(case)
    if named is None or not paths.is_drop_folder(named[1]) or case.known.state == "full":
        return None
    return _found(case, f"The program runs from {visible(paths.folder(named[1]), 120)}, where downloads land.")


def _user_writable_path(case: Case) -> Finding | None:
    named = _named(case)
    if named is None or not paths.is_user_writable(named[1]) or paths.is_drop_folder(named[1]):
        return None
    if case.known.state == "full":
        return None
    return _found(case, f"The program runs from {visible(paths.folder(named[1]), 120)}, where any user may write.")


def _runs_foreign_code(case: Case) -> Finding | None:
    named = _named(case)
    if named is None or not {stem(named[1]), stem(named[0].original_file_name or "")} & RUNS_FOREIGN_CODE:
        return None
    return _found(case, f"{_show(named[1])} runs whatever code it is given and seldom does TLS of its own.")


def _unusual_parent(case: Case) -> Finding | None:
    named = _named(case)
    parent = named[0].parent if named else None
    if named is None or parent is None or not parent.image or stem(parent.image) not in STARTS_NO_PROGRAMS:
        return None
    # Browsers and offices start their own helpers, from below their own folder.
    if paths.folder(named[1]).startswith(paths.folder(parent.image)) or case.known.state == "full":
        return None
    return _found(case, f"It was started by {_show(parent.image)}, which seldom starts other programs.")


def _renamed(case: Case) -> Finding | None:
    named = _named(case)
    # Windows' own files differ often enough in name and resource (systeminfo.exe is sysinfo.exe).
    if named is None or paths.is_windows(named[1]):
        return None
    original = named[0].original_file_name or ""
    if original in _NO_NAME or stem(original) == stem(named[1]):
        return None
    return _found(case, f"{_show(named[1])} was built as {visible(original, 80)}.")


def _masquerade(case: Case) -> Finding | None:
    named = _named(case)
    if named is None or stem(named[1]) not in SYSTEM or "\\" not in named[1] or paths.is_windows(named[1]):
        return None
    folder = visible(paths.folder(named[1]), 120)
    return _found(case, f"{_show(named[1])} has the name of a part of Windows but runs from {folder}.")


def _process_started(case: Case) -> Finding | None:
    process = case.session.process
    if process is None or process.start is None:
        return None
    if process.start_source is None:
        return _found(case, "The process started then, by its identifier; no creation record was seen.")
    by = f" by {_show(process.parent.image)}" if process.parent and process.parent.image else ""
    return _found(case, f"The process was created{by}.")


def _show(path: str) -> str:
    return visible(file_name(path) or path, 80)


RULES: Final = (
    Rule("not_known_program", "process", _not_known_program),
    Rule("known_program", "process", _known_program),
    Rule("known_program_partly", "process", _known_program_partly),
    Rule("known_program_contradicted", "process", _known_program_contradicted),
    Rule("unsigned", "process", _unsigned),
    Rule("invalid_signature", "process", _invalid_signature),
    Rule("drop_folder", "process", _drop_folder),
    Rule("user_writable_path", "process", _user_writable_path),
    Rule("runs_foreign_code", "process", _runs_foreign_code),
    Rule("unusual_parent", "process", _unusual_parent),
    Rule("renamed", "process", _renamed),
    Rule("masquerade", "process", _masquerade),
    Rule("process_started", "process", _process_started),
)
