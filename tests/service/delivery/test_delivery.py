"""Several sinks at once, with real threads; who waits for whom is decided by events, not by time."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from enricher.errors import DeliveryError
from enricher.service.delivery.dead_letters import DeadLetters
from enricher.service.delivery.delivery import Delivery
from enricher.service.delivery.writer import Record, Sent, SystemClock, UnavailableError
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import FileSink

PATIENCE = 30.0
"""Seconds after which a test that waits has failed."""


class Gated:
    """A writer that waits at a gate."""

    encoding = ENCODINGS["json"]

    def __init__(self, *, is_open: bool = True) -> None:
        self.gate = threading.Event()
        if is_open:
            self.gate.set()
        self.batches: list[int] = []
        self.got: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.entered = threading.Event()

    def send(self, records: Sequence[Record]) -> Sent:
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        self.batches.append(len(records))
        self.got += [record.notice.id for record in records]
        for _ in records:
            self.arrived.release()
        return Sent()

    def close(self) -> None:
        pass


class Away:
    encoding = ENCODINGS["json"]

    def __init__(self) -> None:
        self.tried = threading.Event()

    def send(self, records: Sequence[Record]) -> Sent:
        self.tried.set()
        raise UnavailableError("nobody there", "look")

    def close(self) -> None:
        pass


def sink(name: str, **changes: Any) -> FileSink:
    return FileSink(path="unused", name=name, **{"retry_seconds": 0.0, "batch_seconds": 0.0, **changes})


@pytest.fixture
def deliver(make: Any, dead: DeadLetters) -> Iterator[Callable[..., Delivery]]:
    made: list[Delivery] = []

    def build(*pairs: Any) -> Delivery:
        made.append(Delivery(pairs, dead, make.origin, SystemClock()))
        return made[-1]

    yield build
    for each in made:
        each.close()


def ids(notices: Sequence[Any]) -> list[str]:
    return [notice.id for notice in notices]


def test_every_sink_gets_every_notice_in_order(make: Any, deliver: Any) -> None:
    writers = Gated(), Gated()
    delivery = deliver((sink("a", batch=7), writers[0]), (sink("b"), writers[1]))
    notices = make.notices(100)
    delivery.put(notices)
    report = delivery.flush()
    assert writers[0].got == writers[1].got == ids(notices)
    assert max(writers[0].batches) == 7
    assert {name: (s.given, s.delivered, s.dead) for name, s in report.sinks.items()} == {
        "a": (100, 100, 0),
        "b": (100, 100, 0),
    }


def test_a_sink_that_hangs_does_not_stop_another(make: Any, deliver: Any) -> None:
    slow, quick = Gated(is_open=False), Gated()
    delivery = deliver((sink("slow"), slow), (sink("quick"), quick))
    delivery.put(make.notices(5))
    assert slow.entered.wait(PATIENCE)
    delivery.put(make.notices(5, 5))
    for _ in range(10):
        assert quick.arrived.acquire(timeout=PATIENCE)
    assert slow.got == []
    slow.gate.set()
    assert delivery.flush().sinks["slow"].delivered == 10


def test_a_dead_sink_ends_in_dead_letters_while_another_delivers(make: Any, deliver: Any, letters: Any) -> None:
    delivery = deliver((sink("dead"), Away()), (sink("alive"), Gated()))
    delivery.put(make.notices(3))
    report = delivery.flush()
    assert (report.sinks["dead"].dead, report.sinks["alive"].delivered, report.lost) == (3, 3, 0)
    assert [(letter["sink"], letter["reason"]) for letter in letters()] == [("dead", "nobody there")] * 3


def test_flush_returns_only_when_all_is_settled(make: Any, deliver: Any) -> None:
    writer = Gated(is_open=False)
    delivery = deliver((sink("a", batch_seconds=3600.0), writer))
    delivery.put(make.notices(2))
    done = threading.Event()
    thread = threading.Thread(target=lambda: (delivery.flush(), done.set()))
    thread.start()
    assert writer.entered.wait(PATIENCE), "a flush does not wait for a batch to be full"
    assert not done.is_set()
    writer.gate.set()
    thread.join(PATIENCE)
    assert done.is_set() and len(writer.got) == 2


def test_a_batch_that_is_not_full_goes_when_it_is_old_enough_and_not_before(make: Any, deliver: Any) -> None:
    soon, never = Gated(), Gated()
    delivery = deliver((sink("soon", batch_seconds=0.05), soon), (sink("never", batch_seconds=3600.0), never))
    delivery.put(make.notices(1))
    assert soon.arrived.acquire(timeout=PATIENCE)
    assert not never.entered.is_set()


def test_a_full_batch_does_not_wait_to_be_old(make: Any, deliver: Any) -> None:
    writer = Gated()
    delivery = deliver((sink("a", batch=3, batch_seconds=3600.0), writer))
    delivery.put(make.notices(4))
    for _ in range(3):
        assert writer.arrived.acquire(timeout=PATIENCE)
    assert writer.batches == [3]


def test_at_the_deadline_what_is_left_becomes_dead_letters(make: Any, deliver: Any, letters: Any) -> None:
    away = Away()
    delivery = deliver((sink("away", retry_seconds=float("inf"), batch=1), away))
    delivery.put(make.notices(3))
    assert away.tried.wait(PATIENCE)
    report = delivery.flush(time.monotonic() + 0.05)
    assert (report.sinks["away"].dead, len(letters())) == (3, 3)
    assert {letter["reason"] for letter in letters()} == {"nobody there", "there was no time left to send it"}


def test_after_a_deadline_the_next_notices_are_tried_as_usual(make: Any, deliver: Any) -> None:
    writer = Gated(is_open=False)
    delivery = deliver((sink("a"), writer))
    delivery.put(make.notices(1))
    assert writer.entered.wait(PATIENCE)
    threading.Timer(0.2, writer.gate.set).start()
    delivery.flush(time.monotonic())
    delivery.put(make.notices(1, 1))
    assert delivery.flush().sinks["a"].delivered == 2


def test_who_brings_more_than_a_slow_sink_has_room_for_waits(make: Any, deliver: Any) -> None:
    slow, quick = Gated(is_open=False), Gated()
    delivery = deliver((sink("slow", queue=2, batch=1), slow), (sink("quick"), quick))
    done = threading.Event()
    thread = threading.Thread(target=lambda: (delivery.put(make.notices(8)), done.set()))
    thread.start()
    for _ in range(8):
        assert quick.arrived.acquire(timeout=PATIENCE)
    assert not done.is_set()
    slow.gate.set()
    thread.join(PATIENCE)
    assert done.is_set()
    assert delivery.flush().sinks["slow"].delivered == 8


def test_nobody_waits_for_a_sink_that_is_given_up_on(make: Any, deliver: Any, letters: Any) -> None:
    delivery = deliver((sink("dead", queue=2), Away()))
    delivery.put(make.notices(500))
    report = delivery.flush()
    assert (report.sinks["dead"].given, report.sinks["dead"].dead, len(letters())) == (500, 500, 500)


def test_what_is_closed_without_a_flush_is_kept(make: Any, deliver: Any, letters: Any) -> None:
    delivery = deliver((sink("a", batch_seconds=3600.0), Gated()))
    delivery.put(make.notices(2))
    delivery.close()
    assert len(letters()) == 2


def test_what_no_file_takes_is_counted_as_lost(make: Any, clock: Any, tmp_path: Any) -> None:
    dead = DeadLetters(tmp_path / "no" / "folder", 10**6, clock)
    with Delivery([(sink("away"), Away())], dead, make.origin, SystemClock()) as delivery:
        delivery.put(make.notices(3))
        report = delivery.flush()
    assert (report.lost, report.sinks["away"].dead) == (3, 0)


def test_what_is_given_again_because_one_sink_lost_it_does_not_reach_the_others_again(
    make: Any, clock: Any, tmp_path: Any
) -> None:
    folder = tmp_path / "later"
    away, well = Away(), Gated()
    notices = make.notices(3)
    pairs = [(sink("away"), away), (sink("well"), well)]
    with Delivery(pairs, DeadLetters(folder / "dead", 10**6, clock), make.origin, SystemClock()) as delivery:
        for _ in range(3):
            before = delivery.report().lost
            delivery.put(notices)
            assert delivery.flush().lost == before + 3
        folder.mkdir()
        delivery.put([*notices, *make.notices(1, 3)])
        report = delivery.flush()
        assert (report.lost, report.sinks["away"].dead) == (9, 4)
        assert well.got == ids(make.notices(4))
        delivery.put(notices)
        delivery.flush()
        assert len(well.got) == 7, "what was settled everywhere is another matter"


class Mended(Gated):
    """Takes nothing until it is mended, and one notice never."""

    well = False

    def send(self, records: Sequence[Record]) -> Sent:
        if not self.well:
            raise UnavailableError("nobody there", "look")
        never = {at: "no" for at, record in enumerate(records) if record.notice.id.endswith("2")}
        super().send([record for at, record in enumerate(records) if at not in never])
        return Sent(rejected=never)


def test_dead_letters_are_sent_again_to_the_sink_that_did_not_take_them(make: Any, deliver: Any, letters: Any) -> None:
    ill, well = Mended(), Gated()
    delivery = deliver((sink("ill"), ill), (sink("well"), well))
    delivery.put(make.notices(4))
    delivery.flush()
    assert len(letters()) == 4
    ill.well = True
    delivery.again()
    assert sorted(ill.got) == [make.notice(n).id for n in (0, 1, 3)]
    assert len(well.got) == 4, "it had them"
    assert [(letter["sink"], letter["reason"], letter["notice"]["id"]) for letter in letters()] == [
        ("ill", "no", make.notice(2).id)
    ]
    report = delivery.report().sinks["ill"]
    assert (report.given, report.delivered, report.dead) == (8, 3, 5)


def test_dead_letters_for_a_sink_that_is_still_away_are_kept_and_only_some_are_tried(
    make: Any, deliver: Any, dead: DeadLetters, letters: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("enricher.service.delivery.delivery._AT_ONCE", 2)
    delivery = deliver((sink("ill"), Mended()))
    delivery.put(make.notices(9))
    delivery.flush()
    before = {letter["notice"]["id"] for letter in letters()}
    delivery.again()
    assert {letter["notice"]["id"] for letter in letters()} == before
    assert delivery.report().sinks["ill"].given == 9 + 2
    assert [path.name for path in dead.path.parent.iterdir()] == ["dead.jsonl"]


def test_what_is_for_no_sink_there_is_or_cannot_be_read_is_kept_as_it_is(make: Any, deliver: Any, dead: Any) -> None:
    dead.add("gone", [(make.notice(1), "away")])
    with dead.path.open("ab") as file:
        file.write(b'{"half a line\n\n')
    before = dead.path.read_bytes()
    delivery = deliver((sink("here"), Gated()))
    delivery.again()
    assert dead.path.read_bytes() == before


def test_what_was_set_aside_when_we_died_is_sent_before_what_came_later(make: Any, deliver: Any, dead: Any) -> None:
    dead.add("here", [(make.notice(1), "away")])
    next(dead.aside())  # and no more of it: we died
    dead.add("here", [(make.notice(2), "away")])
    here = Gated()
    delivery = deliver((sink("here"), here))
    delivery.again()
    assert here.got == [make.notice(1).id, make.notice(2).id]
    assert not any(dead.path.parent.iterdir())


def test_what_cannot_be_kept_again_stays_aside(make: Any, clock: Any, tmp_path: Any) -> None:
    dead = DeadLetters(tmp_path / "dead", 10**6, clock)
    dead.add("away", [(make.notice(1), "away")])
    full = DeadLetters(tmp_path / "dead", 1, clock)
    with Delivery([(sink("away"), Away())], full, make.origin, SystemClock()) as delivery:
        for _ in range(2):
            with pytest.raises(DeliveryError, match="not all of them can be kept again"):
                delivery.again()
            assert b"AN1496-0000000000000001" in (tmp_path / "dead.again").read_bytes()


def test_without_dead_letters_nothing_is_sent_again(deliver: Any, dead: Any) -> None:
    deliver((sink("a"), Gated())).again()
    assert not any(dead.path.parent.iterdir())
