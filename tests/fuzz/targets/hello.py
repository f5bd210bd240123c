"""Hellos: messages in the clear, and their fingerprints."""

import re

import seeds
from enricher.sensor import fingerprint, handshake
from targets._target import Target

_JA3 = re.compile(r"\d+,[\d-]*,[\d-]*,[\d-]*,[\d-]*")
_JA3S = re.compile(r"\d+,\d+,[\d-]*")
_JA4 = re.compile(r"[tdq](\d\d|s\d|d\d|00)[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")


def check(data):
    kind, body = data[:1], data[1:]
    if kind == b"\2":
        hello = handshake.server_hello(body)
        if hello is not None:
            digest, raw = fingerprint.ja3s(hello)
            assert len(digest) == 32
            assert _JA3S.fullmatch(raw)
    elif kind == b"\x0b":
        chain, _ = handshake.certificates(body)
        assert sum(map(len, chain)) <= len(body)
    else:
        hello = handshake.client_hello(body)
        if hello is not None:
            assert _JA3.fullmatch(fingerprint.ja3(hello)[1])
            for transport in ("tls", "dtls", "quic"):
                assert _JA4.fullmatch(fingerprint.ja4(hello, transport)[0])


def _seeds():
    return [message[:1] + message[4:] for message in seeds.messages()]


TARGETS = (Target("hello", check, _seeds),)
