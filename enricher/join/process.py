"""One process out of everything that was reported under its pid. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from enricher.join.codec import encode
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart, ProcessTamper
from enricher.model.library import file_name, tier
from enricher.model.session import Library, Parent, Process, Tamper

ProcessEvent = ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper
T = TypeVar("T")
E = TypeVar("E", bound=ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper)

_SAME_START: Final = 2.0
"""Seconds between two products' records of one process creation (ProcessGuid holds whole seconds)."""

_VOLUME: Final = re.compile(r"^(?:[a-z]:|\\device\\harddiskvolume\d+|\\\\\?\\[a-z]:)(?=\\)")


class Life(NamedTuple):
    """One process that had a pid on a host; `start` and `end` by the endpoint's clock of process events."""

    guid: str | None
    pid: int | None
    start: float | None
    end: float | None
    events: tuple[ProcessEvent, ...]

    def image(self) -> str | None:
        """The path of its program, if any event has it."""
        return _first(*(e.image for e in self.events))


def guid_start(guid: str | None) -> float | None:
    """When the process started: second and third group of its ProcessGuid, seconds in hex, low half first."""
    groups = (guid or "").split("-")
    if len(groups) != 5 or len(groups[1]) != 4 or len(groups[2]) != 4:
        return None
    try:
        return float(int(groups[2] + groups[1], 16)) or None
    except ValueError:
        return None


def same_image(a: str | None, b: str | None) -> bool:
    """Whether two paths can be one program: unknown ones can; NT and DOS volumes and short names are looked through."""
    if a is None or b is None:
        return True
    a, b = a.lower(), b.lower()
    name_a, name_b = file_name(a), file_name(b)
    if "~" in name_a or "~" in name_b:
        return name_a.partition("~")[0][:6] == name_b.partition("~")[0][:6]
    if name_a != name_b:
        return False
    tail_a, cut_a = _VOLUME.subn("", a)
    tail_b, cut_b = _VOLUME.subn("", b)
    return not (cut_a and cut_b) or "~" in tail_a + tail_b or tail_a == tail_b


def lives(events: Iterable[ProcessEvent]) -> list[Life]:
    """The processes that had one pid on one host, in order of start.

    Events with a ProcessGuid are of that process. Of those without, a creation record is of the process with a guid
    that started within two seconds, else of another; the rest are of the latest process that had started.
    """
    by_guid: defaultdict[str, list[ProcessEvent]] = defaultdict(list)
    loose: list[ProcessEvent] = []
    for event in sorted(events, key=lambda e: (e.ts, encode(e))):
        if event.guid:
            by_guid[event.guid].append(event)
        else:
            loose.append(event)
    found = [(_start(guid, mine), guid, mine) for guid, mine in by_guid.items()]
    anonymous: list[tuple[float | None, str | None, list[ProcessEvent]]] = []
    for event in loose:
        if isinstance(event, ProcessStart):
            twin = [mine for start, _, mine in found if start is not None and _twins(event, start, mine)]
            if len(twin) == 1:
                twin[0].append(event)
            else:
                anonymous.append((event.ts, None, [event]))
    everyone = [*found, *anonymous]
    for event in loose:
        if not isinstance(event, ProcessStart):
            before = [life for life in everyone if life[0] is None or life[0] <= event.ts + _SAME_START]
            if not before:
                before = [(None, None, [])]
                everyone.extend(before)
            max(before, key=lambda life: (life[0] or float("-inf"), life[1] or ""))[2].append(event)
    return sorted((_life(start, guid, mine) for start, guid, mine in everyone), key=_order)


def _order(life: Life) -> tuple[float, str, float]:
    return life.start or float("-inf"), life.guid or "", life.end or float("inf")


def _twins(event: ProcessStart, start: float, events: Sequence[ProcessEvent]) -> bool:
    return abs(event.ts - start) <= _SAME_START and all(same_image(event.image, e.image) for e in events)


def _start(guid: str, events: Sequence[ProcessEvent]) -> float | None:
    starts = [e.ts for e in events if isinstance(e, ProcessStart)]
    return min(starts) if starts else guid_start(guid)


