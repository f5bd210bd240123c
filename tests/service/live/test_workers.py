"""Several workers at once over one store come to what a replay says."""

import random
import threading
import time

import pytest

from enricher.errors import StoreError
from enricher.join.leases import Leases


def together(*works) -> None:
    """Run all at once; their errors are ours."""
    failed = []

    def guarded(work) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def shuffled(live, records, seed) -> None:
    """Take records in small batches, with rounds between."""
    order = random.Random(seed)
    rest = list(records)
    while rest:
        cut = order.randint(1, 6)
        live.take(*rest[:cut], source=live.name)
        rest = rest[cut:]
        live.now += order.choice([0.001, 1.0, 40.0])
        live.worker.round()


@pytest.mark.parametrize("seed", range(8))
def test_workers_that_share_every_connection_end_as_a_replay_does(
    start, make, telling_engine, replay, equal, seed
) -> None:
    records = make.world(seed, 60)
    random.Random(seed).shuffle(records)
    first = start(telling_engine, wait_seconds=30.0, settle_seconds=5e5, repeat_seconds=100.0)
    others = [first.beside(), first.beside()]
    for n, other in enumerate(others, 1):
        other.now += n / 1000  # no two machines' clocks agree
    workers = [first, *others]
    together(*(lambda n=n, w=w: shuffled(w, records[n::3], n) for n, w in enumerate(workers)))
    for worker in workers:
        worker.now = 1_700_020_000.0
    together(*(worker.worker.drain for worker in workers))
    equal(first, replay(telling_engine, records))
    for other in others:
        other.store.close()


def test_what_a_dead_worker_was_at_is_taken_over_when_its_lease_ends(start, make, telling_engine) -> None:
    dead = start(telling_engine, lease_seconds=1.0)
    records = [make.observe(), make.connect()]
    bucket = dead.join.take([("s", records)], dead.now, dead.join.changes(dead.now))
    assert dead.join.hold(bucket) == bucket
    other = dead.beside()
    began = time.monotonic()
    other.take(*records)
    assert time.monotonic() - began >= 0.5
    assert len(other.rows()) == 1
    other.store.close()


def test_a_worker_that_came_back_goes_on_at_once(start, make, telling_engine) -> None:
    live = start(telling_engine)
    records = [make.observe(), make.connect()]
    bucket = live.join.take([("s", records)], live.now, live.join.changes(live.now))
    live.join.hold(bucket)
    live.again()
    began = time.monotonic()
    live.take(*records)
    assert time.monotonic() - began < 5
    assert len(live.rows()) == 1


def test_a_worker_that_was_stopped_for_longer_than_its_lease_tells_nothing(start) -> None:
    live = start()
    now = [0.0]
    leases = Leases(live.store, "a", 30.0, lambda: now[0])
    assert leases.take(["k"]) == {"k"}
    now[0] = 15.0
    leases.keep()
    now[0] = 30.0
    leases.keep()
    now[0] = 55.0
    with pytest.raises(StoreError, match=r"longer than live\.lease_seconds"):
        leases.keep()
    leases.take(["k"])
    live.store._link.run([("DEL", "k")])
    now[0] = 70.0
    with pytest.raises(StoreError, match="gone from the store"):
        leases.keep()


def test_nobody_holds_what_another_holds_until_it_is_released(start) -> None:
    live = start()
    one, two = Leases(live.store, "a", 30.0), Leases(live.store, "b", 30.0)
    assert one.take(["x", "y"]) == {"x", "y"}
    assert two.take(["y", "z"]) == {"z"}
    assert one.take(["z"]) == set()
    one.release()
    assert two.take(["x", "y"]) == {"x", "y"}
    two.release()
