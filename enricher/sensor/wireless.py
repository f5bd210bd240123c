"""IEEE 802.11 data frames in the clear, behind the headers that capturing adds: radiotap, prism, AVS."""

from typing import Final, Literal

from enricher.sensor.ethertype import ETHERNET, LOGICAL, payload

_TYPE: Final = 0x0F
"""Of the first byte: protocol version 0, type data."""
_DATA: Final = 0x08
_QOS, _EMPTY = 0x80, 0x40
_BOTH_DS, _PROTECTED, _ORDER = 0x03, 0x40, 0x80
_AVS_MAGIC: Final = b"\x80\x21\x10\x01"
_FLAGS_PRESENT, _CLOCK_PRESENT, _PADDED = 2, 1, 0x20


def frame(data: bytes, start: int, end: int, *, padded: bool = False) -> int:
    """A data frame. `padded`: its header is filled up to a multiple of four bytes.

    Of an aggregate (A-MSDU) only the first packet is found.
    """
    if end - start < 24 or data[start] & (_TYPE | _EMPTY) != _DATA or data[start + 1] & _PROTECTED:
        return -1
    quality, flags = data[start] & _QOS, data[start + 1]
    size = 24 + 6 * (flags & _BOTH_DS == _BOTH_DS)
    aggregate = quality and data[start + size : start + size + 1] >= b"\x80"
    if quality:
        size += 2 + 4 * bool(flags & _ORDER)
    if padded:
        size += -size % 4
    return payload(ETHERNET if aggregate else LOGICAL, data, start + size, end)


def radiotap(data: bytes, start: int, end: int) -> int:
    """A frame behind a radiotap header, which may say that the frame is padded."""
    if end - start < 8:
        return -1
    size = int.from_bytes(data[start + 2 : start + 4], "little")
    present = int.from_bytes(data[start + 4 : start + 8], "little")
    at = start + 8
    while data[at - 1] & 0x80 and at + 4 <= end:  # more words of flags
        at += 4
    if present & _CLOCK_PRESENT:
        at += -(at - start) % 8 + 8
    flags = data[at] if present & _FLAGS_PRESENT and at < min(start + size, end) else 0
    return frame(data, start + size, end, padded=bool(flags & _PADDED)) if size >= 8 else -1


def avs(data: bytes, start: int, end: int) -> int:
    """A frame behind an AVS header."""
    size = int.from_bytes(data[start + 4 : start + 8], "big")
    return frame(data, start + size, end) if size >= 8 and data[start : start + 4] == _AVS_MAGIC else -1


def prism(data: bytes, start: int, end: int) -> int:
    """A frame behind a prism header, written in the byte order of the system that captured, or behind one of AVS."""
    if data[start : start + 4] == _AVS_MAGIC:
        return avs(data, start, end)
    order: Literal["little", "big"] = "little" if data[start + 6 : start + 8] == b"\0\0" else "big"
    size = int.from_bytes(data[start + 4 : start + 8], order)
    return frame(data, start + size, end) if size >= 8 else -1