def _life(start: float | None, guid: str | None, events: Sequence[ProcessEvent]) -> Life:
    ends = [e.ts for e in events if isinstance(e, ProcessEnd)]
    pids = [e.pid for e in events if e.pid is not None]
    return Life(guid, min(pids, default=None), start, max(ends, default=None), tuple(events))


def assemble(life: Life, connect: NetworkConnect | None = None) -> Process:
    """All that is known of one process.

    Where creation was reported more than once, the record with a ProcessGuid and most facts is asked first. The signer
    comes only from the load of the process's own image.
    """
    starts = _ranked(life.events, ProcessStart)
    image = _first(*(e.image for e in starts), life.image(), connect.image if connect else None)
    loads = [e for e in life.events if isinstance(e, ModuleLoad)]
    own = _ranked((e for e in loads if image is not None and e.image_loaded.lower() == image.lower()), ModuleLoad)
    signer = own[0] if own else None
    start = starts[0] if starts else None
    return Process(
        guid=life.guid,
        pid=_first(life.pid, connect.pid if connect else None),
        image=image,
        user=_first(*(e.user for e in starts), *(e.user for e in life.events), connect.user if connect else None),
        command_line=_first(*(e.command_line for e in starts)),
        parent=_parent(starts),
        hashes=_first(*(e.hashes for e in starts), *(e.hashes for e in own)),
        original_file_name=_first(*(e.original_file_name for e in starts), *(e.original_file_name for e in own)),
        company=_first(*(e.company for e in starts), *(e.company for e in own)),
        integrity_level=_first(*(e.integrity_level for e in starts)),
        signed=signer.signed if signer else None,
        signer=signer.signature if signer else None,
        signature_status=signer.signature_status if signer else None,
        start=start.ts if start else life.start,
        end=life.end,
        start_source=start.source if start else None,
        libraries=_libraries(loads, image),
        tampers=_tampers(life.events),
    )


def _ranked(events: Iterable[ProcessEvent], kind: type[E]) -> list[E]:
    """Events of a kind: those with a guid first, then those with most facts, then by their bytes."""
    mine = [e for e in events if isinstance(e, kind)]
    return sorted(mine, key=lambda e: (e.guid is None, -_known(e), encode(e)))


def _known(event: ProcessEvent) -> int:
    return sum(getattr(event, name) is not None for name in event.__struct_fields__)


def _first(*values: T | None) -> T | None:
    """The first value that is known."""
    return next((value for value in values if value is not None), None)


def _parent(starts: Sequence[ProcessStart]) -> Parent | None:
    parent = Parent(
        guid=_first(*(e.parent_guid for e in starts)),
        pid=_first(*(e.parent_pid for e in starts)),
        image=_first(*(e.parent_image for e in starts)),
        command_line=_first(*(e.parent_command_line for e in starts)),
    )
    return None if parent == Parent() else parent


def _libraries(loads: Iterable[ModuleLoad], image: str | None) -> tuple[Library, ...]:
    """TLS and crypto modules, each path once, as first loaded."""
    first: dict[str, Library] = {}
    for e in sorted(loads, key=lambda e: (e.ts, e.source or "", encode(e))):
        path = e.image_loaded.lower()
        kind = tier(e.image_loaded)
        if kind is None or path in first or (image is not None and path == image.lower()):
            continue
        first[path] = Library(
            name=file_name(e.image_loaded),
            path=e.image_loaded,
            tier=kind,
            ts=e.ts,
            signed=e.signed,
            signer=e.signature,
            source=e.source,
        )
    return tuple(sorted(first.values(), key=lambda lib: (lib.ts, lib.path)))


def _tampers(events: Iterable[ProcessEvent]) -> tuple[Tamper, ...]:
    """Injections, each once, even where two logs tell of it."""
    found: dict[tuple[object, ...], Tamper] = {}
    for e in sorted((e for e in events if isinstance(e, ProcessTamper)), key=lambda e: (e.ts, encode(e))):
        tamper = Tamper(
            ts=e.ts,
            technique=e.technique,
            actor_guid=e.actor_guid,
            actor_pid=e.actor_pid,
            actor_image=e.actor_image,
            detail=e.detail,
            source=e.source,
        )
        found.setdefault(msgspec.structs.astuple(tamper)[:-1], tamper)
    return tuple(found.values())
