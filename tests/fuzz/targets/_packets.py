"""Captures around what a target makes up: frames, TCP conversations, UDP datagrams."""

import struct

ETHERNET = 1
_ENDS = (b"\x0a\0\0\x01", b"\xcb\0\x71\x09"), (40000, 443)
START = 1_700_000_000


def pcap(frames, link=ETHERNET):
    """A pcap file; frames a millisecond apart."""
    records = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    for number, frame in enumerate(frames):
        seconds, rest = divmod(number, 1000)
        records.append(struct.pack("<IIII", START + seconds, rest * 1000, len(frame), len(frame)) + frame)
    return b"".join(records)


def tcp(side, seq, flags, payload=b""):
    """A frame from one of two sides."""
    ports = struct.pack(">HH", _ENDS[1][side], _ENDS[1][1 - side])
    return _ip(side, 6, ports + struct.pack(">IIBBHHH", seq % 2**32, 0, 0x50, flags, 8192, 0, 0) + payload)


def udp(side, payload):
    """A frame from one of two sides."""
    return _ip(side, 17, struct.pack(">HHHH", _ENDS[1][side], _ENDS[1][1 - side], 8 + len(payload), 0) + payload)


def _ip(side, protocol, body):
    header = struct.pack(">BBHHHBBH", 0x45, 0, min(20 + len(body), 0xFFFF), 0, 0, 64, protocol, 0)
    return bytes(12) + b"\x08\0" + header + _ENDS[0][side] + _ENDS[0][1 - side] + body
