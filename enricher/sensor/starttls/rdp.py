"""Remote Desktop, MS-RDPBCGR 2.2.1.1 and 2.2.1.2: an X.224 Connection Request offers TLS, the Confirm selects it."""

import re
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade

_FIRST: Final = b"\3"
_LONGEST: Final = 1024


def _tpkt(data: bytes, _number: int) -> int:
    """Cut off one TPKT (RFC 1006)."""
    if data[:2] not in {b"\3", b"\3\0"}:
        return -1
    if len(data) < 4:
        return 0
    size = data[2] << 8 | data[3]
    if not 11 <= size <= _LONGEST:
        return -1
    return size if len(data) >= size else 0


_request: Final = re.compile(rb"(?s)\x03\x00...\xe0\x00\x00...(?:.*?)\x01[\x00-\x0f]\x08\x00[\x01-\x1f]\x00\x00\x00.*")
"""With an RDP Negotiation Request that offers more than the protocol's own security."""
_confirm: Final = re.compile(rb"(?s)\x03\x00..\x0e\xd0.....\x02.\x08\x00[\x01\x02\x04\x08\x10]\x00\x00\x00")
"""With an RDP Negotiation Response that selects anything else than the protocol's own security."""

PROTOCOLS: Final[dict[str, Upgrade]] = {
    "rdp": Upgrade(Role(_FIRST, _request, _request, _tpkt), Role(_FIRST, _confirm, _confirm, _tpkt))
}
