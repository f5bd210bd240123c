"""TLS and what may come before it: the bytes of two sides over a sound TCP connection, however they are segmented."""

import msgspec

import seeds
from targets._packets import pcap, tcp
from targets._sensor import check_capture, sense
from targets._target import Script, Target, pieces

_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16
_PLACES = ("ts", "uid", "source", "handshake_error", "certificate_error")
"""What tells frames and their times."""


def check(data):
    script = Script(data)
    messages = []
    while script:
        messages.append((script.number(1) & 1, script.blob()))
    found = check_capture(conversation(messages, lambda payload: [payload]))
    segmented = (pieces, twice)[len(data) % 2]
    again, _, _ = sense([conversation(messages, segmented)])
    assert facts(again) == facts(found)


def conversation(messages, segmented):
    """A capture of the connection, each message in segments."""
    at = [1, 1]
    frames = [tcp(0, 0, _SYN), tcp(1, 0, _SYN | _ACK)]
    for side, payload in messages:
        end = at[side] + len(payload)
        for segment in segmented(payload):
            pushed = _PSH * (at[side] + len(segment) == end)
            frames.append(tcp(side, at[side], _ACK | pushed, segment))
            if segmented is twice:
                frames.append(frames[-1])
            at[side] += len(segment)
    return pcap([*frames, tcp(0, at[0], _FIN | _ACK), tcp(1, at[1], _FIN | _ACK)])


def twice(payload):
    """As it is, and each segment retransmitted."""
    return [payload]


def facts(observations):
    """What must not depend on segmentation."""
    return [
        {name: value for name, value in msgspec.structs.asdict(observation).items() if name not in _PLACES}
        for observation in observations
    ]


def _seeds():
    for messages in seeds.tls_streams():
        yield b"".join(bytes([side]) + len(payload).to_bytes(2, "big") + payload for side, payload in messages)


TARGETS = (Target("tls", check, _seeds),)
