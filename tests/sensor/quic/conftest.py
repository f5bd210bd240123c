"""QUIC packets made on the spot: the sending half of RFC 9001, written against the RFCs and not against our reader."""

import hmac
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from enricher.sensor.quic import QuicReader

V1, V2, DRAFT_29 = 0x1, 0x6B3343CF, 0xFF00001D
SALTS = {
    V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
    DRAFT_29: "afbfec289993d24c9e9786f19c6111e04390a899",
}
TYPES = {"initial": 0, "0-rtt": 1, "handshake": 2, "retry": 3}


def expand(secret, label, size):
    label = b"tls13 " + label
    info = struct.pack(">HB", size, len(label)) + label + b"\0"
    return HKDFExpand(SHA256(), size, info).derive(secret)


class Wire:
    """Builders. `origin` is the connection id from which the keys derive."""

    v1, v2, draft_29 = V1, V2, DRAFT_29
    origin = bytes.fromhex("8394c8f03e515708")
    client_id, server_id = b"client", b"server-1"
    hello = b"\x01\x00\x01\x2c" + bytes(i % 251 for i in range(300))
    answer = b"\x02\x00\x00\x5a" + bytes(90)

    @staticmethod
    def varint(value, size=None):
        size = size or next(s for s in (1, 2, 4, 8) if value < 1 << (8 * s - 2))
        return (value | {1: 0, 2: 1, 4: 2, 8: 3}[size] << (8 * size - 2)).to_bytes(size, "big")

    def crypto(self, offset, data):
        return b"\6" + self.varint(offset) + self.varint(len(data)) + data

    def close(self, code):
        return b"\x1c" + self.varint(code) + self.varint(6) + self.varint(3) + b"why"

    def first(self, kind, version, low=0):
        return 0xC0 | ((TYPES[kind] + (version == V2)) % 4) << 4 | low

    def ids(self, destination, source):
        return bytes([len(destination)]) + destination + bytes([len(source)]) + source

    def protect(self, sender, version, origin, header, number, size, payload):
        """A packet from its header up to the packet number; keys of `sender`, "client in" or "server in"."""
        word = b"quicv2 " if version == V2 else b"quic "
        secret = hmac.digest(bytes.fromhex(SALTS[version]), origin, "sha256")
        secret = expand(secret, sender, 32)
        key, iv, hp = (expand(secret, word + name, n) for name, n in ((b"key", 16), (b"iv", 12), (b"hp", 16)))
        shown = (number & (1 << 8 * size) - 1).to_bytes(size, "big")
        nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
        sealed = AESGCM(key).encrypt(nonce, payload, header + shown)
        mask = Cipher(AES(hp), ECB()).encryptor().update((shown + sealed)[4:20])
        head = bytes([header[0] ^ mask[0] & 0x0F]) + header[1:]
        return head + bytes(a ^ b for a, b in zip(shown, mask[1:], strict=False)) + sealed

    def initial(
        self,
        payload,
        *,
        server=False,
        version=V1,
        origin=None,
        destination=None,
        source=None,
        number=0,
        size=2,
        token=b"",
        pad=0,
    ):
        origin = self.origin if origin is None else origin
        if destination is None:
            destination = self.client_id if server else origin
        if source is None:
            source = self.server_id if server else self.client_id
        payload = payload.ljust(max(pad, 4), b"\0")
        header = bytes([self.first("initial", version, size - 1)]) + version.to_bytes(4, "big")
        header += self.ids(destination, source) + self.varint(len(token)) + token
        header += self.varint(size + len(payload) + 16, 2)
        return self.protect(b"server in" if server else b"client in", version, origin, header, number, size, payload)

    def other(self, kind, *, server=False, version=V1, destination=None, source=None, size=40):
        destination = destination or (self.client_id if server else self.server_id)
        source = source or (self.server_id if server else self.client_id)
        head = bytes([self.first(kind, version)]) + version.to_bytes(4, "big") + self.ids(destination, source)
        return head + self.varint(size) + b"\xaa" * size

    def retry(self, source, *, version=V1, token=b"token"):
        head = bytes([self.first("retry", version)]) + version.to_bytes(4, "big")
        return head + self.ids(self.client_id, source) + token + b"\xbb" * 16

    def negotiation(self, *versions, source=None):
        return (
            b"\xc0"
            + bytes(4)
            + self.ids(self.client_id, source or self.origin)
            + struct.pack(f">{len(versions)}I", *versions)
        )

    def short(self, destination, size=30):
        return b"\x41" + destination + b"\xcc" * size

    def read(self, datagrams, reader=None, limit=1 << 16):
        """What a reader makes of (side, datagram) pairs: bytes of both sides, and the reader."""
        reader = reader or QuicReader(limit)
        read = [b"", b""]
        for frame, (side, datagram) in enumerate(datagrams, 1):
            for index, data, _, _ in reader.feed(side, datagram, float(frame), frame):
                read[index] += data
        return read, reader

    @staticmethod
    def facts(reader):
        """All that a reader tells besides bytes, as it is now."""
        return (
            reader.version,
            reader.client,
            list(reader.handshake),
            list(reader.one_rtt),
            reader.zero_rtt,
            reader.retry,
            reader.version_negotiation,
            list(reader.closes),
            reader.lost,
            list(reader.errors),
            reader.unread,
        )

    def handshake(self, **options):
        """A whole one: both hellos, Handshake packets of both sides, 1-RTT packets of both sides."""
        return [
            (0, self.initial(self.crypto(0, self.hello[:100]), number=0, pad=1150, **options)),
            (0, self.initial(self.crypto(100, self.hello[100:]), number=1, pad=1150, **options)),
            (
                1,
                self.initial(b"\2\1\0\0\0" + self.crypto(0, self.answer), server=True, **options)
                + self.other("handshake", server=True, version=options.get("version", V1)),
            ),
            (
                0,
                self.initial(b"\2\0\0\0\0", number=2, destination=self.server_id, **options)
                + self.other("handshake", version=options.get("version", V1))
                + self.short(self.server_id),
            ),
            (1, self.short(self.client_id)),
        ]


@pytest.fixture(scope="session")
def quic():
    return Wire()
