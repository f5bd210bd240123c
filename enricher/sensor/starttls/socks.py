"""SOCKS 4, 4a and 5 (RFC 1928, RFC 1929)."""

import ipaddress
import re
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade

_LONGEST_NAME: Final = 255


def _authority(host: bytes, port: bytes) -> bytes:
    return host + b":%d" % int.from_bytes(port, "big")


def _socks4_client(data: bytes, _number: int) -> int:
    """Version, command, port, address, user; for the address 0.0.0.x (4a) also a name."""
    if data[:2] not in {b"\4", b"\4\1"}:
        return -1
    end = data.find(b"\0", 8) + 1
    if end and data[4:7] == b"\0\0\0" and data[7]:
        end = data.find(b"\0", end) + 1
    if max(end, not end and len(data)) > 8 + 2 * _LONGEST_NAME:
        return -1
    return end


def _socks4_server(data: bytes, number: int) -> int:
    if number or data[0] or (len(data) > 1 and not 0x5A <= data[1] <= 0x5D):
        return -1
    return 8 if len(data) >= 8 else 0


def _socks4_target(unit: bytes) -> bytes:
    name = unit[8:-1].partition(b"\0")[2]
    return _authority(name or str(ipaddress.IPv4Address(unit[4:8])).encode("ascii"), unit[2:4])


def _addressed(data: bytes) -> int:
    """A SOCKS 5 request or reply: version, command, 0, kind of address, address, port."""
    if len(data) < 5:
        return 0
    if data[2] or data[3] not in {1, 3, 4}:
        return -1
    size = {1: 10, 3: 7 + data[4], 4: 22}[data[3]]
    return size if len(data) >= size else 0


def _socks5_client(data: bytes, number: int) -> int:
    """The methods it offers, perhaps user and password, then the request."""
    if number and data[0] == 1:
        user = 2 + data[1] if len(data) > 1 else 2
        size = user + 1 + data[user] if len(data) > user else 0
    elif data[0] != 5:
        return -1
    elif number:
        return _addressed(data)
    else:
        size = 2 + data[1] if len(data) > 1 else 0
    return size if len(data) >= size else 0


def _socks5_server(data: bytes, number: int) -> int:
    """The method it chose, perhaps that the password is right, then the reply."""
    if data[0] == 5 and number:
        return _addressed(data)
    if data[0] != (5 if not number else 1):
        return -1
    return 2 if len(data) >= 2 else 0


def _socks5_target(unit: bytes) -> bytes:
    address = unit[5:-2] if unit[3] == 3 else unit[4:-2]
    if unit[3] != 3:
        host = str(ipaddress.ip_address(address))
        address = (f"[{host}]" if ":" in host else host).encode("ascii")
    return _authority(address, unit[-2:])


_connect4: Final = re.compile(rb"(?s)\x04\x01.{7,}")

PROTOCOLS: Final[dict[str, Upgrade]] = {
    "socks4": Upgrade(
        Role(b"\4", _connect4, _connect4, _socks4_client),
        Role(b"\0", re.compile(rb"(?s)\x00[\x5a-\x5d].{6}"), re.compile(rb"(?s)\x00\x5a.{6}"), _socks4_server),
        tunnel=True,
        target=_socks4_target,
    ),
    "socks5": Upgrade(
        Role(
            b"\5",
            re.compile(rb"(?s)\x05[\x01-\x20].+"),
            re.compile(rb"(?s)\x05\x01\x00[\x01\x03\x04].{4,}"),
            _socks5_client,
        ),
        Role(
            b"\5",
            re.compile(rb"\x05[\x00-\x09]"),
            re.compile(rb"(?s)\x05\x00\x00[\x01\x03\x04].{4,}"),
            _socks5_server,
        ),
        tunnel=True,
        target=_socks5_target,
    ),
}
