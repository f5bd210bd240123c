"""One worker's round, in the order that loses nothing.

Records stored, sessions judged, sinks flushed, state durable; who calls then moves the position on. A round that is cut
off anywhere is done again, from the same records: records and state are sets and last values, so that doing a part
twice changes nothing, and what was told twice was told with the same ids.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Final, Protocol

from enricher.errors import DeliveryError
from enricher.join.live import LiveJoin
from enricher.join.live_keys import Bucket
from enricher.model.record import Record
from enricher.model.verdict import Notice
from enricher.service.delivery.delivery import Report
from enricher.service.engine import Engine
from enricher.service.live.ledger import Booked, Ledger
from enricher.service.live.telling import GROUPS, Round

_PAGE: Final = 512

Batches = Sequence[tuple[str, Sequence[Record]]]
"""Records by the name of their source."""


class Outlet(Protocol):
    """Where notices go; `delivery.Delivery` is one."""

    def put(self, notices: Sequence[Notice]) -> None:
        """Give notices."""

    def flush(self, deadline: float | None = None) -> Report:
        """Return when all that was given is settled."""

    def report(self) -> Report:
        """How it stands now."""


class Worker:
    """Does rounds."""

    def __init__(
        self, engine: Engine, join: LiveJoin, outlet: Outlet, ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self.engine = engine
        self._join = join
        self._outlet = outlet
        self._ledger = ledger
        self._clock = clock
        self.told: Counter[str] = Counter()
        """Rows written, by disposition; `notices`: notices given to the sinks."""

    def round(self, batches: Batches = (), positions: Mapping[str, bytes] | None = None) -> None:
        """Take records and tell what they, or the time, brought.

        Args:
            batches: new records.
            positions: how far their sources are with them, for sources whose position we keep.

        Raises:
            StoreError, OutputError, DeliveryError: do it again, with the same records.
        """
        now = self._clock()
        changes = self._join.changes(now)
        touched = self._join.take(batches, now, changes)
        due = self._join.due(now)
        this = Round(self.engine, self._join, changes, now)
        changed = this.judge(touched | due)
        notices = this.make(this.choose(changed, self._join.untold(now, GROUPS)))
        rows = this.rows()
        for bucket in due - this.buckets:
            changes.forget(bucket)
        for source, position in (positions or {}).items():
            changes.position(source, position)
        self._tell(this, rows, notices)
        self._join.commit(changes)

    def drain(self) -> None:
        """Tell everything as it stands: nothing more will come.

        Raises:
            StoreError, OutputError, DeliveryError: do it again.
        """
        buckets = sorted(self._join.open())
        now = self._clock()
        self._join.forget()
        for page in _pages(buckets):  # what any bucket tells of clocks is known before any is judged for good
            changes = self._join.changes(now)
            self._join.look(page, now, changes)
            self._join.commit(changes)
        self._join.forget()
        for page in _pages(buckets):
            changes = self._join.changes(now)
            this = Round(self.engine, self._join, changes, now, everything=True)
            this.postpone(this.judge(page))
            self._tell(this, this.rows(), [])
            self._join.commit(changes)
        while due := self._join.untold(inf, GROUPS):
            changes = self._join.changes(now)
            this = Round(self.engine, self._join, changes, now, everything=True)
            notices = this.make(this.choose(set(), due))
            self._tell(this, this.rows(), notices)
            self._join.commit(changes)

    def _tell(self, this: Round, rows: Sequence[Booked], notices: Sequence[Notice]) -> None:
        self._join.announce(this.announcement)
        self._ledger.append(rows)
        if notices:
            lost = self._outlet.report().lost
            self._outlet.put(notices)
            if self._outlet.flush().lost > lost:
                raise DeliveryError("notices are neither delivered nor dead letters", "see the sinks and the disk")
        self.told.update(row.disposition for row in rows)
        self.told["notices"] += len(notices)


def _pages(buckets: Sequence[Bucket]) -> Iterator[Iterable[Bucket]]:
    return (buckets[start : start + _PAGE] for start in range(0, len(buckets), _PAGE))
