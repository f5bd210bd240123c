"""Tries, waits and giving up, on a clock that tests move."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from enricher.service.delivery.courier import LONGEST_WAIT, Courier
from enricher.service.delivery.dead_letters import DeadLetters
from enricher.service.delivery.writer import Record, RefusedError, Sent, UnavailableError
from enricher.sinks.encoding import ENCODINGS, Encoding


class Scripted:
    """A writer that does what it is told, one step a call; the last step for ever."""

    encoding = ENCODINGS["json"]

    def __init__(self, *steps: Callable[[Sequence[Record]], Sent]) -> None:
        self.steps = list(steps)
        self.batches: list[list[str]] = []
        self.closed = False

    def send(self, records: Sequence[Record]) -> Sent:
        self.batches.append([record.notice.id[-1] for record in records])
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return step(records)

    def close(self) -> None:
        self.closed = True


def takes(_records: Sequence[Record]) -> Sent:
    return Sent()


def away(_records: Sequence[Record]) -> Sent:
    raise UnavailableError("nobody there", "call again")


def refuses_ones(records: Sequence[Record]) -> Sent:
    if any(record.notice.id.endswith("1") for record in records):
        raise RefusedError("has a one")
    return Sent()


@pytest.fixture
def courier(make: Any, dead: DeadLetters, clock: Any) -> Callable[..., Courier]:
    def build(writer: Any, retry_seconds: float = 60.0, chance: Callable[[], float] = lambda: 0.0) -> Courier:
        return Courier("sink", writer, retry_seconds, make.origin, dead, clock, chance)

    return build


@pytest.fixture
def pause(clock: Any) -> Callable[[float], bool]:
    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return False

    return wait


def test_what_is_taken_is_delivered_and_nothing_else_happens(make, courier, pause, letters) -> None:
    writer = Scripted(takes)
    made = courier(writer)
    made.deliver(make.notices(3), pause)
    assert writer.batches == [["0", "1", "2"]]
    assert (made.statistics.delivered, made.statistics.retries, letters()) == (3, 0, [])


def test_only_what_was_not_taken_is_sent_again(make, courier, pause, letters) -> None:
    writer = Scripted(lambda _: Sent(rejected={0: "bad"}, again={2: "busy"}), takes)
    made = courier(writer)
    made.deliver(make.notices(3), pause)
    assert writer.batches == [["0", "1", "2"], ["2"]]
    assert (made.statistics.delivered, made.statistics.dead) == (2, 1)
    assert [(letter["sink"], letter["reason"], letter["notice"]["id"][-1]) for letter in letters()] == [
        ("sink", "bad", "0")
    ]


def test_waits_double_up_to_the_longest_and_chance_shortens_them_by_half_at_most(make, courier, pause, clock) -> None:
    courier(Scripted(away), 200.0).deliver(make.notices(1), pause)
    assert clock.slept[:8] == [0.5, 1, 2, 4, 8, 16, LONGEST_WAIT, LONGEST_WAIT]
    clock.slept.clear()
    courier(Scripted(away), 5.0, lambda: 1.0).deliver(make.notices(1), pause)
    assert clock.slept == [0.25, 0.5, 1, 2]


def test_a_sink_that_says_how_long_to_wait_is_obeyed(make, courier, pause, clock) -> None:
    def busy(_records: Sequence[Record]) -> Sent:
        raise UnavailableError("busy", wait=17.0)

    courier(Scripted(busy, takes)).deliver(make.notices(1), pause)
    assert clock.slept == [17.0]


def test_after_the_time_for_tries_notices_are_dead_letters_and_the_next_batch_is_tried_once(
    make, courier, pause, letters, clock
) -> None:
    writer = Scripted(away)
    made = courier(writer, 3.0)
    made.deliver(make.notices(2), pause)
    assert (len(letters()), letters()[0]["reason"], made.down) == (2, "nobody there", True)
    assert made.statistics.trouble == "nobody there"
    tries, slept = len(writer.batches), len(clock.slept)
    made.deliver(make.notices(1), pause)
    assert (len(writer.batches), len(clock.slept), len(letters())) == (tries + 1, slept, 3)
    writer.steps = [takes]
    made.deliver(make.notices(1), pause)
    assert (made.down, made.statistics.delivered, made.statistics.trouble) == (False, 1, None)


def test_progress_is_patience(make, courier, pause, clock, letters) -> None:
    def one(records: Sequence[Record]) -> Sent:
        return Sent(again=dict.fromkeys(range(1, len(records)), "busy"))

    made = courier(Scripted(one))
    made.deliver(make.notices(9), pause)
    assert (set(clock.slept), made.statistics.delivered, letters()) == ({0.5}, 9, [])


def test_a_hurry_ends_the_tries(make, courier, letters) -> None:
    writer = Scripted(away)
    courier(writer, float("inf")).deliver(make.notices(1), lambda _seconds: True)
    assert (len(writer.batches), len(letters())) == (1, 1)


def test_a_refused_batch_is_halved_until_only_the_culprits_are_left_out(make, courier, pause, letters) -> None:
    writer = Scripted(refuses_ones)
    made = courier(writer)
    made.deliver(make.notices(8), pause)
    assert [letter["notice"]["id"][-1] for letter in letters()] == ["1"]
    assert (made.statistics.delivered, letters()[0]["reason"], made.statistics.retries) == (7, "has a one", 0)


def test_each_half_keeps_its_own_answers(make, courier, pause, letters) -> None:
    def step(records: Sequence[Record]) -> Sent:
        if len(records) == 4:
            raise RefusedError("too large")
        return Sent(rejected={1: "odd"})

    courier(Scripted(step)).deliver(make.notices(4), pause)
    assert [letter["notice"]["id"][-1] for letter in letters()] == ["1", "3"]


def test_a_fault_of_a_writer_is_an_answer_like_others(make, courier, pause, letters) -> None:
    def fails(_records: Sequence[Record]) -> Sent:
        raise ZeroDivisionError("secret")

    courier(Scripted(fails), 0.0).deliver(make.notices(1), pause)
    assert letters()[0]["reason"] == "failed: ZeroDivisionError"


def test_a_notice_that_cannot_be_written_is_a_dead_letter_and_the_rest_goes(make, courier, pause, letters) -> None:
    def write(notice: Any, _origin: Any) -> bytes:
        if notice.id.endswith("1"):
            raise ValueError("no such word")
        return b"x"

    writer = Scripted(takes)
    writer.encoding = Encoding("odd", write, "text/plain")
    made = courier(writer)
    made.deliver(make.notices(3), pause)
    assert (writer.batches, letters()[0]["reason"]) == ([["0", "2"]], "cannot be written as odd: no such word")
