"""What several formats say of a notice, in their common shapes."""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from enricher.model.library import file_name
from enricher.model.verdict import Evidence, Notice, NoticeSession, Severity

VENDOR: Final = "AN1496"
PRODUCT: Final = "an1496"
ANALYTIC: Final = "Encrypted channel by a process not known for encryption"

_TECHNIQUES: Final = {"T1573": "Encrypted Channel", "T1573.002": "Asymmetric Cryptography"}
TACTIC: Final = ("TA0011", "Command and Control")
"""MITRE ATT&CK: what both techniques are for."""

RANK: Final[dict[Severity, int]] = {"informational": 1, "low": 2, "medium": 3, "high": 4}


class Technique(NamedTuple):
    """A technique of ATT&CK, or a sub-technique with the technique it belongs to."""

    id: str
    name: str | None
    parent: "Technique | None" = None

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"


def technique(id_: str) -> Technique:
    """A technique by its id."""
    parent = technique(id_.partition(".")[0]) if "." in id_ else None
    return Technique(id_, _TECHNIQUES.get(id_), parent)


def iso(ts: float | None) -> str | None:
    """RFC 3339 in UTC with microseconds; None where no calendar has such a time."""
    if ts is None:
        return None
    try:
        return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def milliseconds(ts: float | None) -> int | None:
    """Whole milliseconds since 1970; None where no calendar has such a time."""
    return None if ts is None or iso(ts) is None else round(ts * 1000)


def address(text: str) -> str | None:
    """The text if it is an IP address and nothing more."""
    try:
        return None if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return None


def distinct(values: Iterable[str | None]) -> list[str]:
    """Each value once, in the order of their first."""
    return list(dict.fromkeys(value for value in values if value))


def ends(notice: Notice, session: NoticeSession) -> tuple[tuple[str, int], tuple[str, int]]:
    """Client and server of a session; the sensor may have taken them the wrong way round."""
    orig, resp = (session.orig_h, session.orig_p), (session.resp_h, session.resp_p)
    return (resp, orig) if session.orig_h not in notice.client and session.resp_h in notice.client else (orig, resp)


def account(user: str | None) -> tuple[str | None, str | None]:
    r"""Domain and name of `DOMAIN\name`."""
    if user is None:
        return None, None
    domain, _, name = user.rpartition("\\")
    return domain or None, name or None


def base_name(path: str | None) -> str | None:
    """The last component of a path as it is written there; None where there is none."""
    name = file_name(path) if path else ""
    return path[-len(name) :] if path and name else None


def title(notice: Notice) -> str:
    """The notice in a few words, the same for all its revisions."""
    image = base_name(notice.process.image) if notice.process else None
    return f"Abnormal TLS session by {image or 'an unnamed process'} to {notice.server.name or notice.server.address}"


def legs(notice: Notice) -> str:
    """All three legs with their state."""
    state = notice.legs
    return f"process:{state.process},library:{state.library},session:{state.session}"


def dispositions(notice: Notice) -> list[str]:
    """What the ledger says of the notice's sessions."""
    return distinct(session.disposition for session in notice.sessions)


def weighed(evidence: Evidence) -> str:
    """An evidence with its weight."""
    return f"{evidence.id}:{evidence.weight:+d}"


def file_hashes(notice: Notice) -> dict[str, str]:
    """Hashes of the process's image by algorithm."""
    return dict(notice.process.hashes or {}) if notice.process else {}
