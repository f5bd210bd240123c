"""What the records say about each host: its names, what it reports, how wrong its clocks are. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from enricher.join.clocks import UNKNOWN, Offsets, Sample, densest, module_offset
from enricher.join.identity import canonical_names, shared_names
from enricher.join.settings import JoinSettings
from enricher.model.session import Clock, Coverage

_REPORTS: Final = {
    "ProcessStart": "process_start",
    "ModuleLoad": "module_load",
    "NetworkConnect": "network_connect",
    "ProcessTamper": "process_tamper",
}
"""Kind of event → field of Coverage. ProcessEnd proves nothing that a session needs."""


class HostReport(msgspec.Struct, frozen=True, kw_only=True):
    """One host as the endpoint logs show it, for the ledger."""

    host: str
    names: tuple[str, ...]
    """All names under which it reports, sorted."""
    coverage: Coverage
    clocks: dict[str, Clock]
    """Network-event clocks by domain (`sysmon:3`), over all samples."""
    module_clock: Clock


class Hosts:
    """Everything learned about hosts before sessions are matched."""

    def __init__(
        self,
        seen: Iterable[tuple[str, str, str, str]],
        guids: Iterable[Mapping[str, AbstractSet[str]]],
        settings: JoinSettings,
    ) -> None:
        """From what the store lists.

        Args:
            seen: name, kind of event, clock domain, machine part of the ProcessGuid.
            guids: for each machine that several names report: guid → names.
            settings: how clocks are judged.
        """
        machines: defaultdict[str, set[str]] = defaultdict(set)
        kinds: defaultdict[str, set[str]] = defaultdict(set)
        clocks: defaultdict[str, set[str]] = defaultdict(set)
        for name, kind, clock, machine in seen:
            machines[name].update({machine} - {""})
            kinds[name].add(kind)
            if kind == "NetworkConnect":
                clocks[name].add(clock)
        shared = {pair for by_guid in guids for pair in shared_names(by_guid)}
        pairs = sorted(pair for pair in shared if machines.keys() >= set(pair))  # others came while we read
        self._canonical = canonical_names(machines, pairs)
        self._settings = settings
        self._names: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(machines):
            self._names[self._canonical[name]].append(name)
        self._coverage = {
            host: Coverage(**{_REPORTS[kind]: True for name in names for kind in kinds[name] if kind in _REPORTS})
            for host, names in self._names.items()
        }
        self._network_clocks = {
            host: sorted({c for n in names for c in clocks[n]}) for host, names in self._names.items()
        }
        self._offsets: dict[tuple[str, str], Offsets] = {}
        self._module_clocks: dict[str, Clock] = {}

    def canonical(self, name: str) -> str:
        """The canonical name of the host with this name."""
        return self._canonical.get(name, name)

    def names(self, host: str) -> list[str]:
        """All names of a host, given its canonical one."""
        return self._names.get(host, [host])

    def coverage(self, host: str) -> Coverage:
        """Which kinds of event the host reported."""
        return self._coverage.get(host, Coverage())

    @property
    def mute(self) -> int:
        """How many hosts report no connections, so that their addresses are unknown."""
        return sum(not coverage.network_connect for coverage in self._coverage.values())

    def learn(
        self,
        certain: Mapping[tuple[str, str], list[Sample]],
        probable: Mapping[tuple[str, str], list[Sample]],
        module_deltas: Mapping[str, list[float]],
    ) -> None:
        """Take the samples of each (host, clock), and for each host session minus library load of some processes."""
        s = self._settings
        for key in certain.keys() | probable.keys():
            samples, sure = certain.get(key, []), True
            if not samples:
                samples, sure = densest(probable.get(key, []), s.clock_agreement), False
            self._offsets[key] = Offsets(
                samples, neighbours=s.clock_neighbours, agreement=s.clock_agreement, certain=sure
            )
        for host, deltas in module_deltas.items():
            self._module_clocks[host] = module_offset(deltas, s.library_window)

    def network_clock(self, host: str, clock: str, network_ts: float) -> Clock:
        """The offset of one network-event clock around a session's time."""
        offsets = self._offsets_of(host, clock)
        return offsets.around(network_ts) if offsets else UNKNOWN

    def _offsets_of(self, host: str, clock: str) -> Offsets | None:
        """The clock's own samples, else those of another event of the product: binds (5158) never have any."""
        product = clock.partition(":")[0]
        alike = [c for c in self._network_clocks.get(host, ()) if c.partition(":")[0] == product]
        return next((self._offsets[host, c] for c in (clock, *alike) if (host, c) in self._offsets), None)

    def best_network_clock(self, host: str, network_ts: float) -> Clock:
        """The offset of the host's network-event clock with most samples around a time."""
        clocks = [self.network_clock(host, clock, network_ts) for clock in self._network_clocks.get(host, ())]
        return max(clocks, key=lambda c: c.samples, default=UNKNOWN)

    def to_network(self, host: str, clock: str, event_ts: float) -> tuple[float, bool]:
        """A record's time in network time, and whether the offset is known; if not, the time is as it was."""
        offsets = self._offsets_of(host, clock)
        offset = offsets.at_event(event_ts).offset if offsets else None
        return event_ts + (offset or 0.0), offset is not None

    def module_clock(self, host: str) -> Clock:
        """The offset of the host's clock of process and module events."""
        return self._module_clocks.get(host, UNKNOWN)

    def report(self) -> tuple[HostReport, ...]:
        """All hosts by name."""
        return tuple(
            HostReport(
                host=host,
                names=tuple(self._names[host]),
                coverage=self._coverage[host],
                clocks={
                    clock: offsets.overall() if (offsets := self._offsets.get((host, clock))) else UNKNOWN
                    for clock in self._network_clocks[host]
                },
                module_clock=self.module_clock(host),
            )
            for host in sorted(self._names)
        )
