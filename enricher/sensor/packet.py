"""IPv4 and IPv6 down to a TCP segment (RFC 791, RFC 8200, RFC 9293). Checksums are ignored: offloading breaks them."""

import struct
from typing import Final

from enricher.sensor.contract import Counters

FIN, SYN, RST, ACK = 1, 2, 4, 16

Segment = tuple[bytes, int, int, int, int]
"""Key of its direction, sequence number, flags, and where in the buffer its payload starts and ends."""

TCP: Final = 6
_FRAGMENT: Final = 44
_EXTENSIONS: Final = (0, 43, 60, 135, 139, 140)
_AUTHENTICATION: Final = 51

_ipv4_tcp: Final = struct.Struct(">2xH2xHxB2x12xI4xBB").unpack_from
_ipv6_tcp: Final = struct.Struct(">4xHB33x4xI4xBB").unpack_from
_tcp: Final = struct.Struct(">4xI4xBB").unpack_from
_ports: Final = struct.Struct(">HH").unpack


def reverse(key: bytes) -> bytes:
    """Key of the other direction. A key is source and destination address, then source and destination port."""
    half = len(key) // 2 - 2
    return key[half:-4] + key[:half] + key[-2:] + key[-4:-2]


def addresses(key: bytes) -> tuple[bytes, int, bytes, int]:
    """Source address and port, destination address and port."""
    half = len(key) // 2 - 2
    source, destination = _ports(key[-4:])
    return key[:half], source, key[half:-4], destination


class Decoder:
    """Finds TCP segments in IP packets."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def segment(self, data: bytes, ip: int, end: int) -> Segment | None:
        """The TCP segment of the packet at `ip`; None, and counted, where there is none."""
        first = data[ip]
        if first == 0x45 and end - ip >= 40:  # no options: addresses and ports lie side by side
            total, fragment, protocol, seq, words, flags = _ipv4_tcp(data, ip)
            if protocol != TCP or fragment & 0x1FFF:
                self._reject(protocol, fragment & 0x1FFF)
                return None
            key = data[ip + 12 : ip + 24]
            start = ip + 20
        elif first >> 4 == 6 and end - ip >= 60 and data[ip + 6] == TCP:
            total, protocol, seq, words, flags = _ipv6_tcp(data, ip)
            key = data[ip + 8 : ip + 44]
            start = ip + 40
            total = total and total + 40
        else:
            found = self._walk(data, ip, end)
            if found is None:
                return None
            addresses_, start, total = found
            seq, words, flags = _tcp(data, start)
            key = addresses_ + data[start : start + 4]
        # Segmentation offload leaves the length empty; padding of short frames lies beyond it.
        stop = min(ip + total, end) if total else end
        return key, seq, flags, start + (words >> 2 & 0x3C), stop

    def _reject(self, protocol: int, fragment: int) -> None:
        if fragment and protocol == TCP:
            self._counters.fragments += 1
        else:
            self._counters.packets_not_tcp += 1

    def _walk(self, data: bytes, ip: int, end: int) -> tuple[bytes, int, int] | None:
        """Addresses, offset of the TCP header and total length where options or extension headers come between."""
        version = data[ip] >> 4
        if version == 4 and end - ip >= 20:
            start, protocol, fragment = (
                ip + (data[ip] & 15) * 4,
                data[ip + 9],
                (data[ip + 6] & 0x1F) << 8 | data[ip + 7],
            )
            total = data[ip + 2] << 8 | data[ip + 3]
            source, size = ip + 12, 8
        elif version == 6 and end - ip >= 40:
            start, protocol, fragment = self._extensions(data, ip, end)
            length = data[ip + 4] << 8 | data[ip + 5]
            total = length and length + 40
            source, size = ip + 8, 32
        else:
            self._counters.packets_malformed += 1
            return None
        if protocol != TCP or fragment:
            self._reject(protocol, fragment)
            return None
        if start < source + size or end - start < 20:
            self._counters.packets_malformed += 1
            return None
        return data[source : source + size], start, total

    @staticmethod
    def _extensions(data: bytes, ip: int, end: int) -> tuple[int, int, int]:
        start, protocol, fragment = ip + 40, data[ip + 6], 0
        while end - start >= 8:
            if protocol == _FRAGMENT:
                fragment |= data[start + 2] << 8 | data[start + 3] & 0xF8
                length = 8
            elif protocol in _EXTENSIONS:
                length = data[start + 1] * 8 + 8
            elif protocol == _AUTHENTICATION:
                length = data[start + 1] * 4 + 8
            else:
                break
            protocol = data[start]
            start += length
        return start, protocol, fragment
