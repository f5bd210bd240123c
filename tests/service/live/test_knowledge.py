"""What one worker knows of hosts keeps up with what all of them learn, and with a clock of ours that jumps."""

import pytest
import redis

from enricher.join.reader import Reader

YEAR = 365 * 86400.0


def known(live):
    return live.join._knowledge.hosts(Reader(live.store, live.join._settings), live.now)


def samples(live, make) -> int:
    """On how many samples the host's offset rests, for the sessions of now."""
    live.join.look(live.join.open(), live.now, None)
    return live.join._hosts.network_clock(make.HOST, "sysmon:3", make.T).samples


def test_a_name_that_another_worker_stored_is_known_in_the_next_second(start, make) -> None:
    one = start(refresh_seconds=1000.0)
    other = one.beside()
    one.take(make.connect(host="pc1"), make.observe())
    other.take(make.connect(host="pc1.corp.example", port=50001))
    assert known(one).names("pc1") == ["pc1"]
    one.now += 1
    assert known(one).names("pc1.corp.example") == ["pc1", "pc1.corp.example"]
    other.store.close()


@pytest.mark.parametrize("jump", [60.0, -YEAR])
def test_what_grows_without_being_seen_is_read_anew_in_its_turn_and_when_our_clock_went_back(
    start, make, jump: float
) -> None:
    one = start(refresh_seconds=60.0)
    other = one.beside()
    one.take(make.connect(), make.observe())
    assert samples(one, make) == 1
    for n in range(1, 4):
        other.take(make.observe(make.T + n, 50000 + n), make.connect(make.T + n, 50000 + n))
    one.now += 59
    assert samples(one, make) == 1
    one.now += jump - 59
    assert samples(one, make) == 4
    other.store.close()


def test_what_is_in_the_store_is_held_no_longer(start, make) -> None:
    live = start()
    for n in range(3):
        live.take(make.observe(make.T + n, 50000 + n), make.connect(make.T + n, 50000 + n))
    assert not live.join._knowledge._fresh


def test_a_host_that_got_another_name_keeps_its_clock(start, make) -> None:
    live = start(refresh_seconds=1000.0)
    for n in range(3):
        live.take(make.observe(make.T + n, 50000 + n), make.connect(make.T + n + 7200, 50000 + n, host="pc1"))
    live.now += 1
    live.take(make.observe(make.T + 9, 50009), make.connect(make.T + 9 + 7200, 50009))
    (row,) = [row for row in live.rows().values() if row.orig_p == 50009]
    assert (row.host, row.clock_offset, row.clock_confidence) == ("pc1.corp.example", -7200.0, "medium")


def test_of_a_host_the_clock_is_known_also_after_another_came(start, make) -> None:
    live = start(refresh_seconds=1000.0)
    live.take(make.connect(), make.observe())
    assert samples(live, make) == 1
    live.take(make.connect(host="another", n=2, port=50009, local_ip="10.0.0.9"))
    live.now += 1
    assert samples(live, make) == 1


def test_the_clock_of_a_host_that_left_a_session_out_is_known_to_a_new_worker(start, make) -> None:
    live = start(wait_seconds=0.0)
    for n in range(2):
        live.take(make.observe(make.T + n, 50000 + n), make.connect(make.T + n + 7200, 50000 + n))
    live.again()
    live.take(make.observe(make.T + 9, 50009))
    (row,) = [row for row in live.rows().values() if row.orig_p == 50009]
    assert (row.disposition, row.clock_offset) == ("no_network_event", -7200.0)


def test_what_others_write_among_lessons_and_marks_is_passed_over(start, make, server) -> None:
    live = start(refresh_seconds=0.0)
    live.take(make.connect(), make.observe())
    with redis.Redis(unix_socket_path=str(server.socket)) as admin:
        (marks,) = admin.scan_iter(f"{live.namespace}:m:*")
        (mark,) = admin.hvals(marks)
        admin.hset(marks, mapping={"rubbish": mark, "a\0b\0c": "rubbish", "a\0b\0c\0d": mark})
        (lessons,) = admin.scan_iter(f"{live.namespace}:k:*")
        admin.hset(lessons, mapping={"rubbish": b"\xc1"})
    live.take(make.connect(port=50001), make.observe(port=50001))
    assert [row.disposition for row in live.rows().values()] == ["matched"] * 2
