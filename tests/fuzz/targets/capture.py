"""Capture files, as they lie on disk."""

import seeds
from enricher.sensor.capture import recognise
from targets._sensor import check_capture, sense
from targets._target import Target, pieces


def check(data):
    recognise(data[:12])
    check_capture(data)
    assert sense(pieces(data)) == sense([data])


TARGETS = (Target("capture", check, seeds.captures, max_len=8192),)
