"""Follows what two sides say in the clear until TLS begins, or until it is plain that it never will."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from enricher.model import registry
from enricher.sensor.connection import begins
from enricher.sensor.reassembly import Chunk
from enricher.sensor.starttls._protocol import Framing, Role, Upgrade

_MOST: Final = 32768
"""Bytes of a side in the clear after which no TLS is expected any more."""
_FRESH: Final = 700
"""Bytes of memory of a talk that has just begun."""
_DEEPEST: Final = 4
"""Tunnels inside of tunnels."""

PROTOCOLS: Final = MappingProxyType(
    registry.unique(
        (pair for module in registry.modules("enricher.sensor.starttls") for pair in module.PROTOCOLS.items()),
        "protocol",
    )
)


def _by_first_byte(roles: Iterable[tuple[Upgrade, Role]]) -> dict[int, tuple[Upgrade, ...]]:
    table: dict[int, tuple[Upgrade, ...]] = {}
    for protocol, role in roles:
        for byte in set(role.first):
            table[byte] = (*table.get(byte, ()), protocol)
    return table


_CLIENT_FIRST: Final = MappingProxyType(_by_first_byte((p, p.client) for p in PROTOCOLS.values()))
_SERVER_FIRST: Final = MappingProxyType(_by_first_byte((p, p.server) for p in PROTOCOLS.values()))


class _Side:
    """How far one side of a talk is."""

    __slots__ = ("agreed", "at", "begun", "blind", "framing", "pending", "role", "seen", "tunnelled", "turned", "units")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.pending = b""
        """A unit that is not whole, or the start of what may be TLS."""
        self.at = (0.0, 0)
        """Time and frame number of the packet in which it starts."""
        self.seen = 0
        self.units = 0
        self.turned = False
        """TLS may begin now."""
        self.agreed = False
        """The other side began TLS at that word: whatever comes next has to be TLS."""
        self.blind = False
        """Bytes are missing: TLS may begin with any packet."""
        self.tunnelled = False
        """It speaks another protocol by now."""
        self.begun = False
        """It speaks TLS by now."""
        self.framing: Framing | None = None
        """What cuts the packets that carry its TLS, once they may come."""


class _Talk:
    """One protocol's view of the bytes of both sides."""

    def __init__(self, protocol: Upgrade, client: int, depth: int) -> None:
        self.possible = True
        self.recognised = False
        self.target: bytes | None = None
        self._protocol = protocol
        self._client = client
        self._depth = depth
        self._inner: Dialogue | None = None
        roles = (protocol.client, protocol.server)
        self._sides = (_Side(roles[client]), _Side(roles[1 - client]))

    @property
    def buffered(self) -> int:
        size = _FRESH + len(self._sides[0].pending) + len(self._sides[1].pending)
        return size if self._inner is None else size + self._inner.buffered

    @property
    def refused(self) -> bool:
        """A side that could be seen went on in the clear without the word after which TLS begins."""
        clear = any(s.seen and not (s.begun or s.turned or s.blind or s.tunnelled) for s in self._sides)
        return clear or (self._inner is not None and self._inner.refused)

    def gap(self, index: int) -> None:
        side = self._sides[index]
        side.pending = b""
        if side.framing is None:
            side.blind = True
        else:
            side.framing.lost = True
        if self._inner is not None:
            self._inner.gap(index)

    def feed(self, index: int, chunk: Chunk) -> Chunk | None:
        """Take the next bytes; give what of them is TLS."""
        side = self._sides[index]
        side.seen += len(chunk[0])
        if side.framing is not None:
            return self._framed(index, side.framing, chunk)
        if side.begun:
            return chunk
        return self._tunnel(index, chunk) if side.tunnelled else self._listen(index, side, chunk)

    def _listen(self, index: int, side: _Side, chunk: Chunk) -> Chunk | None:
        """Take bytes in the clear; give what follows the word for TLS."""
        if not side.pending:
            side.at = chunk[1:]
        data, side.pending = side.pending + chunk[0], b""
        start = 0
        while start < len(data):
            rest = data[start:]
            if side.turned and self._protocol.framing is not None:
                side.framing = self._protocol.framing()
                return self._framed(index, side.framing, (rest, *side.at))
            if side.turned or side.blind:
                begun = (side.turned and side.agreed) or begins(rest, client=index == self._client)
                if begun:
                    self._begin(index)
                    return rest, *side.at
                if begun is False and side.turned and self._protocol.tunnel:
                    side.tunnelled = True
                    return self._tunnel(index, (rest, *side.at))
                if begun is None:
                    side.pending = rest
                    break
            size = 0 if side.blind else self._unit(side, index, rest)
            if size <= 0:
                break
            start += size
            side.at = chunk[1:]
        return None

    def _unit(self, side: _Side, index: int, data: bytes) -> int:
        """Read the unit at the start of `data`: its length, 0 where there is none."""
        role = side.role
        size = role.cut(data, side.units)
        unit = data[:size]
        if size < 0 or side.seen > _MOST or (size and not self.recognised and not role.opening.fullmatch(unit)):
            self.possible = False
            return 0
        if not size:
            side.pending = data
            return 0
        side.units += 1
        self.recognised = True
        if not unit.isspace():
            side.turned = role.turn.fullmatch(unit) is not None
            if side.turned and self._protocol.target and index == self._client:
                self.target = self._protocol.target(unit)
        return size

    def _framed(self, index: int, framing: Framing, chunk: Chunk) -> Chunk | None:
        """Take bytes of packets; give what they carry once TLS has begun in them."""
        side = self._sides[index]
        if framing.lost:
            return None
        if not side.pending:
            side.at = chunk[1:]
        carried, side.pending = side.pending + framing.feed(chunk[0]), b""
        if not side.begun:
            begun = side.agreed or (begins(carried, client=index == self._client) if carried else None)
            if not begun:
                side.pending = carried
                self.possible = begun is None and not framing.lost and side.seen <= _MOST
                return None
            self._begin(index)
        return (carried, *side.at) if carried else None

    def _begin(self, index: int) -> None:
        self._sides[index].begun = True
        self._agree(1 - index)

    def _tunnel(self, index: int, chunk: Chunk) -> Chunk | None:
        if self._inner is None:
            self._inner = Dialogue(self._client, index, chunk[0], self._depth + 1)
        tls = self._inner.feed(index, chunk)
        self.possible = self._inner.possible
        self.target = self._inner.target or self.target
        if tls is not None:
            self._agree(1 - index)
        return tls

    def _agree(self, index: int) -> None:
        """The other side has begun TLS: if this one has said the word, it is bound by it."""
        self._sides[index].agreed |= self._sides[index].turned


