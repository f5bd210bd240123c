"""What is away is waited for, and told once."""

from typing import Any

import pytest

from enricher.errors import An1496Error
from enricher.service.patience import LONGEST_PAUSE, Patience, Stop


class Log:
    def __init__(self) -> None:
        self.said: list[str] = []

    def error(self, event: str, **more: Any) -> None:
        self.said.append(f"{event} {more['what']}: {more['error']}")

    def info(self, event: str, **more: Any) -> None:
        self.said.append(f"{event} {more['what']}")


def failing(*messages: str) -> Any:
    left = list(messages)

    def work() -> str:
        if left:
            raise An1496Error(left.pop(0), "")
        return "done"

    return work


def test_it_is_tried_again_ever_less_often_and_each_reason_is_told_once() -> None:
    log, pauses, failures = Log(), [], []
    patience = Patience(log, lambda seconds: pauses.append(seconds) or False)
    assert patience.until_done("store", failing(*["gone"] * 8, "full"), lambda: failures.append(1)) == "done"
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert log.said == ["waiting store: gone", "waiting store: full", "going on store"]
    assert len(failures) == 9
    assert patience.wrong is None


def test_asked_to_end_it_ends_and_why_it_waited_stays_known() -> None:
    patience = Patience(Log(), lambda _seconds: True)
    with pytest.raises(Stop):
        patience.until_done("sink", failing("gone"))
    assert patience.wrong == "gone"


def test_what_is_not_ours_comes_out_at_once() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Patience(Log(), lambda _seconds: True).until_done("x", broken)
