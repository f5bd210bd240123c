"""Names in certificates as Suricata writes them, to how Zeek writes them."""

import ipaddress
import re
from typing import Any, Final

from enricher.formats._values import Values, text

MOST_NAMES: Final = 500
"""Alternative names that are kept, as many as the sensor's."""

_NEXT: Final = re.compile(r", (?=(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)=)")
"""Between two attributes. Suricata escapes nothing, so a value can hold what looks like another attribute."""
_SPECIAL: Final = re.compile(r'[,+"\\<>;]')
_DNS: Final = re.compile(r"[*A-Za-z0-9_.-]{1,253}")
_BYTES: Final = re.compile(r"\[[0-9, ]{1,128}\]")


def rfc2253(name: str | None) -> str | None:
    """A distinguished name as RFC 2253 has it: last attribute first, special characters escaped."""
    if name is None:
        return None
    return ",".join(_attribute(each) for each in reversed(_NEXT.split(name)))


def _attribute(attribute: str) -> str:
    kind, sign, value = attribute.partition("=")
    return kind + sign + _SPECIAL.sub(r"\\\g<0>", value)


def alternative_names(names: Any, values: Values) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """DNS names and addresses; addresses stand as a list of their bytes, other kinds of names are left out."""
    if not isinstance(names, list):
        return None, None
    found = [name for each in names[:MOST_NAMES] if (name := text(each)) is not None]
    hosts = tuple(name for name in found if _DNS.fullmatch(name))
    addresses = tuple(a for name in found if _BYTES.fullmatch(name) and (a := _address(name, values)) is not None)
    return hosts or None, addresses or None


def _address(name: str, values: Values) -> str | None:
    try:
        packed = bytes(int(part) for part in name.strip("[]").split(","))
        return values.address(str(ipaddress.ip_address(packed)))
    except ValueError:
        return None
