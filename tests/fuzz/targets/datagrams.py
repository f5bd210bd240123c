"""DTLS and QUIC: datagrams of two sides, and QUIC's Initial packets from within, sealed with their real keys."""

from aioquic.quic.crypto import CryptoPair

import seeds
from targets._packets import pcap, udp
from targets._sensor import check_capture
from targets._target import Script, Target

_DESTINATION, _SOURCE = bytes(range(8)), b"source!!"
_V1, _V2 = 1, 0x6B3343CF


def check(data):
    script = Script(data)
    frames = []
    while script:
        frames.append(udp(script.number(1) & 1, script.blob()))
    check_capture(pcap(frames))


def check_sealed(data):
    """Frames of Initial packets: those are no noise to the reader, as mutated ciphertext is."""
    script = Script(data)
    version = (_V1, _V2)[script.number(1) & 1]
    keys = sealers(version)
    frames = []
    while script:
        side = script.number(1) & 1
        frames.append(udp(side, initial(keys[side], side, version, len(frames), script.blob())))
    check_capture(pcap(frames))


def sealers(version):
    """Keys of the client and of the server."""
    keys = CryptoPair(), CryptoPair()
    for side, pair in enumerate(keys):
        pair.setup_initial(_DESTINATION, is_client=side == 0, version=version)
    return keys


def initial(keys, side, version, number, plain):
    """A sealed Initial packet (RFC 9000 section 17.2.2, RFC 9369 section 3.2)."""
    plain = plain.ljust(4, b"\0")
    first = 0xC1 if version == _V1 else 0xD1
    ids = (_DESTINATION, _SOURCE)[:: 1 if side == 0 else -1]
    header = bytes([first]) + version.to_bytes(4, "big") + b"".join(bytes([len(one)]) + one for one in ids)
    header += b"\0" + (0x4000 | (len(plain) + 18) & 0x3FFF).to_bytes(2, "big") + number.to_bytes(2, "big")
    return keys.encrypt_packet(header, plain, number)


def _dialogues():
    for datagrams in [*seeds.datagrams(), *_quic()]:
        yield b"".join(bytes([side]) + len(one).to_bytes(2, "big") + one for side, one in datagrams)[:4000]


def _quic():
    """A client's Initial packet, Retry, an answer with a Handshake packet behind it, short headers."""
    retry = b"\xf0\0\0\0\1\x08" + _SOURCE + b"\x08" + _DESTINATION + b"token" + bytes(16)
    handshake = b"\xe0\0\0\0\1\x08" + _SOURCE + b"\x08" + _DESTINATION + b"\x40\x20" + bytes(32)
    for version in (_V1, _V2):
        keys = sealers(version)
        for hello in seeds.hellos()[:2]:
            frames = b"\6\0" + (0x4000 | len(hello)).to_bytes(2, "big") + hello
            first = initial(keys[0], 0, version, 0, frames)
            answer = initial(keys[1], 1, version, 0, b"\2\0\0\0\0" + bytes(20))
            yield [(0, first), (1, answer + handshake), (0, b"\x40" + _SOURCE + bytes(30)), (1, b"\x40" + bytes(40))]
            yield [(0, first), (1, retry), (0, first)]


def _sealed():
    for version in (b"\0", b"\1"):
        for hello in seeds.hellos():
            frames = b"\6\0" + (0x4000 | len(hello)).to_bytes(2, "big") + hello
            half = len(hello) // 2
            parts = [
                b"\6" + (0x4000 | at).to_bytes(2, "big") + (0x4000 | len(part)).to_bytes(2, "big") + part
                for at, part in ((half, hello[half:]), (0, hello[:half]))
            ]
            for packets in ([frames], parts, [b"\1\0\0" + parts[0] + b"\0" + parts[1]]):
                yield version + b"".join(b"\0" + len(one).to_bytes(2, "big") + one for one in packets)


TARGETS = (Target("datagrams", check, _dialogues), Target("quic_initial", check_sealed, _sealed))
