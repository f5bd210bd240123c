"""TCP: segments of one connection and its successors, in whatever order and with whatever flags."""

import seeds
from targets._packets import pcap, tcp
from targets._sensor import check_capture
from targets._target import Script, Target

_SYN = 2


def check(data):
    script = Script(data)
    frames = []
    while script:
        side, flags, offset = script.number(1) & 1, script.number(1), script.number(2)
        # High offsets lie before the start, so that the sequence number wraps.
        frames.append(tcp(side, offset - 2**15 if offset & 2**15 else offset, flags, script.blob()))
    check_capture(pcap(frames))


def _seeds():
    for messages in seeds.tls_streams():
        at, out = [1, 1], [b"\0\2\0\0\0\0", b"\1\x12\0\0\0\0"]
        for side, payload in messages:
            out.append(bytes((side, 16)) + at[side].to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload)
            at[side] += len(payload)
        yield b"".join((*out, b"\0\1", at[0].to_bytes(2, "big"), b"\0\0\1\1", at[1].to_bytes(2, "big"), b"\0\0"))


TARGETS = (Target("tcp", check, _seeds),)
