"""The TLS record layer (RFC 8446 section 5.1, RFC 5246 section 6.2.1) and the handshake messages it carries."""

import struct
from collections.abc import Iterator
from typing import Final

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24

_MAX_LENGTH: Final = (1 << 14) + 2048
_header: Final = struct.Struct(">BHH").unpack_from
_length: Final = struct.Struct(">I").unpack_from
_WHOLE: Final = (CHANGE_CIPHER_SPEC, ALERT)
"""Records that are read only once they are whole."""


def _plausible(kind: int, version: int, length: int) -> bool:
    return CHANGE_CIPHER_SPEC <= kind <= HEARTBEAT and 0x0300 <= version <= 0x0303 and length <= _MAX_LENGTH


def is_record(data: bytes) -> bool:
    """Whether a TLS record may start with these bytes; true of a prefix as long as nothing speaks against it."""
    if len(data) >= 5:
        return _plausible(*_header(data))
    return (
        CHANGE_CIPHER_SPEC <= data[0] <= HEARTBEAT
        and (len(data) < 2 or data[1] == 3)
        and (len(data) < 3 or data[2] <= 3)
        and (len(data) < 4 or data[3] << 8 <= _MAX_LENGTH)
    )


def is_hello(data: bytes) -> bool:
    """Whether a record with a ClientHello or ServerHello may start with these bytes."""
    return is_record(data) and data[0] == HANDSHAKE and (len(data) < 6 or data[5] in (1, 2))


class RecordReader:
    """Cuts one direction's bytes into records.

    Handshake bodies are passed on as they come. Of encrypted records and of application data only the header is read;
    their bodies pass by without being held.
    """

    __slots__ = ("_left", "_passing", "_resync", "encrypted", "frame", "lost", "pending", "ts")

    def __init__(self) -> None:
        self.encrypted = False
        """Everything from here on is ciphertext."""
        self.lost = False
        """What came was no record; nothing more is read."""
        self.ts = 0.0
        """Time of the packet in which the current record starts."""
        self.frame = 0
        """Frame number of that packet."""
        self.pending = b""
        """What is not enough to be read."""
        self._left = 0
        """Bytes of the current record's body that are still to come."""
        self._passing = False
        """They are passed on."""
        self._resync = False

    def feed(self, data: bytes, ts: float, frame: int) -> Iterator[tuple[int, bytes | None]]:
        """Take bytes; give content type and body of each record: of handshake records parts, None if it is not read.

        Whoever takes a record may set `encrypted` before taking the next.
        """
        if self.lost or (self._resync and not is_record(data)):
            return
        self._resync = False
        offset, size = 0, len(data)
        if self._left:
            offset = min(self._left, size)
            self._left -= offset
            if self._passing:
                yield HANDSHAKE, data[:offset]
        if self.pending:
            data = self.pending + data
            size = len(data)
        else:
            self.ts, self.frame = ts, frame
        while size - offset >= 5:
            kind, version, length = _header(data, offset)
            # As `_plausible`, which here were a call for each record.
            if not (CHANGE_CIPHER_SPEC <= kind <= HEARTBEAT and 0x0300 <= version <= 0x0303 and length <= _MAX_LENGTH):
                break
            end = offset + 5 + length
            if kind == HANDSHAKE and not self.encrypted:
                self._passing = True
                self._left = end - size if end > size else 0
                body = data[offset + 5 : end]
            elif self.encrypted or kind not in _WHOLE:
                self._passing = False
                self._left = end - size if end > size else 0
                body = None
            elif end <= size:
                body = data[offset + 5 : end]
            else:
                break
            yield kind, body
            offset = end
            self.ts, self.frame = ts, frame
        self.pending = data[offset:]
        if self.pending and not is_record(self.pending):
            self.lost = True
            self.pending = b""

    def gap(self, missing: int) -> bool:
        """Bytes are missing. Whether nothing was lost that would have been read."""
        harmless = missing <= self._left and not self._passing
        self._resync = missing > self._left
        self._left = max(0, self._left - missing)
        self._passing = False
        self.pending = b""
        return harmless


Message = tuple[int, bytes | None, float, int]
"""Type and body, None for one too long to read; time and number of the frame in which its first record starts."""


class MessageReader:
    """Cuts the bodies of handshake records into messages."""

    __slots__ = ("_at", "_limit", "_need", "_skip", "pending")

    def __init__(self, limit: int) -> None:
        self.pending = bytearray()
        """The start of a message."""
        self._at = 0.0, 0
        """Time and number of the frame in which its first record starts."""
        self._limit = limit
        self._skip = 0
        self._need = 0
        """Bytes from which what is pending can be read."""

    def clear(self) -> None:
        """Forget an unfinished message."""
        self._skip = 0
        self.pending.clear()

    def feed(self, body: bytes, ts: float, frame: int) -> list[Message]:
        """Take a record's body, and time and number of the frame in which it starts; give the messages that it ends.

        The body of one that is too long is None; it passes by.
        """
        if self._skip:
            skip = min(self._skip, len(body))
            self._skip -= skip
            body = body[skip:]
        began, number = ts, frame
        if self.pending:  # only what lies across records is copied
            began, number = self._at
            self.pending += body
            if len(self.pending) < self._need:
                return []
            body = bytes(self.pending)
            self.pending.clear()
        found: list[Message] = []
        offset, size, need = 0, len(body), 4
        while size - offset >= 4:
            length = 4 + (_length(body, offset)[0] & 0xFFFFFF)
            end = offset + length
            if length > self._limit:
                self._skip = max(0, end - size)
                found.append((body[offset], None, began, number))
            elif end > size:
                need = length
                break
            else:
                found.append((body[offset], body[offset + 4 : end], began, number))
            offset, began, number = end, ts, frame
        if offset < size:
            self._need, self._at = need, (began, number)
            self.pending += body[offset:]
        return found
