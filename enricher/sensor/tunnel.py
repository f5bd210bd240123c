"""Tunnels: where in what IP or UDP carries another IP header starts.

A UDP tunnel is known by its port, Teredo also by its addresses, entered by its content: what is none is an ordinary
datagram.
Sources: RFC 1701, 2637, 2784, 2890 (GRE, PPTP), draft-foschiano-erspan, RFC 3378 (EtherIP), 4023 (MPLS), 4380 (Teredo),
7348 (VXLAN), 8086 (GRE in UDP), 8926 (GENEVE), 3GPP TS 29.281 (GTP-U).
"""

import struct
from typing import Final

from enricher.sensor import wireless
from enricher.sensor.ethertype import ETHERNET, IPV4, IPV6, MPLS, Walk, is_ip, payload
from enricher.sensor.link import raw

_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACKNOWLEDGEMENT = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
_ERSPAN_1_2, _ERSPAN_3 = 0x88BE, 0x22EB
_ERSPAN_IP: Final = 2
_ARUBA, _ARUBA_MASK = 0x8200, 0xFE0F
_IDENTIFIER, _TYPED = 0x08, 0x04
_VXLAN_NEXT: Final = {1: IPV4, 2: IPV6}
_GENEVE_1: Final = 0x40
_FORWARD: Final = 1
_GTP_1: Final = 0x30
_USER_PACKET: Final = 0xFF
_TEREDO_PREFIX: Final = b"\x20\x01\0\0"

_SHORTEST: Final = 20
"""Less cannot hold an IP header."""

_header: Final = struct.Struct(">HH").unpack_from


def _checked(walk: Walk) -> Walk:
    """Of what comes out, take only what can be an IP header."""

    def checked(data: bytes, start: int, end: int) -> int:
        if end - start < _SHORTEST:
            return -1
        ip = walk(data, start, end)
        return ip if ip >= 0 and is_ip(data, ip, end) else -1

    return checked


def gre(data: bytes, start: int, end: int) -> int:
    """GRE of version 0, and of version 1 as PPTP uses it."""
    if end - start < 4:
        return -1
    flags, kind = _header(data, start)
    optional = (_CHECKSUM | _ROUTING, _KEY, _SEQUENCE, _ACKNOWLEDGEMENT if flags & 7 == 1 else 0)
    start += 4 + 4 * sum(bool(flags & bits) for bits in optional)
    if flags & 7 > 1:
        return -1
    if flags & _ROUTING:
        start = _routed(data, start, end)
    if kind == _ERSPAN_1_2:  # version I has neither sequence numbers nor a header of its own
        return payload(ETHERNET, data, start + 8 * bool(flags & _SEQUENCE), end)
    if kind == _ERSPAN_3:
        return _erspan3(data, start, end)
    if kind & _ARUBA_MASK == _ARUBA:
        return wireless.frame(data, start, end)
    return payload(kind, data, start, end)


def _routed(data: bytes, start: int, end: int) -> int:
    """Behind the source routes, the last of which is empty (RFC 1701)."""
    while end - start >= 4:
        size = data[start + 3]
        start += 4 + size
        if not size:
            break
    return start


def _erspan3(data: bytes, start: int, end: int) -> int:
    if end - start < 12:
        return -1
    flags = data[start + 10] << 8 | data[start + 11]
    kind = IPV4 if flags >> 10 & 0x1F == _ERSPAN_IP else ETHERNET
    return payload(kind, data, start + 12 + 8 * (flags & 1), end)


def _ether_ip(data: bytes, start: int, end: int) -> int:
    return payload(ETHERNET, data, start + 2, end) if data[start : start + 2] == b"\x30\x00" else -1


def _labels(data: bytes, start: int, end: int) -> int:
    return payload(MPLS, data, start, end)


def vxlan(data: bytes, start: int, end: int) -> int:
    """VXLAN, also the generic one that says what it carries; in all of them the flag for an identifier is set."""
    flags, kind = data[start], data[start + 3]
    if not flags & _IDENTIFIER:
        return -1
    return payload(_VXLAN_NEXT.get(kind, ETHERNET) if flags & _TYPED else ETHERNET, data, start + 8, end)


def geneve(data: bytes, start: int, end: int) -> int:
    """GENEVE of version 0, its options stepped over."""
    first, kind = data[start], data[start + 2] << 8 | data[start + 3]
    return payload(kind, data, start + 8 + 4 * first, end) if first < _GENEVE_1 else -1


def gtp(data: bytes, start: int, end: int) -> int:
    """GTP-U version 1, a packet of a user, its extension headers stepped over."""
    flags, kind, length = data[start], data[start + 1], data[start + 2] << 8 | data[start + 3]
    if flags & 0xF8 != _GTP_1 or kind != _USER_PACKET or start + 8 + length < end:
        return -1
    start += 8
    if flags & 7:
        start += 4
        while flags & 4 and start < end and data[start - 1]:
            start += max(1, data[start]) * 4
    return start if start < end else -1


def teredo(data: bytes, start: int, end: int) -> int:
    """Teredo, its authentication and origin indications stepped over; one side has a Teredo address."""
    if data[start : start + 2] == b"\0\1":
        start += 13 + data[start + 2] + data[start + 3]
    if data[start : start + 2] == b"\0\0":
        start += 8
    if end - start < 40 or data[start] >> 4 != 6:
        return -1
    ours = _TEREDO_PREFIX in (data[start + 8 : start + 12], data[start + 24 : start + 28])
    return start if ours else -1


def ayiya(data: bytes, start: int, end: int) -> int:
    """AYIYA, an IP packet forwarded."""
    if data[start + 2] & 15 != _FORWARD or data[start + 3] not in (4, 41):
        return -1
    start += 8 + (1 << (data[start] >> 4)) + 4 * (data[start + 1] >> 4)
    return start if start < end else -1


TEREDO: Final = _checked(teredo)

IP_TUNNELS: Final[dict[int, Walk]] = {
    4: _checked(raw),
    41: _checked(raw),
    47: _checked(gre),
    97: _checked(_ether_ip),
    137: _checked(_labels),
}
"""By IP protocol number."""

UDP_TUNNELS: Final[dict[int, Walk]] = {
    2123: _checked(gtp),
    2152: _checked(gtp),
    3544: TEREDO,
    4754: _checked(gre),
    4789: _checked(vxlan),
    4790: _checked(vxlan),
    5072: _checked(ayiya),
    6081: _checked(geneve),
    8472: _checked(vxlan),
}
"""By port, of either side. 8472 is Linux' own for VXLAN."""
