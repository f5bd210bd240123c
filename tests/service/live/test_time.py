"""Clocks that jump, and streams that stand still: nothing is told for ever too early, nothing waits for ever."""

import pytest

YEAR = 365 * 86400.0


def dispositions(live) -> list[str]:
    return [row.disposition for row in live.rows().values()]


def streaming(live, make) -> None:
    """A host whose clock is known."""
    live.take(
        *(r for n in range(3) for r in (make.observe(make.T + n, 50001 + n), make.connect(make.T + n, 50001 + n)))
    )


def test_a_record_from_the_future_lets_a_host_pass_no_longer_than_until_the_next(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=5.0)
    streaming(live, make)
    live.take(make.connect(make.T + YEAR, 60000))
    live.take(make.connect(make.T + 20, 50020))
    live.take(make.observe(make.T + 21, 50021))
    assert len(live.rows()) == 3
    live.take(make.connect(make.T + 21, 50021))
    assert dispositions(live) == ["matched"] * 4


def test_what_comes_a_little_out_of_order_does_not_move_a_host_back(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=5.0)
    streaming(live, make)
    live.take(make.connect(make.T + 20, 50020))
    live.take(make.connect(make.T + 16, 50016))
    live.take(make.observe(make.T + 14, 50014))
    assert dispositions(live) == ["matched"] * 3 + ["no_network_event"]


def test_a_session_from_the_future_waits_no_longer_than_others(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=5.0)
    streaming(live, make)
    live.take(make.observe(make.T + YEAR, 50021))
    assert len(live.rows()) == 3
    live.now += 300
    live.worker.round()
    assert len(live.rows()) == 4


def test_a_session_whose_hosts_stream_stands_still_is_told_when_it_has_waited(start, make) -> None:
    live = start(wait_seconds=300.0)
    streaming(live, make)
    live.take(make.observe(make.T + 5, 50010))
    live.now += 299
    live.worker.round()
    assert len(live.rows()) == 3
    live.now += 1
    live.worker.round()
    assert dispositions(live) == ["matched"] * 3 + ["no_network_event"]


def test_a_source_that_is_silent_for_longer_than_sessions_wait_holds_back_no_other(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=0.0)
    streaming(live, make)
    live.take(make.connect(make.T + 3, 50004), source="silent")
    live.now += 300
    live.take(make.observe(make.T + 5, 50010))
    live.take(make.connect(make.T + 9, 50020))
    assert len(live.rows()) == 3
    live.now += 1
    live.take(make.connect(make.T + 10, 50021))
    assert dispositions(live) == ["matched"] * 3 + ["no_network_event"]


def test_how_far_a_host_is_counts_for_whichever_worker_read_it(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=0.0)
    streaming(live, make)
    other = live.beside()
    other.take(make.connect(make.T + 3, 50030), source="behind")
    live.take(make.observe(make.T + 5, 50010))
    live.take(make.connect(make.T + 9, 50020))
    assert dispositions(live) == ["matched"] * 3
    other.take(make.connect(make.T + 8, 50031), source="behind")
    assert dispositions(live) == ["matched"] * 3 + ["no_network_event"]
    other.store.close()


def test_a_host_that_reports_under_two_names_has_passed_when_both_have(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=0.0)
    streaming(live, make)
    live.take(make.connect(make.T + 3, 50030, host="alices-pc"))
    live.now += 1
    live.take(make.observe(make.T + 5, 50010))
    live.take(make.connect(make.T + 9, 50020))
    assert dispositions(live) == ["matched"] * 3
    live.take(make.connect(make.T + 8, 50031, host="alices-pc"))
    live.take(make.connect(make.T + 9, 50021))
    assert dispositions(live) == ["matched"] * 3 + ["no_network_event"]


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_when_our_own_clock_jumps_and_comes_back_nothing_waits_for_a_year(
    start, make, telling_engine, jump: float
) -> None:
    live = start(telling_engine, wait_seconds=300.0, settle_seconds=3600.0, repeat_seconds=300.0)
    streaming(live, make)
    live.take(make.start())
    live.now += jump
    live.take(make.observe(port=60001, orig_h="10.9.9.9"))
    live.take(make.observe(make.T + 9, 50009), make.connect(make.T + 9, 50009))
    live.now -= jump
    for _ in range(2):
        live.now += 300
        live.worker.round()
    assert sorted(dispositions(live)) == ["host_unseen"] + ["matched"] * 4
    assert live.join.counts()["waiting"] == 0
    assert live.join.counts()["untold"] == 0
    live.now += 3600
    live.worker.round()
    assert live.join.counts() == {"waiting": 0, "unsettled": 0, "untold": 0}


def test_a_host_whose_clock_is_not_known_has_passed_nothing(start, make) -> None:
    live = start(wait_seconds=300.0, disorder_seconds=0.0)
    live.take(make.connect(make.T + 9999, 50001))
    live.take(make.observe())
    live.take(make.connect(make.T + 9999, 50002))
    assert live.rows() == {}
