"""One sink's own thread and queue, so that a slow or dead sink keeps no other waiting."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from enricher.model.verdict import Notice
from enricher.service.delivery.courier import Courier
from enricher.service.delivery.writer import Clock


class Batching(NamedTuple):
    """When a batch is full, and how much may wait for one."""

    most: int
    seconds: float
    queue: int


class Lane:
    """Notices go in at one end; a thread takes them in batches to the courier."""

    def __init__(self, courier: Courier, batching: Batching, clock: Clock) -> None:
        self.courier = courier
        self._batching = batching
        self._clock = clock
        self._queue: deque[tuple[Notice, float]] = deque()
        self._changed = threading.Condition()
        self._hurry = threading.Event()
        self._busy = False
        self._flushing = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"sink {courier.name}", daemon=True)
        self._thread.start()

    def offer(self, notices: Sequence[Notice]) -> Sequence[Notice]:
        """Take what there is room for; what there was none for comes back."""
        with self._changed:
            room = max(0, self._batching.queue - len(self._queue))
            now = self._clock.monotonic()
            taken = notices[:room]
            self._queue += [(notice, now) for notice in taken]
            self.courier.statistics.given += len(taken)
            self._changed.notify_all()
            return notices[room:]

    def put(self, notices: Sequence[Notice]) -> None:
        """Take all, as room comes. To a sink that is given up on nothing waits: it becomes dead letters."""
        while notices := self.offer(notices):
            with self._changed:
                self._changed.wait_for(self._has_room_or_is_down)
                if not self._full():
                    continue
            self.courier.statistics.given += len(notices)
            self.courier.bury(notices, "the queue of a sink that is away is full")
            return

    def flush(self) -> None:
        """From now on no batch waits to be full, until all is done."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()

    def wait(self, seconds: float | None) -> bool:
        """Wait until nothing is left to do; False: it was not by then."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, seconds)

    def hurry(self) -> None:
        """Finish the try that is under way; what is not delivered then is a dead letter."""
        self._hurry.set()

    def calm(self) -> None:
        """All is done: back to usual."""
        self._hurry.clear()
        with self._changed:
            self._flushing = False

    def close(self) -> None:
        """End the thread, and hang up. What was not flushed becomes dead letters."""
        self.hurry()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self.courier.close()

    def _full(self) -> bool:
        return len(self._queue) >= self._batching.queue

    def _has_room_or_is_down(self) -> bool:
        return not self._full() or self.courier.down

    def _run(self) -> None:
        while batch := self._next():
            if self._hurry.is_set():
                self.courier.bury(batch, "there was no time left to send it")
            else:
                self.courier.deliver(batch, self._hurry.wait)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> list[Notice]:
        """Wait for a batch: full, or old enough, or asked for. Empty: closed."""
        with self._changed:
            while not self._ready():
                if self._closed and not self._queue:
                    return []
                self._changed.wait(self._patience())
            count = min(len(self._queue), self._batching.most)
            batch = [self._queue.popleft()[0] for _ in range(count)]
            self._busy = True
            self._changed.notify_all()
            return batch

    def _ready(self) -> bool:
        if not self._queue:
            return False
        full = len(self._queue) >= self._batching.most
        return full or self._flushing or self._closed or self._patience() == 0.0

    def _patience(self) -> float | None:
        """Seconds until the oldest notice has waited long enough; None: there is none."""
        if not self._queue:
            return None
        return max(0.0, self._queue[0][1] + self._batching.seconds - self._clock.monotonic())
