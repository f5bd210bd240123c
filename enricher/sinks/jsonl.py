"""JSON lines: one record a line, UTF-8, no raw control characters."""

import re
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

# JSON escapes U+0000 to U+001F by itself; a terminal also obeys DEL and the C1 controls, and shows text in
# another order after bidirectional controls. In the encoder's output these can only stand inside strings.
_UNSAFE = re.compile(
    b"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf",
)


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match.group().decode())


def encode(value: Any) -> bytes:
    """Encode a record, or plain maps and lists, as JSON without any newline."""
    data = _encode(value)
    return data if data.isascii() and b"\x7f" not in data else _UNSAFE.sub(_escaped, data)


def line(record: msgspec.Struct) -> bytes:
    """Encode one record as one line, newline included."""
    return encode(record) + b"\n"
