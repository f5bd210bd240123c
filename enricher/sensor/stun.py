"""STUN (RFC 8489), by which media find their way, and the datagrams that TURN (RFC 8656) carries inside its own."""

import struct
from typing import Final

_COOKIE: Final = b"\x21\x12\xa4\x42"
_HEADER: Final = 20
_INDICATIONS: Final = (0x0016, 0x0017)
"""Send and Data indication."""
_DATA: Final = 0x0013
_CHANNELS: Final = range(0x40, 0x50)
"""First bytes of channel numbers."""
_pair: Final = struct.Struct(">HH").unpack_from


def is_stun(data: bytes, start: int, end: int) -> bool:
    """Whether the UDP payload data[start:end] is a STUN message."""
    return data[start] < 4 and end - start >= _HEADER and data[start + 4 : start + 8] == _COOKIE


def relayed(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where in a TURN message the datagram lies that it carries; None if it carries none."""
    if end - start < 4:
        return None
    kind, length = _pair(data, start)
    if data[start] in _CHANNELS:  # ChannelData, RFC 8656 section 12.4; over UDP padding is allowed
        start += 4
        return (start, start + length) if 0 < length <= end - start < length + 4 else None
    if kind not in _INDICATIONS or not is_stun(data, start, end):
        return None
    start += _HEADER
    while end - start >= 4:
        attribute, length = _pair(data, start)
        start += 4
        if attribute == _DATA:
            return (start, start + length) if 0 < length <= end - start else None
        start += (length + 3) & ~3
    return None
