"""One QUIC connection (RFC 9000, RFC 9001, RFC 9368): datagrams of two sides in, their handshakes' first bytes out."""

from typing import Final

from enricher.sensor.quic.frames import Close, Crypto, frames
from enricher.sensor.quic.header import FIXED, LONG, PROTECTED, Packet, read_packet
from enricher.sensor.quic.keys import InitialKeys
from enricher.sensor.quic.versions import VERSIONS
from enricher.sensor.reader import MalformedError
from enricher.sensor.reassembly import Chunk, Stream

Read = tuple[int, bytes, float, int]
"""Side, bytes of its handshake, time and frame number of the packet that carried the first of them."""

_MAX_ERRORS: Final = 4
_MAX_CLOSES: Final = 4
_MAX_HELD: Final = 16
_MAX_ORIGINS: Final = 4
_MAX_KEYS: Final = 8
_KEYS: Final = 8000
"""Bytes of memory that a set of keys takes."""
_ROOM: Final = 64 << 10
"""Bytes that may wait whatever `max_buffer` says: more than any hello has, few enough to be put in order cheaply."""


class QuicReader:
    """Takes the datagrams of sides 0 and 1 of one address pair, in any order.

    Only Initial packets are opened, of all others it is noted that they came. Initial keys derive from the Destination
    Connection ID of the client's first Initial packet, of the first one after a Retry. An Initial packet without known
    keys waits for them; `unread` says how many do, or did in vain.
    """

    def __init__(self, max_buffer: int) -> None:
        self.version: int | None = None
        """What the server last used, else the client; an unknown version never stands here."""
        self.client: int | None = None
        """The side of the client; None as long as nothing came that only one of them sends."""
        self.superseded = False
        """A datagram came that begins another connection, with which a fresh reader has to be fed. Nothing of it was
        read, and nothing more will be: this connection is over (RFC 9000 section 6: so it is if the client begins anew
        after Version Negotiation)."""
        self.lost = False
        """Bytes of a handshake were given up because too many would have waited."""
        self.errors: list[str] = []
        """What broke the rules, with its frame number; the first few."""
        self.handshake = [False, False]
        """Sides that sent a Handshake packet. A client can do so only after the ServerHello."""
        self.one_rtt = [False, False]
        """Sides that sent a 1-RTT packet, to whatever connection id, for these may change at once. A client can do so
        only after the server's Finished. A stateless reset looks the same (RFC 9000 section 10.3)."""
        self.zero_rtt = False
        """The client sent early data."""
        self.retry = False
        """The server sent Retry."""
        self.version_negotiation = False
        """The server sent Version Negotiation."""
        self.closes: list[tuple[int, int]] = []
        """Side and error code of each CONNECTION_CLOSE in an Initial packet; the first few."""
        self._room = min(max_buffer, _ROOM)
        self._streams = (Stream(0), Stream(0))
        self._origins: list[bytes] = []
        """Connection ids from which Initial keys derive, oldest first."""
        self._keys: dict[tuple[int, bytes], InitialKeys] = {}
        """Also those that opened nothing, so that they are not derived again."""
        self._ids: list[bytes | None] = [None, None]
        """What each side last called itself."""
        self._began: tuple[int, bytes] | None = None
        """Version and Source Connection ID with which the client began."""
        self._answered = False
        """The server's first flight was seen."""
        self._held: list[tuple[int, bytes, float, int]] = []
        """Initial packets without known keys."""
        self._held_bytes = 0
        self._dropped = 0

    @property
    def unread(self) -> int:
        """Initial packets that were not opened: cut short, altered, or without the client's first Initial packet."""
        return self._dropped + len(self._held)

    @property
    def ids(self) -> frozenset[bytes]:
        """Connection ids to which late packets of this connection can be addressed; those of another one are new."""
        return frozenset([*self._origins, *(known for known in self._ids if known is not None)])

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return self._waiting + _KEYS * len(self._keys)

    def feed(self, index: int, datagram: bytes, ts: float, frame: int) -> list[Read]:
        """Take a datagram of a side; give what its Initial packets, or ones that waited, bring in order."""
        known = len(self._origins)
        read = self._datagram(index, datagram, ts, frame)
        if len(self._origins) > known and not self.superseded:
            held, self._held, self._held_bytes = self._held, [], 0
            for waiting in held:
                read += self._datagram(*waiting)
        return read

    @property
    def _waiting(self) -> int:
        return self._streams[0].waiting + self._streams[1].waiting + self._held_bytes

    def _datagram(self, index: int, datagram: bytes, ts: float, frame: int) -> list[Read]:
        read: list[Read] = []
        offset, size = 0, len(datagram)
        while offset < size and datagram[offset] & LONG and not self.superseded:
            try:
                packet = read_packet(datagram, offset, size)
            except MalformedError as error:
                self._error(frame, str(error))
                return read
            if packet.kind == "initial":
                read += self._initial(index, datagram, packet, ts, frame)
            elif packet.kind != "unknown":
                self._other(index, packet)
            offset = packet.end
        if size - offset > PROTECTED and not self.superseded and self._is_short(index, datagram, offset):
            self.one_rtt[index] = self._answered = True
        return read

    def _is_short(self, index: int, datagram: bytes, offset: int) -> bool:
        """Whether what has no long header is a packet: where the fixed bit is greased (RFC 9287) its address tells."""
        peer = self._ids[1 - index]
        return bool(datagram[offset] & FIXED or (peer and datagram.startswith(peer, offset + 1)))

    def _other(self, index: int, packet: Packet) -> None:
        self._name_version(index, packet)
        if packet.kind == "handshake":
            self.handshake[index] = self._answered = True
            self._ids[index] = packet.source
        elif packet.kind == "0-rtt":
            self.zero_rtt = True
            if self._is_client(index) and not self._origins:
                self._origins.append(packet.destination)
        elif self._is_client(1 - index):
            self.version_negotiation |= packet.kind == "version_negotiation"
            if packet.kind == "retry":
                self.retry = True
                self._derive_from(packet.source)

    def _initial(self, index: int, datagram: bytes, packet: Packet, ts: float, frame: int) -> list[Read]:
        read: list[Read] = []
        payload = self._open(index, datagram, packet)
        if self.superseded:
            return read
        self._name_version(index, packet)
        if payload is None:
            self._hold(index, datagram, packet, ts, frame)
            return read
        self._ids[index] = packet.source
        self._answered |= index != self.client
        try:
            for found in frames(payload):
                if isinstance(found, Crypto):
                    read += self._crypto(index, found.offset, (found.data, ts, frame))
                else:
                    self._close(index, found)
        except MalformedError as error:
            self._error(frame, f"Initial packet, {error}")
        return read

    def _open(self, index: int, datagram: bytes, packet: Packet) -> bytes | None:
        if packet.end > len(datagram):
            return None
        if packet.token:
            self._is_client(index)
        by_client = self.client in {None, index}
        for destination in dict.fromkeys([*self._origins, packet.destination]) if by_client else self._origins:
            keys = self._keys_of(packet.version, destination)
            if keys is None:
                continue
            payload = (keys.client if by_client else keys.server).open(datagram, packet)
            if payload is None:
                continue
            if by_client:
                self.client = index
                if destination == packet.destination:
                    self._begin(packet)
            return payload
        return None

    def _begin(self, packet: Packet) -> None:
        """The client begins, begins again, goes on after a Retry, or begins another connection.

        After a Retry it keeps its own connection id (RFC 9000 section 17.2.5.3), if it has one.
        """
        known = packet.destination in self._origins
        began = packet.version, packet.source
        if self._began is None:
            self._began = began
        elif began != self._began or (not packet.source and self._answered and not known):
            self.superseded = True
            return
        self._derive_from(packet.destination)

    def _derive_from(self, destination: bytes) -> None:
        if destination not in self._origins and len(self._origins) < _MAX_ORIGINS:
            self._origins.append(destination)

    def _keys_of(self, version: int, destination: bytes) -> InitialKeys | None:
        keys = self._keys.get((version, destination))
        if keys is None and len(self._keys) < _MAX_KEYS:
            keys = self._keys[version, destination] = InitialKeys(VERSIONS[version], destination)
        return keys

    def _hold(self, index: int, datagram: bytes, packet: Packet, ts: float, frame: int) -> None:
        data = datagram[packet.start : packet.end]
        whole = packet.end <= len(datagram)
        if whole and len(self._held) < _MAX_HELD and self._waiting + len(data) <= self._room:
            self._held.append((index, data, ts, frame))
            self._held_bytes += len(data)
        else:
            self._dropped += 1

    def _crypto(self, index: int, offset: int, chunk: Chunk) -> list[Read]:
        stream = self._streams[index]
        ahead = offset - stream.expected
        size = len(chunk[0])
        if ahead > 0 and max(ahead, self._waiting) + size > self._room:
            self.lost = True
            return []
        return [(index, *part) for part in stream.accept(offset, chunk)] if size else []

    def _close(self, index: int, close: Close) -> None:
        if len(self.closes) < _MAX_CLOSES:
            self.closes.append((index, close.code))

    def _is_client(self, index: int) -> bool:
        """Whether the side is the client; where that is not known yet, it is."""
        if self.client is None:
            self.client = index
        return self.client == index

    def _name_version(self, index: int, packet: Packet) -> None:
        if packet.version in VERSIONS and (self.version is None or self.client == 1 - index):
            self.version = packet.version

    def _error(self, frame: int, what: str) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(f"frame {frame}: {what}")
