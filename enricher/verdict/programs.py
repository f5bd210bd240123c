"""Programs known to do TLS: the list, and whether a process is on it."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from enricher.errors import ConfigError
from enricher.model.library import file_name
from enricher.model.session import Process
from enricher.verdict import paths
from enricher.verdict.binaries import RUNS_FOREIGN_CODE, stem
from enricher.verdict.settings import KnownProgram, Programs, Tool
from enricher.verdict.tables import convert, tree

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Texts = Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]


class _Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Text
    paths: _Texts
    signers: _Texts
    original_file_name: _Text
    reason: _Text
    services: tuple[_Text, ...] = ()


class _Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    paths: _Texts
    reason: _Text


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    program: tuple[_Program, ...] = ()
    tool: tuple[_Tool, ...] = ()


def parse_programs(*texts: bytes | Mapping[str, Any]) -> Programs:
    """Read lists of known programs (TOML); each adds to those before it.

    Raises:
        ConfigError: not TOML, a fact is missing, a file name is not literal, a service host names no services, or the
            program is one that runs whatever code it is given.
    """
    by_name: dict[str, tuple[KnownProgram, ...]] = {}
    tools: list[Tool] = []
    for text in texts:
        file = convert(tree(text, "list of known programs"), _File, "list of known programs")
        for entry in file.program:
            known = _known(entry)
            for name in {_literal_name(entry, path) for path in entry.paths}:
                by_name[name] = (*by_name.get(name, ()), known)
        tools += [Tool(paths=tuple(map(paths.pattern, tool.paths)), reason=tool.reason) for tool in file.tool]
    return Programs(by_name=by_name, tools=tuple(tools))


def _known(entry: _Program) -> KnownProgram:
    if stem(entry.original_file_name) == "svchost" and not entry.services:
        raise ConfigError(f"known program {entry.name!r}: hosts services but names none", "give services")
    if stem(entry.original_file_name) in RUNS_FOREIGN_CODE:
        raise _refused(entry, entry.original_file_name)
    return KnownProgram(
        name=entry.name,
        paths=tuple(map(paths.pattern, entry.paths)),
        signers=tuple(signer.lower() for signer in entry.signers),
        original_file_name=entry.original_file_name.lower(),
        services=tuple(service.lower() for service in entry.services),
        reason=entry.reason,
    )


def _literal_name(entry: _Program, path: str) -> str:
    name = file_name(path)
    if not name or "*" in name or "\\" not in path:
        raise ConfigError(f"known program {entry.name!r}: {path!r} is not a whole path", "give folder and file name")
    if stem(name) in RUNS_FOREIGN_CODE:
        raise _refused(entry, name)
    return name


def _refused(entry: _Program, name: str) -> ConfigError:
    what = f"known program {entry.name!r}: {name} runs whatever code it is given"
    return ConfigError(what, "lower the weight of an evidence instead; this program cannot be on the list")


class Match(NamedTuple):
    """How a process stands to the list."""

    state: Literal["full", "partly", "contradicted", "tampered", "none"]
    """full: every fact fits. partly: none contradicts, but some were not seen. contradicted: an entry's path with
    another signer or original name. tampered: it would fit, but somebody changed the running process."""
    program: KnownProgram | None = None
    missing: tuple[str, ...] = ()
    """Facts that were not seen."""


_RANK: Final[Mapping[str, int]] = {"none": 0, "contradicted": 1, "partly": 2, "full": 3}


def match(process: Process | None, programs: Programs, *, tampered: bool = False) -> Match:
    """Compare a process with the list; the best entry counts, unless the running process was changed."""
    if process is None or process.image is None:
        return Match("none")
    entries = programs.by_name.get(file_name(process.image), ())
    best = max((_compare(process, entry) for entry in entries), key=lambda m: _RANK[m.state], default=Match("none"))
    return best._replace(state="tampered") if tampered and best.state in {"full", "partly"} else best


def _compare(process: Process, entry: KnownProgram) -> Match:
    image = paths.normalise(process.image or "")
    if not any(path.fullmatch(image) for path in entry.paths):
        return Match("none")
    facts = {
        "signer": _signer_fits(process, entry.signers),
        "original file name": _fits(process.original_file_name, (entry.original_file_name,)),
    }
    if False in facts.values():
        return Match("contradicted", entry)
    if entry.services:
        facts["service"] = _service_fits(process.command_line, entry.services)
        if facts["service"] is False:
            return Match("none")
    missing = tuple(name for name, fits in facts.items() if fits is None)
    return Match("partly" if missing else "full", entry, missing)


def _fits(value: str | None, wanted: Sequence[str]) -> bool | None:
    """None: not seen. Sysmon's `-` says that the file has no such fact, which fits nothing; `?` says not seen."""
    return None if value is None or value == "?" else value.lower() in wanted


def _signer_fits(process: Process, wanted: Sequence[str]) -> bool | None:
    if process.signed is False or invalid_signature(process):
        return False
    return _fits(process.signer, wanted)


def invalid_signature(process: Process) -> bool:
    """Whether the signature was checked and does not hold; a state we do not know is no such thing."""
    return (process.signature_status or "").lower() in {"invalid", "expired", "revoked", "untrusted", "distrusted"}


def _service_fits(command_line: str | None, wanted: Sequence[str]) -> bool | None:
    """Compare what svchost was started for: `-s NAME`; `-k GROUP` alone hides which of the group's services it is."""
    words = (command_line or "").lower().split()
    options = dict(itertools.pairwise(words))
    if "-s" in options:
        return options["-s"] in wanted
    return True if options.get("-k") in wanted else None
