"""One notice as a story in plain text: what happened when, by which records, and what was not seen."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from enricher.model.text import clean, visible
from enricher.model.verdict import Evidence, Leg, Notice
from enricher.report.words import moment, place, wrapped

_LEGS: Final[Mapping[Leg, str]] = {
    "process": "a program that does not normally do TLS",
    "library": "it loaded a TLS or crypto library",
    "session": "an abnormal handshake or certificate",
}
_LABEL: Final = 14


def story(notice: Notice, reasons: Mapping[str, str]) -> str:
    """Tell a notice on plain lines of at most 100 columns, without control characters but the line feeds.

    `reasons`: why each evidence weighs what it does, by its id.
    """
    told = clean(notice)
    sections = (
        ("", _head(told)),
        ("Who and where", _facts(told)),
        ("Time line (network time; `~` marks an endpoint time whose clock offset is not known)", _time_line(told)),
        ("Legs", _legs(told)),
        ("Evidence", _evidence(told, reasons)),
        ("Candidates", _items(told.candidates)),
        ("Not seen", _items(told.unseen)),
        ("Reference", _reference(told)),
    )
    lines: list[str] = []
    for title, body in sections:
        if part := list(body):
            lines += ["", *([title] if title else []), *part]
    return "\n".join(line.rstrip() for line in lines[1:]) + "\n"


def _head(notice: Notice) -> Iterator[str]:
    yield from wrapped(f"{notice.id}  revision {notice.revision}")
    yield f"Severity {notice.severity}, score {notice.score}"
    yield ""
    yield from wrapped(notice.summary + ".")


def _fact(label: str, value: object) -> list[str]:
    if value is None or value == "":
        return []
    return wrapped(str(value), f"  {label[: _LABEL - 1]:<{_LABEL}}", " " * (_LABEL + 2))


def _facts(notice: Notice) -> Iterator[str]:
    process, server, clock = notice.process, notice.server, notice.clock
    yield from _fact("host", notice.host)
    yield from _fact("client", ", ".join(notice.client))
    if process is not None:
        pid = "" if process.pid is None else f"  pid {process.pid}"
        guid = f"  guid {process.guid}" if process.guid else ""
        yield from _fact("process", f"{process.image or 'without a name'}{pid}{guid}")
        yield from _fact("user", process.user)
        yield from _fact("command line", process.command_line)
        yield from _fact("parent", process.parent and process.parent.image)
        status = f" ({process.signature_status})" if process.signature_status else ""
        yield from _fact("signer", (process.signer or ("none" if status else "not seen")) + status)
        yield from _fact("built as", process.original_file_name)
        for name, digest in sorted((process.hashes or {}).items()):
            yield from _fact(name, digest)
    yield from _fact("server", place(server.address, server.port) + (f"  {server.name}" if server.name else ""))
    yield from _fact("subject", server.subject)
    yield from _fact("issuer", server.issuer)
    yield from _fact("cert sha256", server.cert_sha256)
    if clock is not None and clock.offset is not None:
        yield from _fact(
            "clock", f"network events {clock.offset:+.3f} s, confidence {clock.confidence}, {clock.samples} matches"
        )


class _Event(NamedTuple):
    ts: float
    known: bool
    """Whether `ts` is network time."""
    text: str
    source: str | None


def _events(notice: Notice) -> list[_Event]:
    """What has a time. Endpoint times whose offset is not known stay as the host claims them."""
    sessions = {(session.source, session.ts) for session in notice.sessions}
    found = [
        _Event(
            session.ts,
            known=True,
            text=f"TLS session {session.uid} {place(session.orig_h, session.orig_p)} > "
            f"{place(session.resp_h, session.resp_p)}"
            + (f" ({', '.join(session.anomalies)})" if session.anomalies else ""),
            source=session.source,
        )
        for session in notice.sessions
    ]
    records: dict[tuple[float, str | None], list[Evidence]] = {}
    for evidence in notice.evidence:
        if evidence.ts is not None and (evidence.source, evidence.ts) not in sessions:
            records.setdefault((evidence.ts, evidence.source), []).append(evidence)
    for (ts, source), about in records.items():
        # One record proves several evidences: the one that only tells the fact speaks for it.
        teller = min(about, key=lambda e: (abs(e.weight), e.id))
        offset = next((e.offset for e in about if e.offset is not None), None)
        found.append(_Event(ts + (offset or 0.0), offset is not None, teller.text, source))
    return sorted(found, key=lambda event: (event.ts, event.text, event.source or ""))


def _time_line(notice: Notice) -> Iterator[str]:
    for event in _events(notice):
        yield from wrapped(f"{'  ' if event.known else '~ '}{moment(event.ts)}  {event.text}", "", " " * 31)
        if event.source:
            yield from wrapped(f"[{event.source}]", " " * 31)
    if notice.count > len(notice.sessions):
        yield f"  and {notice.count - len(notice.sessions)} more sessions until {moment(notice.last)}"


def _legs(notice: Notice) -> Iterator[str]:
    for leg, question in _LEGS.items():
        yield f"  {leg:<10}{getattr(notice.legs, leg):<13}{question}"


def _evidence(notice: Notice, reasons: Mapping[str, str]) -> Iterator[str]:
    for found in notice.evidence:
        yield from wrapped(f"{_points(found.weight)}  {found.leg:<9}{found.id}: {found.text}", "  ", " " * 17)
        reason = reasons.get(found.id)
        if reason and found.weight:
            yield from wrapped(f"why this weight: {visible(reason)}", " " * 17)
        if found.source:
            yield from wrapped(f"[{found.source}]", " " * 17)


def _points(weight: int) -> str:
    return f"{weight:+4d}" if weight else "   0"


def _items(items: tuple[str, ...]) -> Iterator[str]:
    for item in items:
        yield from wrapped(item, "  - ", "    ")


def _reference(notice: Notice) -> Iterator[str]:
    yield f"  MITRE ATT&CK analytic {notice.attack.analytic}, technique {', '.join(notice.attack.technique)}"
