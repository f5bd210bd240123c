"""Reads the captures just taken, knows their TCP connections and UDP conversations, and rewrites them: the script's own ground truth.

Deliberately not the project's sensor: it looks at addresses, flags and the first payload byte, no further.
"""

import gzip
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

Endpoint = tuple[str, int]


@dataclass(frozen=True)
class Packet:
    ts: float
    frame: bytes
    src: Endpoint
    dst: Endpoint
    flags: int
    payload: bytes
    proto: str = "tcp"

    @property
    def syn(self) -> bool:
        return self.flags & 0x12 == 0x02

    @property
    def hello(self) -> bool:
        """Begins a TLS record of handshake, a DTLS one, or a QUIC packet with long header."""
        if self.proto == "tcp":
            return self.payload[:2] == b"\x16\x03"
        return self.payload[:2] == b"\x16\xfe" or (self.payload[:1] >= b"\xc0" and len(self.payload) >= 1200)


@dataclass
class Flow:
    """One TCP connection, from its SYN on, where a later SYN on the same tuple starts another; or all UDP of a tuple."""

    client: Endpoint
    server: Endpoint
    syn: float
    proto: str = "tcp"
    tls: bool = False
    packets: list[Packet] = field(default_factory=list)


def read(path: Path) -> list[Packet]:
    data = path.read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1", path
    packets, at = [], 24
    while at < len(data):
        sec, usec, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + kept]
        at += 16 + kept
        if (packet := _decode(sec + usec / 1e6, frame)) is not None:
            packets.append(packet)
    return packets


def _decode(ts: float, frame: bytes) -> Packet | None:
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    if ethertype == 0x0800:
        family, src, dst, protocol = socket.AF_INET, frame[26:30], frame[30:34], frame[23]
        at, end = 14 + (frame[14] & 15) * 4, 14 + struct.unpack_from("!H", frame, 16)[0]
    elif ethertype == 0x86DD:
        family, src, dst, protocol = socket.AF_INET6, frame[22:38], frame[38:54], frame[20]
        at, end = 54, 54 + struct.unpack_from("!H", frame, 18)[0]
    else:
        return None
    if protocol not in (6, 17):
        return None
    sport, dport = struct.unpack_from("!HH", frame, at)
    source, target = (socket.inet_ntop(family, src), sport), (socket.inet_ntop(family, dst), dport)
    if protocol == 17:
        return Packet(ts, frame, source, target, 0, frame[at + 8 : end], "udp")
    return Packet(ts, frame, source, target, frame[at + 13], frame[at + (frame[at + 12] >> 4) * 4 : end])


def flows(packets: Iterable[Packet]) -> list[Flow]:
    found: list[Flow] = []
    current: dict[tuple[str, Endpoint, Endpoint], Flow] = {}
    for packet in packets:
        there, back = (packet.proto, packet.src, packet.dst), (packet.proto, packet.dst, packet.src)
        if packet.syn and (known := current.get(there)) is not None and known.packets[-1].syn:
            known.packets.append(packet)  # the SYN again
            continue
        if packet.syn or (packet.proto == "udp" and there not in current and back not in current):
            flow = current[there] = Flow(packet.src, packet.dst, packet.ts, packet.proto)
            found.append(flow)
        flow_here = current.get(there) or current.get(back)
        if flow_here is None:
            continue
        flow_here.packets.append(packet)
        flow_here.tls |= packet.hello and packet.src == flow_here.client
    return found


Change = Callable[[Packet], Iterable[Packet]]
"""What becomes of a packet: nothing, itself, another, or several."""


def edit(packets: Iterable[Packet], flow: Flow, change: Change) -> list[Packet]:
    """Pass the packets of one connection through `change`."""
    mine = {id(p) for p in flow.packets}
    return [new for p in packets for new in (change(p) if id(p) in mine else (p,))]


def vlan(*tags: int) -> Change:
    """Tag with 802.1Q, or 802.1ad outside 802.1Q when two are given."""
    kinds = [0x88A8] * (len(tags) - 1) + [0x8100]
    header = b"".join(struct.pack("!HH", kind, vid) for kind, vid in zip(kinds, tags, strict=True))
    return lambda p: (replace(p, frame=p.frame[:12] + header + p.frame[12:]),)


def vxlan(vni: int) -> Change:
    """A copy that a virtual switch sends to the sensor: Ethernet in VXLAN (RFC 7348)."""
    header = struct.pack("!II", 0x08000000, vni << 8)
    return lambda p: (replace(p, frame=_outer(17, _udp(4789, header + p.frame))),)


def gre(key: int) -> Change:
    """As mirrors send it: the IP packet in GRE with a key (RFC 2890)."""
    return lambda p: (
        replace(
            p, frame=_outer(47, struct.pack("!H", 0x2000) + p.frame[12:14] + struct.pack("!I", key) + p.frame[14:])
        ),
    )


def _udp(port: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", 54321, port, len(payload) + 8, 0) + payload


def _outer(protocol: int, payload: bytes) -> bytes:
    """Ethernet and IPv4 from 192.0.2.1 to 192.0.2.2 around it."""
    ends = bytes((192, 0, 2, 1, 192, 0, 2, 2))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + ends
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + payload


def rough(flow: Flow) -> Change:
    """As a worse network delivers: of each three data segments one way the last comes first, and the first twice."""
    moved: dict[int, tuple[Packet, ...]] = {}
    for side in (flow.client, flow.server):
        data = [p for p in flow.packets if p.src == side and p.payload]
        for first, second, third in zip(data[::3], data[1::3], data[2::3], strict=False):
            early, late = replace(third, ts=first.ts), replace(first, ts=second.ts)
            moved |= {
                id(first): (early,),
                id(second): (late,),
                id(third): tuple(replace(p, ts=third.ts) for p in (second, first)),
            }
    return lambda p: moved.get(id(p), (p,))


def write_pcap(path: Path, packets: Iterable[Packet]) -> None:
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    for p in packets:
        usec = round(p.ts * 1e6)
        out += struct.pack("<IIII", usec // 1_000_000, usec % 1_000_000, len(p.frame), len(p.frame)) + p.frame
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(bytes(out), 9, mtime=0))
    else:
        path.write_bytes(bytes(out))


def write_pcapng(path: Path, packets: Iterable[Packet]) -> None:
    """Section header, one Ethernet interface in nanoseconds, enhanced packet blocks."""
    out = bytearray(_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
    out += _block(1, struct.pack("<HHI", 1, 0, 262144) + struct.pack("<HHBxxx", 9, 1, 9) + struct.pack("<HH", 0, 0))
    for p in packets:
        nsec = round(p.ts * 1e6) * 1000
        body = struct.pack("<IIIII", 0, nsec >> 32, nsec & 0xFFFFFFFF, len(p.frame), len(p.frame))
        out += _block(6, body + p.frame + b"\0" * (-len(p.frame) % 4))
    path.write_bytes(bytes(out))


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
