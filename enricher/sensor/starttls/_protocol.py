"""What a protocol has to say about itself so that TLS is found behind it."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

Cut = Callable[[bytes, int], int]
"""Length of the unit (line, packet) at the start of the bytes, 0: it is not whole yet, -1: the protocol has no such
unit. The number says how many units the side has sent before; the bytes are never empty."""

_LONGEST_LINE: Final = 4096
_CONTROLS: Final = bytes(set(range(0x20)) - set(b"\t\n\r"))
_TEXT: Final = bytes(set(range(0x100)) - set(_CONTROLS))
_control: Final = re.compile(b"[" + re.escape(_CONTROLS) + b"]").search


class Framing(Protocol):
    """Packets of the protocol in which the TLS records of one side are carried."""

    lost: bool
    """What came was no such packet."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; give what they carry."""


class Role(NamedTuple):
    """How one side of a protocol talks in the clear."""

    first: bytes
    """Every byte with which it may begin."""
    opening: re.Pattern[bytes]
    """Its first unit, where it is the first to talk."""
    turn: re.Pattern[bytes]
    """The unit after which its next bytes may be TLS."""
    cut: Cut


class Upgrade(NamedTuple):
    """A protocol that can turn to TLS."""

    client: Role
    server: Role
    tunnel: bool = False
    """What follows may be any protocol, also one that turns to TLS later."""
    framing: Callable[[], Framing] | None = None
    """TLS does not follow bare, but in packets."""
    target: Callable[[bytes], bytes | None] | None = None
    """The `host:port` that the client's turning unit asks for."""


def line(data: bytes, _number: int) -> int:
    """Cut text before its last whole line, then after it: those before it change nothing, and may be many."""
    control = _control(data) if data.translate(None, _TEXT) else None  # the usual case costs a fifth
    stop = control.start() if control else len(data)
    end = data.rfind(b"\n", 0, stop) + 1
    if end:
        return data.rfind(b"\n", 0, end - 1) + 1 or end
    return -1 if control or stop > _LONGEST_LINE else 0
