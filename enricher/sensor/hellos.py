"""Reads hellos, and those like an earlier one by what is known of that: a program says nearly the same in each.

What differs are random, session id, name, keys and tickets. Programs that sprinkle their hellos with GREASE (RFC 8701)
draw it anew each time, and mostly the order of extensions too: theirs are not remembered.
"""

import struct
from typing import Final, TypeVar

from msgspec.structs import replace

from enricher.sensor import handshake
from enricher.sensor.handshake import ClientHello, ServerHello
from enricher.sensor.reader import MalformedError, Reader

_MAX_KNOWN: Final = 1000
"""Hellos of either kind that are remembered."""
_MAX_KEY: Final = 600
"""Bytes by which a hello is known again. Programs take half of that; what is remembered takes twenty times as much."""
_LASTING: Final = frozenset((5, 10, 11, 13, 16, 18, 22, 23, 27, 28, 43, 45, 49, 50, 0x4469, 0xFF01))
"""Extensions that a client repeats word by word, among them all that are read but for the two below."""
_OWN: Final = {0: handshake.server_name, 0xFE0D: handshake.ech}
"""Those that are read, and are each hello's own."""
_SHARES: Final = (40, 51)
_HEAD: Final = 8
"""Bytes of a key share up to the key: what is known of it hangs on these."""
_COOKIE: Final = 44

_entry: Final = struct.Struct(">HH").unpack_from
_client: Final = struct.Struct(">H32xB").unpack_from


H = TypeVar("H", ClientHello, ServerHello)


class Hellos:
    """Reads the hellos of one capture."""

    def __init__(self) -> None:
        self._clients: dict[bytes, ClientHello] = {}
        self._servers: dict[bytes, ServerHello] = {}

    def client(self, body: bytes) -> ClientHello | None:
        """Read a ClientHello (see `handshake.client_hello`)."""
        try:
            key, own = _client_key(body)
        except (IndexError, struct.error):
            return handshake.client_hello(body)
        known = self._clients.get(key)
        if known is not None:
            hello = replace(known, session_id=body[35 : 35 + body[34]], server_name=None)
            try:
                for kind, start, end in own:
                    field = Reader(body, start, end)
                    _OWN[kind](hello, field)
                    handshake.end_of(field)
            except MalformedError:
                return handshake.client_hello(body)
            return hello
        found = handshake.client_hello(body)
        if key and found is not None and not found.error:
            _keep(self._clients, key, found)
        return found

    def server(self, body: bytes) -> ServerHello | None:
        """Read a ServerHello (see `handshake.server_hello`)."""
        try:
            key = _server_key(body)
        except (IndexError, struct.error):
            return handshake.server_hello(body)
        known = self._servers.get(key)
        if known is not None:
            return replace(known, random=body[2:34], session_id=body[35 : 35 + body[34]])
        found = handshake.server_hello(body)
        if key and found is not None and not found.error:
            _keep(self._servers, key, found)
        return found


def _client_key(body: bytes) -> tuple[bytes, list[tuple[int, int, int]]]:
    """What of a ClientHello its program repeats, and where the fields are that are its own; an empty key: no matter."""
    version, length = _client(body)
    start = at = 35 + length
    if version in handshake.DTLS:
        start = at = at + 1 + body[at]  # behind the cookie
    first = body[at + 2]
    at += 2 + (body[at] << 8 | body[at + 1])
    at += 1 + body[at]
    parts = [body[:2], body[start:at]]
    size, run = len(body), at + 2
    own: list[tuple[int, int, int]] = []
    if length > 32 or (first & 15 == 10 and first == body[start + 3]) or run + (body[at] << 8 | body[at + 1]) != size:
        return b"", own
    at = run
    while at < size:
        kind, length = _entry(body, at)
        end = at + 4 + length
        if kind not in _LASTING:
            parts.append(body[run : at + 2])
            run = end
            if kind in _OWN:
                own.append((kind, at + 4, end))
        at = end
    parts.append(body[run:])
    key = b"".join(parts)
    return key if at == size and len(key) <= _MAX_KEY else b"", own


def _server_key(body: bytes) -> bytes:
    """What of a ServerHello a server repeats; empty: no matter."""
    version, length = _client(body)
    at = 35 + length
    run = at + 5
    parts = [body[:2], body[at : at + 2]]
    size = len(body)
    if length > 32 or version >> 8 == 0x7F or run + (body[at + 3] << 8 | body[at + 4]) != size:
        return b""
    at = run
    while at < size:
        kind, length = _entry(body, at)
        end = at + 4 + length
        if kind in _SHARES:
            parts.append(body[run : min(at + _HEAD, end)])
            run = end
        elif kind == _COOKIE:
            parts.append(body[run : at + 2])
            run = end
        at = end
    parts.append(body[run:])
    key = b"".join(parts)
    return key if at == size and len(key) <= _MAX_KEY else b""


def _keep(known: dict[bytes, H], key: bytes, hello: H) -> None:
    if len(known) >= _MAX_KNOWN:
        known.clear()
    known[key] = hello
