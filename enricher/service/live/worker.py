"""One worker's round, in the order that loses nothing.

Records stored, sessions judged, sinks flushed, state durable; who calls then moves the position on. Other workers may
be at the same: what one of them holds has its turn when that one is done with it. A round that is cut off anywhere is
done again, from the same records: records and state are sets and last values, so that doing a part twice changes
nothing, and what was told twice was told with the same ids.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Final, Protocol

from enricher.errors import DeliveryError
from enricher.join.changes import Changes
from enricher.join.live import LiveJoin
from enricher.join.live_keys import Bucket
from enricher.join.touch import bucket_of
from enricher.model.observation import Observation
from enricher.model.record import Record
from enricher.model.verdict import Notice
from enricher.service.delivery.delivery import Report
from enricher.service.engine import Engine
from enricher.service.live.ledger import Booked, Ledger
from enricher.service.live.telling import GROUPS, Round

_TURN: Final = 1024
"""Buckets that are held, and told of, together."""

_SHORT: Final = 256
"""The same of those that only the time brings: another worker may have something new for one of them."""

_MOMENT: Final = 0.05
"""Seconds until we ask again for what another worker is at."""

Batches = Sequence[tuple[str, Sequence[Record]]]
"""Records by the name of their source."""


class Outlet(Protocol):
    """Where notices go; `delivery.Delivery` is one."""

    def put(self, notices: Sequence[Notice]) -> None:
        """Give notices."""

    def flush(self, deadline: float | None = None, beat: Callable[[], None] = lambda: None) -> Report:
        """Return when all that was given is settled."""

    def report(self) -> Report:
        """How it stands now."""


class Worker:
    """Does rounds."""

    def __init__(
        self,
        engine: Engine,
        join: LiveJoin,
        outlet: Outlet,
        ledger: Ledger,
        clock: Callable[[], float],
        told: Callable[[Sequence[Booked], Sequence[Notice]], None] = lambda _rows, _notices: None,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        """`told` hears of rows and notices once they are safe, `alive` while sinks or other workers are waited for."""
        self.engine = engine
        self._join = join
        self._outlet = outlet
        self._ledger = ledger
        self._clock = clock
        self._told = told
        self._alive = alive

    def round(self, batches: Batches = (), positions: Mapping[str, bytes] | None = None) -> None:
        """Take records and tell what they, or the time, brought.

        Args:
            batches: new records.
            positions: how far their sources are with them, for sources whose position we keep.

        Raises:
            StoreError, OutputError, DeliveryError: do it again, with the same records.
        """
        now = self._clock()
        arrived = self._join.changes(now)
        touched = self._join.take(batches, now, arrived) | self._join.later(now, arrived)
        for buckets in self._turns(self._ordered(touched, batches), self._join.due(now)):
            changes = self._join.changes(now)
            this = Round(self.engine, self._join, changes, now)
            changed = this.judge(buckets)
            notices = this.make(this.choose(changed, self._join.notices.due(now, GROUPS)))
            rows = this.rows()
            self._tell(this, rows, notices, changes)
        for source, position in (positions or {}).items():
            arrived.position(source, position)
        self._join.commit(arrived)

    def _ordered(self, touched: set[Bucket], batches: Batches) -> list[Bucket]:
        """Where something is abnormal comes first."""
        if len(touched) <= _TURN:
            return sorted(touched)
        seen = (record for _, records in batches for record in records if isinstance(record, Observation))
        flagged = {bucket_of(each) for each in seen if self.engine.judge(each, None).anomalies}
        return sorted(touched, key=lambda bucket: (bucket not in flagged, bucket))

    def _turns(
        self, touched: Sequence[Bucket], due: frozenset[Bucket] | set[Bucket] = frozenset()
    ) -> Iterator[set[Bucket]]:
        """Buckets to judge, some at a time, all of which are held; at least one time, be it for none.

        Args:
            touched: all of these, in this order.
            due: these as well, as far as no other worker is at them: it judges them just as well.
        """
        rest = list(touched)
        while rest:
            ours = self._join.hold(rest[:_TURN])
            if ours:
                yield ours
                self._join.release()
            if len(ours) < len(rest[:_TURN]):
                time.sleep(_MOMENT)
            rest = [bucket for bucket in rest if bucket not in ours]
            self._alive()
        waiting = sorted(due.difference(touched))
        for start in range(0, len(waiting) if waiting or touched else 1, _SHORT):
            yield self._join.hold(waiting[start : start + _SHORT])
            self._join.release()

    def drain(self) -> None:
        """Tell everything as it stands: nothing more will come.

        Raises:
            StoreError, OutputError, DeliveryError: do it again.
        """
        now = self._clock()
        later = self._join.changes(now)
        buckets = sorted(self._join.open() | self._join.later(inf, later))
        self._join.forget()
        for page in self._turns(buckets):  # what any bucket tells of clocks is known before any is judged for good
            changes = self._join.changes(now)
            self._join.look(page, now, changes)
            self._join.commit(changes)
        self._join.forget()
        for page in self._turns(buckets):
            changes = self._join.changes(now)
            this = Round(self.engine, self._join, changes, now, everything=True)
            this.postpone(this.judge(page))
            self._tell(this, this.rows(), [], changes)
        self._join.commit(later)
        while due := self._join.notices.due(inf, GROUPS):
            changes = self._join.changes(now)
            this = Round(self.engine, self._join, changes, now, everything=True)
            notices = this.make(chosen := this.choose(set(), due))
            self._tell(this, this.rows(), notices, changes)
            self._join.release()
            if not chosen:
                time.sleep(_MOMENT)

    def _waits(self) -> None:
        self._alive()
        self._join.keep()

    def _tell(self, this: Round, rows: Sequence[Booked], notices: Sequence[Notice], changes: Changes) -> None:
        self._join.keep()
        self._join.announce(this.announcement)
        self._ledger.append(rows)
        if notices:
            lost = self._outlet.report().lost
            self._outlet.put(notices)
            if self._outlet.flush(beat=self._waits).lost > lost:
                raise DeliveryError("notices are neither delivered nor dead letters", "see the sinks and the disk")
        self._join.keep()
        self._join.commit(changes)
        self._told(rows, notices)
