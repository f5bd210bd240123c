"""A capture through the whole sensor, with all that it promises of any capture."""

import hashlib
import re
from functools import cache

import jsonschema_rs
import msgspec

from enricher.model.anomaly import ANOMALIES
from enricher.model.observation import Observation
from enricher.model.schema import OUTPUTS, schema
from enricher.sensor.anomalies import judge
from enricher.sensor.capture import Sensor, WireSettings
from enricher.sensor.lists import Lists
from enricher.sensor.thresholds import Thresholds
from enricher.sinks import jsonl
from targets._target import pieces

PRINTABLE = re.compile(r"[ -~]*")
DEFAULT = WireSettings()
TIGHT = WireSettings(
    max_flows=4,
    max_buffered=24_000,
    max_out_of_order=3_000,
    max_message=4_000,
    max_fragments=6_000,
    idle_timeout=5.0,
    max_problems=3,
)
_ONE_STEP = 4_000 + 8 * 4_000 + 70_000
"""Bytes beyond the bound that one packet may bring before it is looked at again: a fresh connection, a parsed hello,
the packet itself."""


@cache
def _schema():
    return jsonschema_rs.validator_for(schema("observation", OUTPUTS["observation"]))


class _Unread:
    """Stands for the room that reads certificates, which has targets of its own."""

    def facts(self, chain, server_name, ts):
        return {"cert_chain_fps": tuple(hashlib.sha256(der).hexdigest() for der in chain)}


def sense(chunks, settings=DEFAULT):
    """Observations, problems and counters of a capture, fed in chunks."""
    sensor = Sensor("fuzz", settings, _Unread())
    found = []
    for chunk in chunks:
        found += sensor.feed(chunk)
        assert buffered(sensor) <= 2 * settings.max_buffered + settings.max_fragments + _ONE_STEP
    found += sensor.close()
    assert buffered(sensor) == 0
    assert len(sensor.problems) <= settings.max_problems
    return found, [str(problem) for problem in sensor.problems], sensor.counters


def buffered(sensor):
    """What the sensor says that it holds."""
    return sensor._flows._buffered + sensor._datagrams.buffered + sensor._network._fragments._held


def check_capture(data):
    """Any capture is read without raising, in bounded memory, and its results can be told."""
    found = sense([data])[0]
    for observation in found:
        check_observation(observation)
    sense(pieces(data), TIGHT)
    return found


def check_observation(observation):
    """It can be judged and written, and what is written meets the published schema."""
    for text in (observation.server_name, observation.next_protocol, observation.handshake_error):
        assert PRINTABLE.fullmatch(text or "")
    judged = judge(observation, Thresholds(), Lists.of(), None)
    assert set(judged.anomalies) <= ANOMALIES.keys()
    line = jsonl.line(judged)
    assert min(line[:-1]) >= 0x20
    assert msgspec.json.decode(line, type=Observation) == judged
    _schema().validate(msgspec.json.decode(line))
