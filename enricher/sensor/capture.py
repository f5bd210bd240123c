"""The sensor's wire half: a capture's bytes in, an Observation per TLS, DTLS or QUIC connection out. It judges not."""

import functools
from collections.abc import Iterable

from enricher.model.observation import Observation
from enricher.model.problem import Problem
from enricher.sensor.container import CaptureReader, Layout, Packet, Records, recognise
from enricher.sensor.contract import LOSSES, CertificateReader, Counters, Log, WireSettings
from enricher.sensor.datagram_table import DatagramTable
from enricher.sensor.facts import Observer
from enricher.sensor.flow_table import FlowTable
from enricher.sensor.hellos import Hellos
from enricher.sensor.link import LINKS
from enricher.sensor.negotiation import Negotiation
from enricher.sensor.packet import Network
from enricher.sensor.passover import Passover

__all__ = ["CertificateReader", "Counters", "Sensor", "WireSettings", "recognise"]


class Sensor:
    """Reads one capture.

    An Observation's `ts` is the time of the packet in which the first ClientHello starts, of the first ServerHello
    where the client was not seen; `source` is that packet's frame number. Its `anomalies` stay None.
    `established` is None, where Zeek says F, if the capture ended first, a direction or part of it is missing, or
    memory ran out.
    """

    def __init__(self, name: str, settings: WireSettings, certificates: CertificateReader) -> None:
        self.counters = Counters()
        self._observer = Observer(name, certificates)
        self._log = Log(name, settings.max_problems, self.counters)
        hellos = Hellos()
        self._flows = FlowTable(settings, self.counters, hellos, self._report)
        self._datagrams = DatagramTable(settings, self.counters, hellos, self._report)
        self._network = Network(settings, self.counters, self._flows.segment, self._datagrams.packet)
        self._passover = functools.cache(self._open_link)
        self._reader = CaptureReader(self._taker, self.counters, self._log, self._records)
        self._ready: list[Observation] = []

    @property
    def problems(self) -> list[Problem]:
        """What could not be read, at most `max_problems`."""
        return self._log.problems

    @property
    def skipped(self) -> dict[str, int]:
        """What was left out and may hide a session, by counter; nothing where nothing was."""
        return {name: count for name in LOSSES if (count := getattr(self.counters, name))}

    def feed(self, data: bytes) -> list[Observation]:
        """Take the next bytes of the file, in chunks of any size; give the connections that are over."""
        self._reader.feed(data)
        return self._take()

    def packets(self, link: int, data: bytes, places: Iterable[tuple[float, int, int]]) -> list[Observation]:
        """Take packets that no file holds; give the connections that are over.

        Args:
            link: their LINKTYPE_ number.
            data: holds them.
            places: of each its time, and where in `data` it starts and ends.
        """
        take, counters = self._taker(link), self.counters
        for ts, start, end in places:
            counters.packets += 1
            counters.bytes += end - start
            take(counters.packets, ts, data, start, end)
        return self._take()

    def expire(self, ts: float) -> list[Observation]:
        """It is so late, also where no packet says so: give the connections that have been silent for too long."""
        self._flows.expire(ts)
        self._datagrams.expire(ts)
        return self._take()

    def close(self) -> list[Observation]:
        """End of the capture; give the connections that were still open."""
        self._reader.close()
        self._network.close()
        self._flows.close()
        self._datagrams.close()
        return self._take()

    def _take(self) -> list[Observation]:
        ready, self._ready = self._ready, []
        return ready

    def _open_link(self, number: int) -> Passover | None:
        link = LINKS.get(number)
        if link is None:
            self._log.add(f"link type {number}", "cannot be read", "its packets are left out")
            return None
        return Passover(link, self._flows.halves, self._network.packet, self.counters)

    def _taker(self, link: int) -> Packet:
        passover = self._passover(link)
        return passover.packet if passover is not None else self._unknown

    def _records(self, link: int, layout: Layout) -> Records | None:
        passover = self._passover(link)
        return passover.records(layout) if passover is not None else None

    def _unknown(self, _frame: int, _ts: float, _data: bytes, _start: int, _end: int) -> None:
        self.counters.packets_unknown_link += 1

    def _report(
        self,
        key: bytes,
        originator: int | None,
        negotiation: Negotiation,
        established: bool | None,  # noqa: FBT001
    ) -> None:
        self._ready.append(self._observer.observe(key, originator, negotiation, established))
