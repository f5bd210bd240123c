"""One connection, one observation, however many sensors saw it. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import takewhile
from operator import attrgetter
from typing import Final

import msgspec

from enricher.join.codec import encode
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation

_SENSORS: Final = {"an1496.log": 0, "embedded": 1}
"""Preferred first among equals: Zeek validates chains as it sees them."""

_OWN: Final = {"uid", "ts", "source", "fingerprint"}
"""What a fact record says of itself."""

_IN_ORDER: Final = attrgetter("ts", "uid", "proto", "orig_h", "orig_p", "resp_h", "resp_p")

Connection = tuple[str, tuple[str, int], tuple[str, int]]
"""Protocol and both sides, the smaller first: the same in either direction."""


def connection(proto: str, a: tuple[str, int], b: tuple[str, int]) -> Connection:
    """The key of a 5-tuple in either direction."""
    return (proto, a, b) if a <= b else (proto, b, a)


def connection_of(o: Observation) -> Connection:
    """The key of an observation's 5-tuple."""
    return connection(o.proto, (o.orig_h, o.orig_p), (o.resp_h, o.resp_p))


def lay_over(o: Observation, facts: Iterable[CertificateRecord | ConnectionRecord]) -> Observation:
    """The observation with its unknown fields filled from fact records; where these disagree, the first (sorted) wins.

    `proto` is filled too: ssl.log has none, so an observation from it only assumes TCP.
    """
    found: dict[str, object] = {}
    for record in sorted(facts, key=encode):
        for name in record.__struct_fields__:
            value = getattr(record, name)
            if name in _OWN or value is None or name in found or name not in o.__struct_fields__:
                continue
            if name == "proto":
                if value in ("tcp", "udp") and o.sensor == "ssl.log":
                    found[name] = value
            elif getattr(o, name) is None:
                found[name] = value
    return msgspec.structs.replace(o, **found) if found else o


def _rank(o: Observation) -> tuple[int, int, bytes]:
    """Most facts first; then the sensor; then anything that is always the same."""
    known = sum(value is not None for value in msgspec.structs.astuple(o))
    return -known, _SENSORS.get(o.sensor, len(_SENSORS)), encode(o)


def _input(o: Observation) -> str:
    """The file that the observation came from (`file:frame`, `file:line`)."""
    return f"{o.sensor} {(o.source or '').rpartition(':')[0]}"


def without_duplicates(observations: Iterable[Observation], window: float) -> list[Observation]:
    """One observation per connection, the one with most facts, sorted by time and uid.

    The same uid on the same 5-tuple is one connection. Different uids are, when different inputs saw the same 5-tuple
    within `window` seconds: the capture twice, or a capture and the logs made from it. One input does not see a
    connection twice: there, two uids are a port that was used again.
    """
    by_tuple: defaultdict[Connection, list[Observation]] = defaultdict(list)
    for o in observations:
        by_tuple[connection_of(o)].append(o)
    kept: list[Observation] = []
    for found in by_tuple.values():
        kept.extend(found if len(found) == 1 else _one_each(found, window))
    return sorted(kept, key=_IN_ORDER)


def _one_each(observations: Iterable[Observation], window: float) -> list[Observation]:
    """The best observation of each connection on one 5-tuple."""
    by_uid: dict[str, Observation] = {}
    for o in sorted(observations, key=_rank):
        by_uid.setdefault(o.uid, o)
    groups: list[list[Observation]] = []
    for o in sorted(by_uid.values(), key=lambda o: (o.ts, o.uid)):
        near = takewhile(lambda group, o=o: o.ts - group[0].ts <= window, reversed(groups))  # type: ignore[misc]
        fitting = [group for group in near if all(_input(o) != _input(other) for other in group)]
        if fitting:
            fitting[-1].append(o)
        else:
            groups.append([o])
    return [min(group, key=_rank) for group in groups]
