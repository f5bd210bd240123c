"""Handshake messages in the clear: hellos with their fingerprints, certificates in all their forms."""

import re
import zlib

import seeds
from enricher.sensor import fingerprint, handshake
from enricher.sensor.certificate_message import certificates, decompress, key_facts
from enricher.sensor.hellos import Hellos
from targets._target import Target

_JA3 = re.compile(r"\d+,[\d-]*,[\d-]*,[\d-]*,[\d-]*")
_JA3S = re.compile(r"\d+,\d+,[\d-]*")
_JA4 = re.compile(r"[tdq](\d\d|s\d|d\d|00)[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")


def check(data):
    kind, body = data[:1], data[1:]
    if kind == b"\2":
        hello, hellos = handshake.server_hello(body), Hellos()
        assert hellos.server(body) == hellos.server(body) == hello
        if hello is not None:
            digest, raw = fingerprint.ja3s(hello)
            assert len(digest) == 32
            assert _JA3S.fullmatch(raw)
    elif kind == b"\x0b":
        for extensions in ([], [25]):
            message = certificates(body, extensions)
            assert sum(map(len, message.chain)) <= len(body)
            key_facts(message.key or b"")
    elif kind == b"\x19":
        assert len(decompress(body)[0] or b"") <= 1 << 20
    else:
        hello, hellos = handshake.client_hello(body), Hellos()
        assert hellos.client(body) == hellos.client(body) == hello
        if hello is not None:
            assert _JA3.fullmatch(fingerprint.ja3(hello)[1])
            for transport in ("tls", "dtls", "quic"):
                assert _JA4.fullmatch(fingerprint.ja4(hello, transport)[0])


def _seeds():
    for message in seeds.messages():
        yield message[:1] + message[4:]
        if message[:1] == b"\x0b":
            packed = zlib.compress(message[4:])
            yield b"\x19\0\1" + (len(message) - 4).to_bytes(3, "big") + len(packed).to_bytes(3, "big") + packed


TARGETS = (Target("hello", check, _seeds),)
