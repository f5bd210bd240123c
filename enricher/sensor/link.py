"""Link layers: where in a frame the IP header starts. One entry in `LINKS` per LINKTYPE_ number."""

from collections.abc import Callable
from typing import Final

Link = Callable[[bytes, int, int], int]
"""Takes a buffer and where in it a frame starts and ends; gives the offset of the IP header, or -1."""

ETHERNET: Final = 1

_IP: Final = (b"\x08\x00", b"\x86\xdd")
_VLAN: Final = (b"\x81\x00", b"\x88\xa8", b"\x91\x00", b"\x92\x00")


def ethernet(data: bytes, start: int, end: int) -> int:
    """Ethernet II, with any number of 802.1Q or 802.1ad tags."""
    offset = start + 14
    kind = data[start + 12 : offset]
    while kind in _VLAN:
        kind = data[offset + 2 : offset + 4]
        offset += 4
    return offset if kind in _IP and offset < end else -1


def raw(_data: bytes, start: int, end: int) -> int:
    """The frame is an IP packet."""
    return start if start < end else -1


LINKS: Final[dict[int, Link]] = {
    ETHERNET: ethernet,
    12: raw,  # DLT_RAW as some systems write it
    14: raw,  # DLT_RAW of OpenBSD
    101: raw,
    228: raw,
    229: raw,
}
