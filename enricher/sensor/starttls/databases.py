"""PostgreSQL, MySQL and Microsoft SQL Server, each by its own packet that asks for TLS."""

import re
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade

_SSL_REQUEST: Final = re.compile(rb"\x00\x00\x00\x08\x04\xd2\x16\x2f")
_ENCRYPTION_REQUEST: Final = re.compile(rb"\x00\x00\x00\x08\x04\xd2\x16[\x2f\x30]")
_MYSQL_LONGEST: Final = 4096
_SSL_CAPABLE: Final = b"".join(b"\\x%02x" % byte for byte in range(256) if byte & 8)
"""Second byte of the capabilities with CLIENT_SSL (0x0800), for a regular expression."""
_TDS_LONGEST: Final = 4096
_TDS_HEADER: Final = 8


def _postgresql_client(data: bytes, _number: int) -> int:
    """SSLRequest or GSSENCRequest (PostgreSQL protocol, Message Formats)."""
    if _ENCRYPTION_REQUEST.fullmatch(data[:8]):
        return 8
    return 0 if b"\0\0\0\x08\x04\xd2\x16".startswith(data[:7]) and len(data) < 8 else -1


def _postgresql_server(data: bytes, number: int) -> int:
    """`S` for yes, `N` for no; at most one answer to each of the two requests."""
    return 1 if data[:1] in {b"S", b"N"} and number < 2 else -1


def _mysql(data: bytes, number: int) -> int:
    """One packet (MySQL client/server protocol, Packets), whose sequence number is 0 or 1 in this phase."""
    if number or data[2:3] not in {b"", b"\0"} or data[3:4] not in {b"", b"\0", b"\1"}:
        return -1
    if len(data) < 4:
        return 0
    size = 4 + (data[0] | data[1] << 8)
    if size > _MYSQL_LONGEST or (data[3] == 0 and data[4:5] not in {b"", b"\x09", b"\x0a"}):
        return -1
    return size if len(data) >= size else 0


def _tds(data: bytes, _number: int) -> int:
    """One packet (MS-TDS 2.2.3): PRELOGIN or the answer to it."""
    if data[0] not in {0x12, 0x04}:
        return -1
    if len(data) < _TDS_HEADER:
        return 0
    size = data[2] << 8 | data[3]
    if not _TDS_HEADER < size <= _TDS_LONGEST:
        return -1
    return size if len(data) >= size else 0


class TdsFraming:
    """TLS records inside of PRELOGIN packets as long as the handshake lasts (MS-TDS 2.2.6.5), bare after it."""

    def __init__(self) -> None:
        self.lost = False
        self._left = 0
        """Bytes of the current packet that are still to come."""
        self._header = b""
        self._bare = False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; give what they carry."""
        carried = []
        while data:
            if self._bare:
                carried.append(data)
                break
            if self._left:
                carried.append(data[: self._left])
                data, self._left = data[self._left :], max(0, self._left - len(data))
                continue
            if not self._header and data[0] not in {0x12, 0x04}:
                self._bare = True
                continue
            missing = _TDS_HEADER - len(self._header)
            self._header, data = self._header + data[:missing], data[missing:]
            if len(self._header) == _TDS_HEADER:
                self._left = max(0, (self._header[2] << 8 | self._header[3]) - _TDS_HEADER)
                self._header = b""
        return b"".join(carried)


_prelogin: Final = re.compile(rb"(?s)\x12\x01.{6}\x00.*")
_answer: Final = re.compile(rb"(?s)\x04\x01.{6}\x00.*")

PROTOCOLS: Final[dict[str, Upgrade]] = {
    "postgresql": Upgrade(
        Role(b"\0", _ENCRYPTION_REQUEST, _SSL_REQUEST, _postgresql_client),
        Role(b"SN", re.compile(rb"[SN]"), re.compile(rb"S"), _postgresql_server),
    ),
    "mysql": Upgrade(
        Role(
            b"\x20",
            re.compile(rb"(?s)\x20\x00\x00\x01.{32}"),
            re.compile(rb"(?s)\x20\x00\x00\x01.[" + _SSL_CAPABLE + rb"].{30}"),
            _mysql,
        ),
        Role(
            bytes(range(0x20, 0x100)),
            re.compile(rb"(?s)...\x00[\x09\x0a][\x20-\x7e]+\x00.*"),
            re.compile(rb"(?s)...\x00[\x09\x0a][\x20-\x7e]+\x00.*"),
            _mysql,
        ),
    ),
    "tds": Upgrade(
        Role(b"\x12", _prelogin, _prelogin, _tds),
        Role(b"\x04", _answer, _answer, _tds),
        framing=TdsFraming,
    ),
}
