"""IPv4 and IPv6 down to TCP segments and UDP datagrams (RFC 791, 8200, 9293, 768), through tunnels and fragments.

Checksums are ignored: offloading breaks them.
"""

import struct
from collections.abc import Callable
from typing import Final

from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.ethertype import Walk
from enricher.sensor.fragments import Fragment, Fragments
from enricher.sensor.tunnel import IP_TUNNELS, TEREDO, UDP_TUNNELS

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

TakeSegment = Callable[[int, float, bytes, bytes, int, int, int, int], None]
"""Takes frame number, time, key of the direction, a buffer, where in it the TCP payload starts and ends, sequence
number and flags."""
TakeDatagram = Callable[[int, float, bytes, bytes, int, int], None]
"""Takes frame number, time, key of the direction, a buffer, and where in it the UDP payload starts and ends."""

TCP: Final = 6
UDP: Final = 17
_FRAGMENT: Final = 44
_EXTENSIONS: Final = {0: 8, 43: 8, _FRAGMENT: 0, 51: 4, 60: 8, 135: 8, 139: 8, 140: 8}
"""Extension headers, and in units of how many bytes beyond the first eight their second byte gives their length."""
_MORE: Final = 0x2000
_FRAGMENTED: Final = 0x3FFF
_MAX_DEPTH: Final = 8
"""Tunnels in tunnels, and fragments in them, that are entered."""

_ipv4: Final = struct.Struct(">2xH2xHxB").unpack_from
_ipv4_tcp: Final = struct.Struct(">2xH2xHxB14xI4xBB").unpack_from
_ipv6: Final = struct.Struct(">4xHB").unpack_from
_ipv6_tcp: Final = struct.Struct(">4xHB37xI4xBB").unpack_from
_extension: Final = struct.Struct(">BBH4s").unpack_from
_tcp: Final = struct.Struct(">4xI4xBB").unpack_from
_udp: Final = struct.Struct(">HHH").unpack_from
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


