"""Packets of a network interface: Linux' AF_PACKET with a ring that the kernel fills (TPACKET_V3).

Source: Linux' Documentation/networking/packet_mmap.rst, linux/if_packet.h, linux/if_arp.h.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from enricher.errors import InputError

_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 1, 5, 6, 10, 23
_V3: Final = 2
_PROMISCUOUS: Final = 1
_ALL: Final = 3
"""ETH_P_ALL."""
_FLAGS, _HARDWARE_TYPE = 0x8913, 0x8927
"""SIOCGIFFLAGS, SIOCGIFHWADDR."""
_NAME, _REQUEST = 16, 40
"""Bytes of a name, and of a request that begins with it."""
_UP: Final = 1

_BLOCK: Final = 1 << 20
_FRAME: Final = 1 << 11
"""A unit of the request; frames in a block are as long as they are."""
_RETIRE: Final = 50
"""Milliseconds after which the kernel hands over a block that is not full."""

_LOOPBACK: Final = 772
_LINKS: Final = MappingProxyType(
    {1: 1, _LOOPBACK: 1, 512: 9, 519: 101, 65534: 101, 768: 101, 769: 101, 776: 101, 778: 101, 823: 101, 803: 127}
)
"""ARPHRD_ → LINKTYPE_: Ethernet, loopback, PPP, raw IP, tun, tunnels (IP, IPv6, SIT, GRE, GRE over IPv6), radiotap."""

_block: Final = struct.Struct("=8xIIII").unpack_from
"""Of a block: whose it is, number of packets, where the first is, where the last ends."""
_frame: Final = struct.Struct("=IIII8xH").unpack_from
"""Of a packet: where the next is, seconds, nanoseconds, captured length; where the link layer's header is."""
_STATUS_AT: Final = 8

Place = tuple[float, int, int]
"""Seconds since 1970, and where in a block the packet starts and ends."""


class Block(NamedTuple):
    """Packets that came together."""

    data: bytes
    places: Sequence[Place]


class Ring:
    """An interface that is listened to. Memory is the ring's, and a block's."""

    def __init__(self, interface: str, *, buffer_mib: int, promiscuous: bool) -> None:
        """Begin to listen.

        Raises:
            InputError: there is no such interface, or we may not.
        """
        self._interface = interface
        self._count = buffer_mib
        self._at = 0
        self._away = False
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        except (OSError, AttributeError) as error:
            raise InputError(
                f"{interface}: packets cannot be read ({error})", "start as root, or with CAP_NET_RAW, on Linux"
            ) from error
        try:
            self._open(promiscuous=promiscuous)
        except OSError as error:
            self._socket.close()
            raise InputError(
                f"{interface}: cannot be listened to ({error.strerror})", "see `ip link`, or lower buffer_mib"
            ) from error
        except InputError:
            self._socket.close()
            raise

    def _open(self, *, promiscuous: bool) -> None:
        option = self._socket.setsockopt
        kind = self._ask(_HARDWARE_TYPE)
        if kind not in _LINKS:
            raise InputError(f"{self._interface}: links of type {kind} cannot be read", "name another interface")
        self.link = _LINKS[kind]
        """Number of its link type."""
        option(_SOL_PACKET, _VERSION, _V3)
        size = _BLOCK * self._count
        option(_SOL_PACKET, _RX_RING, struct.pack("7I", _BLOCK, self._count, _FRAME, size // _FRAME, _RETIRE, 0, 0))
        self._ring = mmap.mmap(self._socket.fileno(), size, mmap.MAP_SHARED)
        self._loopback, self._promiscuous = kind == _LOOPBACK, promiscuous
        self._bind()

    def _bind(self) -> None:
        option = self._socket.setsockopt
        if self._loopback:  # each packet goes out and comes in
            with contextlib.suppress(OSError):
                option(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        elif self._promiscuous:
            index = socket.if_nametoindex(self._interface)
            option(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("iHH8x", index, _PROMISCUOUS, 0))
        self._socket.bind((self._interface, _ALL))

    def _ask(self, request: int) -> int:
        """A 16-bit answer about the interface (netdevice(7))."""
        name = self._interface.encode()
        if len(name) >= _NAME:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        answer = fcntl.ioctl(self._socket.fileno(), request, name.ljust(_REQUEST, b"\0"))
        return int.from_bytes(answer[_NAME : _NAME + 2], sys.byteorder)

    def blocks(self) -> Iterator[Block]:
        """Blocks that are there, one after another, as long as there is one.

        Raises:
            InputError: the interface is down or gone.
        """
        while True:
            start = self._at * _BLOCK
            ours, count, first, size = _block(self._ring, start)
            if not ours & 1:
                break
            data = self._ring[start : start + size]
            self._ring[start + _STATUS_AT : start + _STATUS_AT + 4] = bytes(4)  # the kernel's again
            self._at = (self._at + 1) % self._count
            yield Block(data, _places(data, count, first))
        self._look()

    def _look(self) -> None:
        """Whether the interface is there; where it went away, it may be another one now, of the same name."""
        if not self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) and not self._away:
            return
        self._away = True
        try:
            if not self._ask(_FLAGS) & _UP:
                raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
            self._bind()
        except OSError as error:
            raise InputError(f"{self._interface}: {error.strerror}", "it is listened to when it is back") from error
        self._away = False

    def waiting(self) -> int:
        """Bytes of blocks that are not read yet."""
        status = (bool(_block(self._ring, at * _BLOCK)[0] & 1) for at in range(self._count))
        return sum(status) * _BLOCK

    def taken(self) -> tuple[int, int]:
        """Packets that came, and how many of them the kernel dropped as the ring was full, since the last time."""
        came, dropped, _ = struct.unpack("3I", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        return came, dropped

    def close(self) -> None:
        """Listen no longer."""
        self._ring.close()
        self._socket.close()


def _places(data: bytes, count: int, at: int) -> list[Place]:
    places = []
    for _ in range(count):
        following, seconds, nanoseconds, size, start = _frame(data, at)
        places.append((seconds + nanoseconds / 1e9, at + start, at + start + size))
        at += following
    return places
