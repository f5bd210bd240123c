"""Link layers: where in a frame the IP header starts. One entry in `LINKS` per LINKTYPE_ number.

Sources: the LINKTYPE_ registry, RFC 1547, 1662, IEEE 802.11.
"""

import struct
from typing import Final, NamedTuple

from enricher.sensor import wireless
from enricher.sensor.ethertype import ETHERNET, LOGICAL, MPLS, PPP, PPPOE, Walk, number, payload


class Link(NamedTuple):
    """How frames of one kind hold IP."""

    walk: Walk
    field: int | None = None
    """Where the part of the header begins that says where IP is. None: frames differ too much to remember it."""


def _from(kind: int, skip: int = 0) -> Walk:
    """What an EtherType says of frames, behind so many bytes of no interest."""

    def walk(data: bytes, start: int, end: int) -> int:
        return payload(kind, data, start + skip, end)

    return walk


def _typed(at: int, size: int) -> Walk:
    """Frames with a header of fixed size that holds an EtherType."""

    def walk(data: bytes, start: int, end: int) -> int:
        return payload(number(data, start + at), data, start + size, end)

    return walk


def raw(_data: bytes, start: int, end: int) -> int:
    """The frame is an IP packet."""
    return start if start < end else -1


def _serial(data: bytes, start: int, end: int) -> int:
    """PPP in HDLC framing, or Cisco HDLC (RFC 1662, RFC 1547)."""
    if data[start : start + 1] in (b"\x0f", b"\x8f"):
        return _cisco(data, start, end)
    return payload(PPP, data, start, end)


def _family(data: bytes, start: int, end: int) -> int:
    """BSD's loopback: an address family of the system that captured, in its byte order."""
    return start + 4 if data[start : start + 4] in _FAMILIES and start + 4 < end else -1


def _netfilter(data: bytes, start: int, end: int) -> int:
    """Linux' NFLOG: attributes in the byte order of the system that captured, one of which is the packet."""
    start += 4
    while end - start > 4:
        size, kind = _little(data, start)
        if kind > 0xFF:
            size, kind = _big(data, start)
        if kind == _PAYLOAD_ATTRIBUTE:
            return start + 4
        start += max(4, size + -size % 4)
    return -1


def _per_packet(data: bytes, start: int, end: int) -> int:
    """PPI: a header that names the link type of what follows it."""
    if end - start < 8:
        return -1
    _, size = _little(data, start)
    link = LINKS.get(int.from_bytes(data[start + 4 : start + 8], "little"))
    if link is None or size < 8 or link.walk is _per_packet or start + size >= end:
        return -1
    return link.walk(data, start + size, end)


_little: Final = struct.Struct("<HH").unpack_from
_big: Final = struct.Struct(">HH").unpack_from
_PAYLOAD_ATTRIBUTE: Final = 9
_cisco: Final = _typed(2, 4)
_FAMILIES: Final = frozenset(number.to_bytes(4, order) for number in (2, 10, 24, 28, 30) for order in ("little", "big"))
"""AF_INET everywhere; AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin."""

_RAW: Final = Link(raw, 0)

LINKS: Final[dict[int, Link]] = {
    0: Link(_family, 0),
    1: Link(_from(ETHERNET), 12),
    9: Link(_serial, 0),
    10: Link(_from(LOGICAL, 13)),  # FDDI: frame control and addresses, then 802.2
    12: _RAW,  # DLT_RAW as some systems write it
    14: _RAW,  # DLT_RAW of OpenBSD
    50: Link(_serial, 0),
    51: Link(_from(PPPOE)),
    101: _RAW,
    104: Link(_serial, 0),
    105: Link(wireless.frame),
    108: Link(_family, 0),
    113: Link(_typed(14, 16), 14),  # Linux' cooked
    119: Link(wireless.prism),
    127: Link(wireless.radiotap),
    163: Link(wireless.avs),
    192: Link(_per_packet),
    204: Link(_from(PPP, 1), 1),  # with a byte for the direction
    205: Link(_typed(3, 5), 3),
    219: Link(_from(MPLS), 0),
    228: _RAW,
    229: _RAW,
    239: Link(_netfilter),
    276: Link(_typed(0, 20), 0),  # Linux' cooked, version 2
}
