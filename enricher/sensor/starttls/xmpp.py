"""XMPP, RFC 6120 section 5: `<starttls/>` is answered by `<proceed/>`."""

import re
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade

_LONGEST_TAG: Final = 4096
_control: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]").search
_spaces: Final = re.compile(rb"\s+").match
_OPENING: Final = re.compile(rb"<\?xml\s[^>]*>|<stream:stream\s[^>]*>")


def _tag(data: bytes, _number: int) -> int:
    """Cut after tags, and before them where only white space stands between two."""
    if space := _spaces(data):
        return space.end()
    end = data.find(b">") + 1
    if _control(data, 0, end or len(data)) or (not end and len(data) > _LONGEST_TAG):
        return -1
    return end


def _element(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"<(?:\w+:)?" + name + rb"(?:\s[^>]*)?/?>|</(?:\w+:)?" + name + rb"\s*>")


PROTOCOLS: Final[dict[str, Upgrade]] = {
    "xmpp": Upgrade(
        Role(b"<", _OPENING, _element(b"starttls"), _tag),
        Role(b"<", _OPENING, _element(b"proceed"), _tag),
    )
}
