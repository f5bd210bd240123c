"""Whether a certificate covers the name a client asked for (RFC 6125 6.4, RFC 9525 6; wildcards as in Zeek)."""

import ipaddress
from collections.abc import Iterable


def matches(server_name: str, names: Iterable[str], addresses: Iterable[str]) -> bool:
    """Compare a server name (or an address literal) with the names and addresses of a certificate.

    A wildcard stands for the end of the leftmost label, in names of at least three labels.
    """
    wanted = a_label(server_name)
    address = _address(server_name)
    if address is not None and any(_address(a) == address for a in addresses):
        return True
    return any(_covers(a_label(name), wanted, literal=address is not None) for name in names)


def a_label(name: str) -> str:
    """Lower case, without the root's dot, internationalised labels in their ASCII form where they have one."""
    name = name.removesuffix(".").lower()
    if name.isascii() or len(name) > 255:
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _covers(pattern: str, name: str, *, literal: bool) -> bool:
    if pattern == name:
        return bool(name)
    prefix, star, parent = pattern.partition("*")
    if literal or not star or "." in prefix or not parent.startswith(".") or parent.count(".") < 2:
        return False
    label, dot, rest = name.partition(".")
    return bool(label) and label.startswith(prefix) and dot + rest == parent


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip("[]")
    if ":" not in text and not text[-1:].isdigit():
        return None  # most names end so, and an error costs more than the look
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
