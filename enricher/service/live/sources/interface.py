"""A network interface, read by the embedded sensor. Packets do not come again: what a death finds in memory is lost."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from enricher.errors import InputError
from enricher.model.observation import Observation
from enricher.model.problem import Problem
from enricher.sensor.capture import Sensor
from enricher.service.live.sources._source import Source
from enricher.service.live.sources.ring import Ring

_LONGEST: Final = 0.5
"""Seconds that one reading may take."""
_EXPIRE: Final = 5.0
"""Seconds between two looks at who has been silent for too long."""
_TELL: Final = 10.0
"""Seconds between two words about dropped packets."""


class Interface(Source):
    """One interface."""

    def __init__(
        self,
        name: str,
        interface: str,
        sensor: Sensor,
        *,
        buffer_mib: int,
        promiscuous: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is opened before `open` or the first `read`.

        Args:
            name: what messages call it.
            interface: the system's name of it.
            sensor: what reads the packets.
            buffer_mib: packets that wait for us, at most.
            promiscuous: also those for others.
            clock: seconds since 1970, as the kernel stamps packets.
        """
        self.name = name
        self._interface = interface
        self._sensor = sensor
        self._buffer_mib = buffer_mib
        self._promiscuous = promiscuous
        self._clock = clock
        self._ring: Ring | None = None
        self._expire_at = self._tell_at = 0.0
        self._came = self._dropped = self._told = 0

    def open(self) -> None:
        """Begin to listen, while we still may.

        Raises:
            InputError: there is no such interface, or we may not.
        """
        if self._ring is None:
            self._ring = Ring(self._interface, buffer_mib=self._buffer_mib, promiscuous=self._promiscuous)

    def read(self) -> Sequence[Observation]:
        """See `Source`."""
        self.open()
        assert self._ring is not None
        records: list[Observation] = []
        until = time.monotonic() + _LONGEST
        try:
            for block in self._ring.blocks():
                records += self._sensor.packets(self._ring.link, *block)
                if time.monotonic() >= until:
                    break
        except InputError:
            if not records:
                raise
        now = self._clock()
        if not self._expire_at - _EXPIRE <= now < self._expire_at:
            self._expire_at = now + _EXPIRE
            records += self._sensor.expire(now)
        self._count()
        return records

    def lag(self) -> float | None:
        """See `Source`."""
        return float(self._ring.waiting()) if self._ring is not None else None

    def problems(self) -> list[Problem]:
        """See `Source`."""
        now = self._clock()
        if self._dropped == self._told or self._tell_at - _TELL <= now < self._tell_at:
            return []
        self._tell_at = now + _TELL
        lost, self._told = self._dropped - self._told, self._dropped
        advice = "raise buffer_mib, or give the sensor less to read"
        return [
            Problem(where=self._interface, what=f"the kernel dropped {lost} packets: we are too slow", advice=advice)
        ]

    def counts(self) -> Mapping[str, int]:
        """Packets that came, how many of them the kernel dropped, what the sensor left out that may hide a session."""
        return {"packets": self._came, "packets_dropped": self._dropped, **self._sensor.skipped}

    def finish(self) -> Sequence[Observation]:
        """Nothing more is read: the connections that are still open."""
        return self._sensor.close()

    def close(self) -> None:
        """See `Source`."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _count(self) -> None:
        assert self._ring is not None
        came, dropped = self._ring.taken()
        self._came += came
        self._dropped += dropped
