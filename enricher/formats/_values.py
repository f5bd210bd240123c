"""Values as Windows' logs write them, to values as the model has them. What cannot be read is None."""

import ipaddress
import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from enricher.formats._memo import Memo

MAX_TEXT: Final = 32 << 10
"""Characters of any text; a Windows command line holds at most 32767."""

_LONGEST_ADDRESS: Final = 64
_LONGEST_GUID: Final = 64
_LONGEST_HASHES: Final = 1024
_EMPTY: Final = frozenset(("", "-", "?"))
_TRUTH: Final = MappingProxyType({"true": True, "false": False})
_UNKNOWN_IMAGE: Final = frozenset(("<unknown process>", "&lt;unknown process&gt;"))
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ZERO_GUID: Final = "00000000-0000-0000-0000-000000000000"
_SECOND: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)", re.ASCII)
_SECOND_END: Final = 19
_MILLISECONDS: Final = len(".123Z")
"""Of finer times few are alike."""
_FRACTION: Final = re.compile(r"(\.\d{1,9})?\d*\s*(?:Z|UTC|([+-])(\d\d):?(\d\d))?", re.ASCII)
_HASH: Final = re.compile(r"([A-Za-z0-9]{1,16})=([0-9A-Fa-f]{8,128})")


def text(value: Any) -> str | None:
    """A text, bounded, without lone surrogates (which no encoder takes) and without NUL (which the join puts between
    texts); None where the log says there is none.
    """
    if not isinstance(value, str):
        if value is None or isinstance(value, (dict, list, bool)):
            return None
        value = str(value)
    if len(value) <= 1 and value in _EMPTY:
        return None
    if len(value) > MAX_TEXT:
        value = value[:MAX_TEXT]
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode()
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    return value  # type: ignore[no-any-return]


def image(value: Any) -> str | None:
    r"""A program's path as the event writes it: also 8.3 names and `\Device\HarddiskVolumeN\…`, compared by others."""
    path = text(value)
    return None if path in _UNKNOWN_IMAGE else path


def number(value: Any, limit: int) -> int | None:
    """A number from 0 to `limit`, also as text, also hexadecimal with `0x`."""
    if isinstance(value, str) and len(value) <= 24:
        try:
            value = int(value, 16 if value[:2] in ("0x", "0X") else 10)
        except ValueError:
            return None
    return value if type(value) is int and 0 <= value <= limit else None


def pid(value: Any) -> int | None:
    """A process id."""
    return number(value, 0xFFFFFFFF)


def port(value: Any) -> int | None:
    """A port."""
    return number(value, 0xFFFF)


def boolean(value: Any) -> bool | None:
    """A truth value, also as text."""
    if isinstance(value, str):
        return _TRUTH.get(value.lower())
    return value if isinstance(value, bool) else None


class Values:
    """The conversions that are worth remembering, for one input."""

    def __init__(self) -> None:
        self._addresses = Memo(_address)
        self._guids = Memo(_guid)
        self._hashes = Memo(_hashes)
        self._seconds = Memo(_second)
        self._fractions = Memo(_fraction)

    def address(self, value: Any) -> str | None:
        """Canonical text of an IP address (RFC 5952), without scope id; IPv4-mapped as IPv4; unspecified as None."""
        return self._addresses[value] if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS else None

    def guid(self, value: Any) -> str | None:
        """A ProcessGuid, lower case, without braces; None for the zero GUID and for anything else."""
        return self._guids[value] if isinstance(value, str) and len(value) <= _LONGEST_GUID else None

    def hashes(self, value: Any) -> dict[str, str] | None:
        """`SHA1=…,MD5=…` to algorithm and digest, lower case. An all-zero digest means it was not computed."""
        return self._hashes[value] if isinstance(value, str) and len(value) <= _LONGEST_HASHES else None

    def time(self, value: Any) -> float | None:
        """Seconds since 1970 from `YYYY-MM-DD HH:MM:SS.mmm`, ISO 8601 or an epoch number.

        A time without zone is taken for UTC, as Sysmon's UtcTime is.
        """
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _epoch(float(value))
        if not isinstance(value, str):
            return None
        second, rest = self._seconds[value[:_SECOND_END]], value[_SECOND_END:]
        fraction = self._fractions[rest] if len(rest) <= _MILLISECONDS else _fraction(rest)
        return None if second is None or fraction is None else second + fraction


def _second(text: str) -> int | None:
    """Seconds since 1970 of `YYYY-MM-DD HH:MM:SS`."""
    match = _SECOND.fullmatch(text)
    if match is None:
        return None
    *minute, second = map(int, match.groups())
    try:
        return int(datetime(*minute, tzinfo=UTC).timestamp()) + second  # type: ignore[arg-type, misc]
    except ValueError:
        return None


def _fraction(text: str) -> float | None:
    """Seconds to add for what follows the second: its fraction and the time zone."""
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    fraction, sign, hours, minutes = match.groups("0")
    zone = int(hours) * 3600 + int(minutes) * 60
    return float(fraction) + (zone if sign == "-" else -zone)


def _guid(text: str) -> str | None:
    text = text.strip("{}").lower()
    return text if text != _ZERO_GUID and _GUID.fullmatch(text) else None


def _hashes(text: str) -> dict[str, str] | None:
    found = {m[1].lower(): m[2].lower() for m in _HASH.finditer(text) if m[2].strip("0")}
    return found or None


def _address(value: str) -> str | None:
    try:
        address = ipaddress.ip_address(value.partition("%")[0].strip("[] "))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return None if address.is_unspecified else str(address)


def _epoch(value: float) -> float | None:
    """Seconds, milli- or microseconds since 1970, told apart by size (1973 to 5138)."""
    for unit in (1.0, 1e3, 1e6):
        if 1e8 <= value / unit < 1e11:
            return value / unit
    return None
