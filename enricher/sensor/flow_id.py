"""Names of a connection that are computed from its addresses and ports."""

import base64
import hashlib
from typing import Final

from enricher.sensor.packet import reverse

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = 17
_PAIRS: Final = tuple(low + high for high in _BASE62 for low in _BASE62)
"""Two digits at a time, the lower one first."""


def uid(key: bytes, ts: float) -> str:
    """`C` and 17 base-62 digits, the same whenever the connection with this key and time is read again."""
    number = int.from_bytes(hashlib.sha256(key + ts.hex().encode("ascii")).digest(), "big") % 62**_DIGITS
    digits = []
    for _ in range(_DIGITS // 2):
        number, pair = divmod(number, 62 * 62)
        digits.append(_PAIRS[pair])
    return f"C{''.join(digits)}{_BASE62[number]}"


def community_id(key: bytes, protocol: int) -> str:
    """Community ID version 1, seed 0, the same for both directions (Corelight's community-id-spec)."""
    half = len(key) // 2 - 2
    if (key[:half], key[-4:-2]) > (key[half:-4], key[-2:]):
        key = reverse(key)
    hashed = hashlib.sha1(b"\0\0" + key[:-4] + bytes((protocol, 0)) + key[-4:], usedforsecurity=False)
    return "1:" + base64.b64encode(hashed.digest()).decode("ascii")
