"""LDAP, RFC 4511 section 4.14: an ExtendedRequest for StartTLS is answered by an ExtendedResponse of success."""

import re
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade

_LONGEST: Final = 32768
_FIRST: Final = b"0"
_length: Final = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)"
_message: Final = rb"(?s)0" + _length + rb"\x02[\x01-\x05].{1,5}?"


def _element(data: bytes, _number: int) -> int:
    """Cut off one BER element, which must be a sequence of definite length."""
    if data[:1] != _FIRST:
        return -1
    if len(data) < 2:
        return 0
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        if not 2 < start <= 6:
            return -1
        if len(data) < start:
            return 0
        size = int.from_bytes(data[2:start], "big")
    if size > _LONGEST:
        return -1
    return start + size if len(data) >= start + size else 0


PROTOCOLS: Final[dict[str, Upgrade]] = {
    "ldap": Upgrade(
        Role(
            _FIRST,
            re.compile(_message + rb"[\x42\x4a\x50\x60\x63\x66\x68\x6c\x6e\x77].*"),
            re.compile(_message + rb"\x77" + _length + rb"\x80" + _length + rb"1\.3\.6\.1\.4\.1\.1466\.20037.*"),
            _element,
        ),
        Role(
            _FIRST,
            re.compile(_message + rb"[\x61\x64\x65\x73\x78].*"),
            re.compile(_message + rb"\x78" + _length + rb"\x0a" + _length + rb"\x00.*"),
            _element,
        ),
    )
}
