"""Notices and the ledger as rows of plain text, for whatever draws the table."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, get_args

from enricher.model.session import Disposition
from enricher.model.text import clean, visible
from enricher.model.verdict import LedgerRow, Leg, Legs, Notice
from enricher.report.words import last_part, place

HEADINGS: Final = ("severity", "who", "what", "where", "why", "legs")

_MAX_WHY: Final = 5
_LEG_MARK: Final[Mapping[str, str]] = {"present": "+", "absent": "-", "unavailable": "?"}


class Row(NamedTuple):
    """One notice."""

    severity: str
    who: str
    what: str
    where: str
    why: str
    legs: str


def rows(notices: Iterable[Notice]) -> list[Row]:
    """One row for each notice, in their order."""
    return [_row(clean(notice)) for notice in notices]


def _row(notice: Notice) -> Row:
    count = f"{notice.count} session{'s' if notice.count > 1 else ''}"
    name = f" ({notice.server.name})" if notice.server.name else ""
    return Row(
        severity=f"{notice.severity} {notice.score}",
        who=_who(notice),
        what=f"{count} to {place(notice.server.address, notice.server.port)}{name}",
        where=notice.host or ", ".join(notice.client),
        why=_why(notice),
        legs=legs(notice.legs),
    )


def _who(notice: Notice) -> str:
    process = notice.process
    if process is None:
        return " or ".join(last_part(image) for image in notice.candidates) or "not known"
    facts = [process.pid, process.user and last_part(process.user)]
    known = ", ".join(str(fact) for fact in facts if fact is not None)
    name = last_part(process.image) if process.image else "without a name"
    return f"{name} ({known})" if known else name


def _why(notice: Notice) -> str:
    """The heaviest evidence against it, by id."""
    against = sorted((found for found in notice.evidence if found.weight > 0), key=lambda e: (-e.weight, e.id))
    return ", ".join(found.id for found in against[:_MAX_WHY])


def legs(states: Legs) -> str:
    """The three legs in short, such as `process+ library+ session?`; `-` is absent, `?` was not to be seen."""
    return " ".join(f"{leg}{_LEG_MARK[getattr(states, leg)]}" for leg in get_args(Leg))


class HostRate(NamedTuple):
    """How many outbound TLS sessions of one host were attributed to a process."""

    host: str
    matched: int
    sessions: int


class Ledger(NamedTuple):
    """What became of all sessions."""

    sessions: int
    dispositions: Mapping[str, int]
    """Every disposition, also those that did not occur."""
    hosts: tuple[HostRate, ...]
    """Hosts that report network events, by name; the attribution rate is over these."""

    @property
    def attribution(self) -> float | None:
        """Matched sessions among all of hosts that report network events; None where there are no such hosts."""
        total = sum(host.sessions for host in self.hosts)
        return sum(host.matched for host in self.hosts) / total if total else None


def ledger(lines: Iterable[LedgerRow]) -> Ledger:
    """Count the ledger's rows in one pass."""
    dispositions = Counter(dict.fromkeys(get_args(Disposition), 0))
    hosts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        dispositions[line.disposition] += 1
        if line.reports_network and line.host is not None:
            hosts[line.host][line.disposition] += 1
    rates = (HostRate(visible(host), seen["matched"], seen.total()) for host, seen in sorted(hosts.items()))
    return Ledger(dispositions.total(), dict(dispositions), tuple(rates))


def ledger_rows(counted: Ledger) -> list[tuple[str, str]]:
    """The ledger as label and value: sessions, each disposition, and the attribution rate over all and by host."""
    found = [("sessions", str(counted.sessions))]
    found += [(disposition.replace("_", " "), str(count)) for disposition, count in counted.dispositions.items()]
    matched, total = sum(h.matched for h in counted.hosts), sum(h.sessions for h in counted.hosts)
    found.append(("attributed", _rate(matched, total)))
    found += [(f"attributed on {host}", _rate(some, of)) for host, some, of in counted.hosts]
    return found


def _rate(matched: int, total: int) -> str:
    return f"{matched} of {total} ({matched / total:.0%})" if total else "no host reports network events"