class Network:
    """Takes IP packets, hands on what TCP and UDP carry; what it leaves out is counted."""

    def __init__(
        self, settings: WireSettings, counters: Counters, take_segment: TakeSegment, take_datagram: TakeDatagram
    ) -> None:
        self._counters = counters
        self._fragments = Fragments(settings, counters)
        self._take_segment = take_segment
        self._take_datagram = take_datagram
        self._frame, self._ts = 0, 0.0
        """Of the packet at hand."""

    def close(self) -> None:
        """End of the capture."""
        self._fragments.close()

    def packet(self, frame: int, ts: float, data: bytes, ip: int, end: int) -> None:
        """Take the IP packet at `ip`, which is before `end`."""
        first = data[ip]
        # Nearly all packets have no options and carry TCP: one look at fixed places, no walk.
        # A length of zero is segmentation offload's; padding of short frames lies beyond the length.
        if first == 0x45 and end - ip >= 40:
            total, fragment, protocol, seq, words, flags = _ipv4_tcp(data, ip)
            if protocol == TCP and not fragment & _FRAGMENTED and words >= 0x50:
                start, stop = ip + 20 + (words >> 2 & 0x3C), ip + total if 0 < total < end - ip else end
                self._take_segment(frame, ts, data[ip + 12 : ip + 24], data, start, stop, seq, flags)
                return
            if protocol == UDP and not fragment & _FRAGMENTED:
                self._frame, self._ts = frame, ts
                stop = ip + total if 0 < total < end - ip else end
                self._udp(data[ip + 12 : ip + 24], data, ip + 20, stop, 0)
                return
        elif first >> 4 == 6 and end - ip >= 60:
            total, protocol, seq, words, flags = _ipv6_tcp(data, ip)
            if protocol == TCP and words >= 0x50:
                start, stop = ip + 40 + (words >> 2 & 0x3C), min(ip + 40 + total, end) if total else end
                self._take_segment(frame, ts, data[ip + 8 : ip + 44], data, start, stop, seq, flags)
                return
        self._frame, self._ts = frame, ts
        self._walk(data, ip, end, 0)

    def _walk(self, data: bytes, ip: int, end: int, depth: int) -> None:
        version = data[ip] >> 4
        if depth > _MAX_DEPTH:
            self._counters.packets_too_deep += 1
        elif version == 4 and end - ip >= 20:
            total, fragment, protocol = _ipv4(data, ip)
            start, stop = ip + (data[ip] & 15) * 4, min(ip + total, end) if total else end
            ends = data[ip + 12 : ip + 20]
            if start < ip + 20 or start > stop:
                self._counters.packets_malformed += 1
            elif fragment & _FRAGMENTED:
                key = ends + data[ip + 4 : ip + 6] + data[ip + 9 : ip + 10]
                self._fragment(key, ends, protocol, fragment, data, start, stop, depth)
            else:
                self._upper(ends, protocol, data, start, stop, depth)
        elif version == 6 and end - ip >= 40:
            total, protocol = _ipv6(data, ip)
            stop = min(ip + 40 + total, end) if total else end
            self._upper(data[ip + 8 : ip + 40], protocol, data, ip + 40, stop, depth)
        else:
            self._counters.packets_malformed += 1

    def _upper(self, ends: bytes, protocol: int, data: bytes, start: int, end: int, depth: int) -> None:
        """What an IP packet between these two addresses carries, behind its extension headers."""
        while protocol in _EXTENSIONS and end - start >= 8:
            following, words, place, identity = _extension(data, start)
            if protocol == _FRAGMENT and place & 0xFFF9:
                fragment = place >> 3 | (place & 1) << 13  # as IPv4 writes it
                self._fragment(ends + identity, ends, following, fragment, data, start + 8, end, depth)
                return
            start += 8 + words * _EXTENSIONS[protocol]
            protocol = following
        if protocol == TCP:
            self._tcp(ends, data, start, end)
        elif protocol == UDP:
            self._udp(ends + data[start : start + 4], data, start, end, depth)
        elif protocol not in IP_TUNNELS or not self._tunnel(IP_TUNNELS[protocol], data, start, end, depth):
            self._counters.packets_other += 1

    def _tcp(self, ends: bytes, data: bytes, start: int, end: int) -> None:
        if end - start < 20 or data[start + 12] < 0x50:
            self._counters.packets_malformed += 1
            return
        seq, words, flags = _tcp(data, start)
        key = ends + data[start : start + 4]
        self._take_segment(self._frame, self._ts, key, data, start + (words >> 2 & 0x3C), end, seq, flags)

    def _udp(self, key: bytes, data: bytes, start: int, end: int, depth: int) -> None:
        if end - start < 8:
            self._counters.packets_malformed += 1
            return
        source, destination, length = _udp(data, start)
        if 8 <= length < end - start:  # zero is a jumbogram's or segmentation offload's
            end = start + length
        tunnel = UDP_TUNNELS.get(destination) or UDP_TUNNELS.get(source)
        if tunnel is None and end - start > 48 and data[start + 8] >> 4 == 6:
            tunnel = TEREDO  # only its servers have a port of their own
        if tunnel is not None and self._tunnel(tunnel, data, start + 8, end, depth):
            return
        self._take_datagram(self._frame, self._ts, key, data, start + 8, end)

    def _tunnel(self, tunnel: Walk, data: bytes, start: int, end: int, depth: int) -> bool:
        """Whether there is an IP packet in it; it is taken."""
        ip = tunnel(data, start, end)
        if ip < 0:
            return False
        self._counters.packets_tunneled += 1
        self._walk(data, ip, end, depth + 1)
        return True

    def _fragment(
        self, key: bytes, ends: bytes, protocol: int, fragment: int, data: bytes, start: int, end: int, depth: int
    ) -> None:
        piece = Fragment((fragment & 0x1FFF) * 8, bool(fragment & _MORE), protocol, data[start:end])
        whole = self._fragments.add(key, piece, self._ts)
        if whole is None:
            return
        if depth < _MAX_DEPTH:
            self._upper(ends, whole[0], whole[1], 0, len(whole[1]), depth + 1)
        else:
            self._counters.packets_too_deep += 1
