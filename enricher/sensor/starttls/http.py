"""HTTP/1: CONNECT (RFC 9110 section 9.3.6), Upgrade to TLS (RFC 2817), and TLS inside of a WebSocket (RFC 6455).

A WebSocket that begins with a ClientHello carries another program's tunnel. As a page's connection is fresh, only the
first request of a connection is looked at, unless it is a CONNECT that is tried again with credentials.
"""

import re
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade

_LONGEST: Final = 16384
_FIRST: Final = {b"C": b"CONNECT ", b"G": b"GET ", b"O": b"OPTIONS ", b"H": b"HTTP/1."}
_end: Final = re.compile(rb"\n\r?\n").search
_target: Final = re.compile(rb"CONNECT +(\S{1,300}) ").match
_header: Final = rb"[^\n]*\n(?:[^\n]+\n)*?(?i:Upgrade)[ \t]*:[^\n]*(?i:%b)[^\n]*\n(?s:.*)"


def _head(data: bytes, number: int) -> int:
    """Cut after an empty line. What stands before a later head, as the body of an error has, counts to it."""
    if not number:
        begin = _FIRST.get(data[:1], b"")
        if not begin or data[: len(begin)] != begin[: len(data)]:
            return -1
    found = _end(data)
    if not found:
        return 0 if len(data) <= _LONGEST else -1
    return found.end()


def _role(first: bytes, opening: bytes, turn: bytes | None = None) -> Role:
    pattern = re.compile(opening)
    return Role(first, pattern, re.compile(turn) if turn else pattern, _head)


def _authority(unit: bytes) -> bytes | None:
    found = _target(unit)
    return found[1] if found else None


class WebSocketFraming:
    """The payload of data frames (RFC 6455 section 5.2), unmasked; control frames are left out."""

    def __init__(self) -> None:
        self.lost = False
        self._header = b""
        self._left = 0
        """Bytes of the current payload that are still to come."""
        self._mask = bytes(4)
        self._carries = False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; give what they carry."""
        carried = []
        data, self._header = self._header + data, b""
        while data and not self.lost:
            if not self._left:
                size = self._begin(data)
                if not size:
                    self._header = data[:14]
                    break
                data = data[size:]
            part, data = data[: self._left], data[self._left :]
            self._left -= len(part)
            if self._carries and part:
                carried.append(self._unmask(part))
        return b"".join(carried)

    def _begin(self, data: bytes) -> int:
        """Read a frame's header: its size, 0 if it is not whole."""
        if len(data) < 2:
            return 0
        self.lost = bool(data[0] & 0x70) or data[0] & 15 not in {0, 1, 2, 8, 9, 10}
        length, size = data[1] & 0x7F, 2
        if length > 125:
            wide = 2 if length == 126 else 8
            length, size = int.from_bytes(data[2 : 2 + wide], "big"), 2 + wide
        masked = data[1] & 0x80
        end = size + 4 if masked else size
        if len(data) < end:
            return 0
        self._mask = data[size:end] if masked else bytes(4)
        self._left, self._carries = length, not data[0] & 8
        return end

    def _unmask(self, part: bytes) -> bytes:
        count = len(part)
        stream = (self._mask * (count // 4 + 1))[:count]
        turn = count % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return (int.from_bytes(part, "big") ^ int.from_bytes(stream, "big")).to_bytes(count, "big")


PROTOCOLS: Final[dict[str, Upgrade]] = {
    "http-connect": Upgrade(
        _role(b"C", rb"(?s)CONNECT +\S+ +HTTP/1\.[01]\r?\n.*"),
        _role(b"H", rb"(?s)HTTP/1\.[01] .*", rb"(?s:.*)HTTP/1\.[01] 2\d\d[^\n]*\n(?:[^\n]+\n)*\n?"),
        tunnel=True,
        target=_authority,
    ),
    "http-upgrade": Upgrade(
        _role(b"GO", rb"(?:GET|OPTIONS) " + _header % rb"TLS/1"),
        _role(b"H", rb"HTTP/1\.1 101 " + _header % rb"TLS/1"),
    ),
    "websocket": Upgrade(
        _role(b"G", rb"GET " + _header % rb"websocket"),
        _role(b"H", rb"HTTP/1\.1 101 " + _header % rb"websocket"),
        framing=WebSocketFraming,
    ),
}
