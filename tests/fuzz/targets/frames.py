"""Link layers, tunnels and IP: a capture of any link type with any frames in it."""

import seeds
from enricher.sensor.link import LINKS
from targets._packets import ETHERNET, pcap
from targets._sensor import check_capture
from targets._target import Script, Target

_NUMBERS = sorted({*LINKS, 9999})


def check(data):
    script = Script(data)
    link = _NUMBERS[script.number(1) % len(_NUMBERS)]
    frames = []
    while script:
        frames.append(script.blob())
    check_capture(pcap(frames, link))


def _seeds():
    ethernet = bytes([_NUMBERS.index(ETHERNET)])
    for frames in seeds.conversations():
        yield ethernet + b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)[:4000]
    for link, frames in seeds.layers().items():
        if link in _NUMBERS:
            for frame in frames:
                yield bytes([_NUMBERS.index(link)]) + len(frame).to_bytes(2, "big") + frame


TARGETS = (Target("frames", check, _seeds),)
