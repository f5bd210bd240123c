"""The user's lists of known-bad client fingerprints and certificates.

Plain text (one entry a line, `#` comments, what follows the entry is the reason) and the CSV files of abuse.ch
(`Listingdate,SHA1,Listingreason`; `ja3_md5,Firstseen,Lastseen,Listingreason`) are read by the same rule: the first
field that looks like an entry is the entry, and the fields that are no dates are the reason.
"""

import csv
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from enricher.model.problem import Problem

_HEX: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_JA4: Final = re.compile(r"[qtd][0-9a-z]{2}[di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?Z?)?")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\u00a1-\u1fff\u2030-\ud7ff]+")
_MOST_PROBLEMS: Final = 20
_LONGEST_REASON: Final = 200


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """Known-bad ids, lower case, and why each is listed."""

    fingerprints: Mapping[str, str] = {}
    """JA3 (MD5) and JA4 of clients."""
    certificates: Mapping[str, str] = {}
    """SHA-1 and SHA-256 of certificates."""

    @classmethod
    def of(cls, *entries: Mapping[str, str]) -> "Lists":
        """Join parsed lists; where two give a reason for one id, the first counts."""
        joined: dict[str, str] = {}
        for part in reversed(entries):
            joined.update(part)
        certificates = {key: why for key, why in joined.items() if len(key) in (40, 64) and "_" not in key}
        return cls(
            fingerprints={key: why for key, why in joined.items() if key not in certificates},
            certificates=certificates,
        )


def parse_list(text: bytes, name: str) -> tuple[dict[str, str], list[Problem]]:
    """Read one list.

    Args:
        text: the file, UTF-8 with or without a byte order mark.
        name: what to call it; the reason of entries that have none.

    Returns:
        Each entry's id (lower case, without colons) with its reason, and the lines that hold no entry.
    """
    entries: dict[str, str] = {}
    problems: list[Problem] = []
    unread = 0
    for number, line in enumerate(text.decode("utf-8-sig", "replace").splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        entry = _entry(stripped)
        if entry:
            entries.setdefault(entry[0], entry[1] or f"listed in {name}")
        elif (unread := unread + 1) <= _MOST_PROBLEMS:
            problems.append(
                Problem(
                    where=f"{name}:{number}",
                    what="holds no JA3, JA4, SHA-1 or SHA-256",
                    advice="give one per line, a reason may follow",
                )
            )
    if unread > _MOST_PROBLEMS:
        problems.append(Problem(where=name, what=f"{unread - _MOST_PROBLEMS} more lines hold no entry"))
    return entries, problems


def _entry(line: str) -> tuple[str, str] | None:
    """The id in a line and its reason."""
    try:
        fields = next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return None
    for position, field in enumerate(fields[:2]):
        head, *tail = field.split(maxsplit=1) or [""]
        identity = _identity(head)
        if identity:
            rest = [*tail, *fields[:position], *fields[position + 1 :]]
            words = [word for part in rest if (word := part.strip().lstrip("#").strip()) and not _DATE.fullmatch(word)]
            return identity, _UNPRINTABLE.sub(" ", ", ".join(words))[:_LONGEST_REASON].strip()
    return None


def _identity(word: str) -> str | None:
    word = word.lower()
    if _JA4.fullmatch(word):
        return word
    plain = word.replace(":", "")
    return plain if _HEX.fullmatch(plain) else None
