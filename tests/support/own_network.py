"""A network of a test's own, in which it is root, and the packets of the demo's capture to send there."""

import ctypes
import fcntl
import functools
import os
import signal
import socket
import struct
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CAPTURE = Path(__file__).resolve().parents[2] / "pcaps" / "demo" / "capture.pcap"
_NEW_NETWORK = 0x40000000
_SKIPPED = 77
LIBC = ctypes.CDLL(None, use_errno=True)


def up(interface: str, yes: bool = True) -> None:
    with socket.socket() as any_:
        request = struct.pack("16sH22x", interface.encode(), 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(any_, 0x8913, request))
        flags = flags | 1 if yes else flags & ~1
        fcntl.ioctl(any_, 0x8914, struct.pack("16sH22x", interface.encode(), flags))


def apart(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test in a process with a network of its own, which ends with it. Takes root."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            code = 1
            try:
                signal.alarm(90)
                if LIBC.unshare(_NEW_NETWORK):
                    code = _SKIPPED
                    os.write(writing, b"takes root, to make a network")
                else:
                    up("lo")
                    test(*args, **more)
                    code = 0
            except pytest.skip.Exception as skipped:
                code = _SKIPPED
                os.write(writing, str(skipped).encode())
            except BaseException:
                os.write(writing, traceback.format_exc().encode()[-60_000:])
            finally:
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read().decode()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == _SKIPPED:
            pytest.skip(told)
        assert code == 0, told or f"ended with {code}"

    return run


def frames() -> Iterator[bytes]:
    """The packets of a capture."""
    data, at = CAPTURE.read_bytes(), 24
    assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
    while at < len(data):
        (size,) = struct.unpack_from("<8xI", data, at)
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


def send(packets: Any, interface: str = "lo") -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((interface, 0))
        for packet in packets:
            out.send(packet)


def hello() -> list[bytes]:
    """The packets of a connection up to its ClientHello."""
    first = next(f for f in frames() if f[12:14] == b"\x08\x00" and f[23] == 6 and f[47] & 2)
    for at, packet in enumerate(found := [f for f in frames() if f[26:38] == first[26:38]]):
        if packet[14 + 20 + (packet[46] >> 2 & 0x3C) :][:1] == b"\x16":
            return found[: at + 1]
    raise AssertionError
