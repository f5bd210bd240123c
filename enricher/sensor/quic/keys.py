"""Initial keys: whoever saw the client's first Destination Connection ID has them (RFC 9001 section 5, RFC 9369)."""

import hmac
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from enricher.sensor.quic.header import Packet
from enricher.sensor.quic.versions import Version

_HASH: Final = "sha256"


def expand_label(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label without context (RFC 8446 section 7.1), for at most the 32 bytes of one block."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return hmac.digest(secret, info + b"\1", _HASH)[:size]


class Protection:
    """Header and packet protection of one direction. Cipher contexts are made once."""

    def __init__(self, secret: bytes, label: bytes) -> None:
        self._aead = AESGCM(expand_label(secret, label + b" key", 16))
        self._iv = int.from_bytes(expand_label(secret, label + b" iv", 12), "big")
        self._encrypt = Cipher(AES(expand_label(secret, label + b" hp", 16)), ECB()).encryptor().update  # noqa: S305
        self._largest = -1

    def open(self, datagram: bytes, packet: Packet) -> bytes | None:
        """Frames of a packet that lies in `datagram` whole; None if these are not its keys, or it was altered."""
        at = packet.number
        mask = self._encrypt(datagram[at + 4 : at + 20])
        first = datagram[packet.start] ^ mask[0] & 0x0F
        size = (first & 3) + 1
        truncated = bytes(a ^ b for a, b in zip(datagram[at : at + size], mask[1:], strict=False))
        number = self._whole_number(int.from_bytes(truncated, "big"), 8 * size)
        header = bytes([first]) + datagram[packet.start + 1 : at] + truncated
        nonce = (self._iv ^ number).to_bytes(12, "big")
        try:
            frames = self._aead.decrypt(nonce, datagram[at + size : packet.end], header)
        except InvalidTag:
            return None
        self._largest = max(self._largest, number)
        return frames

    def _whole_number(self, truncated: int, bits: int) -> int:
        """The packet number that ends so and is closest to the one expected next (RFC 9000 appendix A.3)."""
        expected = self._largest + 1
        window = 1 << bits
        number = expected & -window | truncated
        if number <= expected - window // 2:
            return number + window
        return number - window if number > expected + window // 2 and number >= window else number


class InitialKeys:
    """Keys of both directions for one version and one original Destination Connection ID, each made when asked for."""

    def __init__(self, version: Version, destination: bytes) -> None:
        self._secret = hmac.digest(version.salt, destination, _HASH)
        self._label = version.label

    @cached_property
    def client(self) -> Protection:
        """Of what the client sends."""
        return Protection(expand_label(self._secret, b"client in", 32), self._label)

    @cached_property
    def server(self) -> Protection:
        """Of what the server sends."""
        return Protection(expand_label(self._secret, b"server in", 32), self._label)