class Dialogue:
    """Takes the bytes of both sides of a connection that did not begin with TLS, as every protocol may see them.

    `client` is the side that opened the connection, None: that was not seen; `first` is the side that talks first, and
    `data` what it says.
    """

    __slots__ = ("_talks",)

    def __init__(self, client: int | None, first: int, data: bytes, depth: int = 0) -> None:
        talks = []
        if depth < _DEEPEST:
            for side, table in ((first, _CLIENT_FIRST), (1 - first, _SERVER_FIRST)):
                if client is None or client == side:
                    talks += [_Talk(protocol, side, depth) for protocol in table.get(data[0], ())]
        self._talks = talks

    @property
    def possible(self) -> bool:
        """TLS may still come."""
        return bool(self._talks)

    @property
    def recognised(self) -> bool:
        """Something was said that opens a protocol."""
        return any(talk.recognised for talk in self._talks)

    @property
    def refused(self) -> bool:
        """A side that could be seen went on in the clear, so that what looked like TLS was none."""
        return all(talk.refused for talk in self._talks)

    @property
    def target(self) -> bytes | None:
        """The `host:port` that the client asked a proxy for."""
        return next((talk.target for talk in self._talks if talk.target), None)

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return sum(talk.buffered for talk in self._talks)

    def feed(self, index: int, chunk: Chunk) -> Chunk | None:
        """Take the next bytes of a side; give those of them that are TLS."""
        found = [(talk, talk.feed(index, chunk)) for talk in self._talks]
        self._talks = [talk for talk, _ in found if talk.possible]
        return next((tls for _, tls in found if tls is not None), None)

    def gap(self, index: int) -> None:
        """Bytes of a side are missing."""
        for talk in self._talks:
            talk.gap(index)
