"""Notices to all sinks at once, and the moment at which all of them are settled.

A caller that must lose nothing does: `put`, then `flush`, then makes its own state durable, then its position. What
was settled before a crash is sent again after it, with the same ids.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, Self

import msgspec

from enricher.errors import DeliveryError
from enricher.model.verdict import Notice
from enricher.service.delivery.courier import Courier, Statistics
from enricher.service.delivery.dead_letters import DeadLetters
from enricher.service.delivery.lane import Batching, Lane
from enricher.service.delivery.writer import Clock, Writer
from enricher.service.inputs import why
from enricher.sinks.encoding import Origin
from enricher.sinks.settings import Sink, label

_BEAT: Final = 2.0
_AT_ONCE: Final = 500
"""Dead letters sent again together."""

Told = tuple[str, int]
"""Id and revision of a notice."""


class Report(msgspec.Struct, frozen=True):
    """How it stands with each sink, by its name, since the beginning."""

    sinks: dict[str, Statistics]

    @property
    def lost(self) -> int:
        """Notices that are neither with a sink nor in the dead-letter file: the position must not move on."""
        return sum(each.lost for each in self.sinks.values())


class _Letter(msgspec.Struct):
    sink: str
    notice: Notice


_read = msgspec.json.Decoder(_Letter).decode


class Delivery:
    """Several sinks, each with a thread of its own."""

    def __init__(self, sinks: Sequence[tuple[Sink, Writer]], dead: DeadLetters, origin: Origin, clock: Clock) -> None:
        self._dead = dead
        self._clock = clock
        self._lanes = [
            Lane(
                Courier(label(sink, at), writer, sink.retry_seconds, origin, dead, clock),
                Batching(sink.batch, sink.batch_seconds, sink.queue),
                clock,
            )
            for at, (sink, writer) in enumerate(sinks)
        ]
        self._given: set[Told] = set()
        """Since the last flush."""
        self._settled: dict[Lane, set[Told]] = {lane: set() for lane in self._lanes}
        """What each sink has, as long as another lost something: all that is given again then."""
        self._lost = dict.fromkeys(self._lanes, 0)
        """What each sink had lost at the last flush."""

    def put(self, notices: Sequence[Notice]) -> None:
        """Give notices to every sink. Waits only for one whose queue is full, after all others have theirs.

        What was lost by one sink is to be given again; it does not go to those that have it.
        """
        self._given.update(map(_told, notices))
        left = [
            (lane, lane.offer([notice for notice in notices if _told(notice) not in has] if has else notices))
            for lane, has in self._settled.items()
        ]
        for lane, rest in left:
            lane.put(rest)

    def flush(self, deadline: float | None = None, beat: Callable[[], None] = lambda: None) -> Report:
        """Return when everything given is delivered, a dead letter, or counted as lost.

        Args:
            deadline: by the monotonic clock; what is not delivered by then becomes a dead letter after the try that
                is under way, so that a sink's timeout may pass yet. None: no other end than each sink's
                `retry_seconds`.
            beat: called every few seconds while it lasts.
        """
        for lane in self._lanes:
            lane.flush()
        for lane in self._lanes:
            if deadline is not None and not lane.wait(max(0.0, deadline - self._clock.monotonic())):
                lane.hurry()
        for lane in self._lanes:
            while not lane.wait(_BEAT):
                beat()
            lane.calm()
        lost = {lane: lane.courier.statistics.lost for lane in self._lanes}
        for lane, has in self._settled.items():
            if lost == self._lost:
                has.clear()
            elif lost[lane] == self._lost[lane]:
                has.update(self._given)
        self._lost = lost
        self._given.clear()
        return self.report()

    def again(self, beat: Callable[[], None] = lambda: None) -> None:
        """Send dead letters again, each to the sink that did not take it; nothing else may be under way.

        What it does not take is one again. So is, untried, what else is for a sink that is still away, or for none that
        there is. `beat` is called every few seconds.

        Raises:
            DeliveryError: not all could be kept; what is set aside comes first at the next time.
        """
        before = self.report().lost
        try:
            for aside in self._dead.aside():
                away: set[str] = set()
                with aside.open("rb") as lines:
                    while part := list(islice(lines, _AT_ONCE)):
                        self._dead.put_back(self._resend(part, away, beat))
                if self.report().lost > before:
                    raise DeliveryError(f"{aside}: not all of them can be kept again", "see the disk and the limit")
                aside.unlink()
        except OSError as error:
            raise DeliveryError(f"dead letters: {why(error)}", "see the disk and the folder's rights") from error

    def _resend(self, lines: Iterable[bytes], away: set[str], beat: Callable[[], None]) -> list[bytes]:
        """Lines that nobody was tried for; sinks that are found to be away are added to `away`."""
        lanes = {lane.courier.name: lane for lane in self._lanes}
        left: list[bytes] = []
        sent: dict[str, list[Notice]] = defaultdict(list)
        for line in lines:
            try:
                letter = _read(line)
            except (msgspec.MsgspecError, ValueError):
                left.append(line)
                continue
            if letter.sink in away or letter.sink not in lanes:
                left.append(line)
            else:
                sent[letter.sink].append(letter.notice)
        for name, notices in sent.items():
            lanes[name].put(notices)
        self.flush(beat=beat)
        away |= {name for name in sent if lanes[name].courier.down}
        return left

    def report(self) -> Report:
        """How it stands now."""
        sinks = {lane.courier.name: msgspec.structs.replace(lane.courier.statistics) for lane in self._lanes}
        return Report(sinks)

    def close(self) -> None:
        """Hang up. What was not flushed becomes dead letters."""
        closing = [threading.Thread(target=lane.close) for lane in self._lanes]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()
        self._dead.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _told(notice: Notice) -> Told:
    return notice.id, notice.revision
