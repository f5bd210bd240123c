"""What stands behind an EtherType: tags, labels, 802.2 and PPP, down to the IP header.

Sources: IEEE 802.1Q, 802.1ad, 802.1ah, 802.2, RFC 1042, 1661, 1662, 2516, 3032, 4448; IANA's numbers.
"""

from collections.abc import Callable
from typing import Final

Walk = Callable[[bytes, int, int], int]
"""Takes a buffer and where in it a frame starts and ends; gives the offset of the IP header, or -1."""

IPV4, IPV6, MPLS, ETHERNET, PPPOE, PPP = 0x0800, 0x86DD, 0x8847, 0x6558, 0x8864, 0x880B
"""EtherTypes."""
LOGICAL: Final = 0
"""Stands for 802.2, in whose place a length would stand."""

_HEADERS: Final = {0x8100: 4, 0x88A8: 4, 0x9100: 4, 0x9200: 4, 0x8926: 6, ETHERNET: 14}
"""Headers that end in an EtherType (802.1Q, 802.1ad and what came before it, VN-Tag, Ethernet), and their size."""
_MULTICAST_MPLS: Final = 0x8848
_BACKBONE: Final = 0x88E7
_MAX_LENGTH: Final = 1535
"""An EtherType up to this is the length of an 802.2 packet."""
_MAX_LAYERS: Final = 32
_PPP: Final = {0x0021: IPV4, 0x0057: IPV6, 0x0281: MPLS, 0x0283: MPLS}
"""PPP protocol numbers to EtherTypes."""
_ETHERNET_IP: Final = (b"\x08\0\x45", b"\x86\xdd\x60")
"""What tells an Ethernet header from an IP header where an address begins like a version of IP."""
_NOTHING: Final = (0, 1 << 32)


def is_ip(data: bytes, ip: int, end: int) -> bool:
    """Whether an IP header can stand here."""
    if end - ip < 20:
        return False
    first = data[ip]
    total = data[ip + 2] << 8 | data[ip + 3]
    return (0x45 <= first <= 0x4F and (not total or total >= (first & 15) * 4)) or (first >> 4 == 6 and end - ip >= 40)


def payload(kind: int, data: bytes, start: int, end: int) -> int:
    """Offset of the IP header in what an EtherType says of the bytes at `start`, or -1."""
    for _ in range(_MAX_LAYERS):
        if start >= end:
            break
        if kind in (IPV4, IPV6):
            return start
        size = _HEADERS.get(kind)
        if size is None:
            kind, start = _inner(kind, data, start, end)
        elif end - start <= size:
            break
        else:
            start += size
            kind = data[start - 2] << 8 | data[start - 1]
    return -1


def _inner(kind: int, data: bytes, start: int, end: int) -> tuple[int, int]:
    """What is inside, and where."""
    if kind in (MPLS, _MULTICAST_MPLS):
        return _labelled(data, start, end)
    if kind in (PPPOE, PPP):
        return _point_to_point(data, start + 6 * (kind == PPPOE))
    if kind == _BACKBONE:
        return ETHERNET, start + 4
    return _logical(data, start) if kind <= _MAX_LENGTH else _NOTHING


def number(data: bytes, at: int) -> int:
    """A 16-bit integer."""
    return int.from_bytes(data[at : at + 2], "big")


def _logical(data: bytes, start: int) -> tuple[int, int]:
    """IEEE 802.2, with SNAP (RFC 1042)."""
    if data[start : start + 6] in (b"\xaa\xaa\x03\0\0\0", b"\xaa\xaa\x03\0\0\xf8"):
        return number(data, start + 6), start + 8
    return (IPV4, start + 3) if data[start : start + 3] == b"\x06\x06\x03" else _NOTHING


def _labelled(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Behind the MPLS labels nothing says what follows: IP, or an Ethernet pseudowire (RFC 4448, RFC 4928)."""
    while start + 4 <= end:
        start += 4
        if data[start - 2] & 1 and start < end:
            version = data[start] >> 4
            if version in (4, 6) and data[start + 12 : min(start + 15, end)] not in _ETHERNET_IP:
                return IPV4, start
            return ETHERNET, start + 4 * (not version)  # with a control word
    return _NOTHING


def _point_to_point(data: bytes, start: int) -> tuple[int, int]:
    """PPP, with or without its HDLC header, its protocol number in one byte or two (RFC 1661, RFC 1662)."""
    if data[start : start + 2] == b"\xff\x03":
        start += 2
    size = 2 - (data[start : start + 1] > b"" and data[start] & 1)
    kind = _PPP.get(int.from_bytes(data[start : start + size], "big"))
    return _NOTHING if kind is None else (kind, start + size)
