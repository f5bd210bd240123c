"""What a Redis list or stream gives is lost by no death before it is safe, and taken over from dead workers."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import redis

from enricher.errors import StoreError
from enricher.join.link import Link
from enricher.join.server import EmbeddedServer
from enricher.join.settings import StoreSettings
from enricher.service.live.sources.redis_list import RedisList
from enricher.service.live.sources.redis_stream import RedisStream
from sysmon_event import connection


def event(n: int) -> bytes:
    return connection(n).encode()


def ports(records: Any) -> list[int]:
    return [record.local_port - 50000 for record in records]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def admin(server: EmbeddedServer) -> Iterator[redis.Redis]:
    client = redis.Redis(unix_socket_path=str(server.socket))
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def connect(server: EmbeddedServer) -> Callable[[], Link]:
    return lambda: Link(server.url, StoreSettings())


@pytest.fixture
def a_list(connect: Callable[[], Link]) -> Callable[..., RedisList]:
    return lambda worker="w": RedisList("l", "winlogbeat", worker, connect, most=3)


@pytest.fixture
def a_stream(connect: Callable[[], Link]) -> Callable[..., RedisStream]:
    def make(worker: str = "w", clock: Callable[[], float] = lambda: 0.0, claim: float = 60.0) -> RedisStream:
        return RedisStream("s", "events", worker, connect, clock, group="g", claim_seconds=claim, most=3)

    return make


def test_a_list_is_read_in_order_and_what_is_safe_is_gone(admin, a_list) -> None:
    admin.rpush("winlogbeat", *map(event, range(5)))
    source = a_list()
    assert source.lag() == 5
    assert ports(source.read()) == [0, 1, 2]
    source.commit()
    assert ports(source.read()) == [3, 4]
    assert admin.keys() == [b"winlogbeat:an1496:w"]
    source.commit()
    assert admin.keys() == []


def test_what_a_dead_reader_of_a_list_took_comes_first_and_under_the_same_names(admin, a_list) -> None:
    admin.rpush("winlogbeat", *map(event, range(7)))
    dead = a_list()
    first = [*dead.read(), *dead.read()]
    again = a_list()
    found = []
    while records := again.read():
        found += records
        again.commit()
    assert found[:6] == first
    assert ports(found) == list(range(7))
    assert admin.keys() == []


def test_a_commit_whose_answer_is_lost_takes_nothing_else_away(admin, a_list, monkeypatch) -> None:
    admin.rpush("winlogbeat", *map(event, range(3)))
    source = a_list()
    source.read()
    receive = Link.receive

    def lost(link: Link, count: int) -> Any:
        receive(link, count)
        raise StoreError("the answer is lost")

    with monkeypatch.context() as patched:
        patched.setattr(Link, "receive", lost)
        with pytest.raises(StoreError):
            source.commit()
    admin.rpush("winlogbeat:an1496:w", *map(event, range(3, 5)))  # moved by a command whose answer was lost
    source.commit()
    assert ports(source.read()) == [3, 4]


def test_a_list_may_mix_formats_and_hold_rubbish(admin, a_list) -> None:
    row = {"_path": "ssl", "ts": 1.0, "uid": "C", "id.orig_h": "1.1.1.1", "id.orig_p": 1, "id.resp_h": "2.2.2.2"}
    admin.rpush("winlogbeat", event(0), b"\xff rubbish", json.dumps({**row, "id.resp_p": 443}))
    source = a_list()
    assert [type(record).__name__ for record in source.read()] == ["NetworkConnect", "Observation"]
    (problem,) = source.problems()
    assert "neither" in problem.what
    assert source.problems() == []


@pytest.mark.parametrize(
    "start", [event(0).decode().encode("utf-16"), b"\xef\xbb\xbf" + event(0).decode().encode("utf-16")]
)
def test_an_entry_in_utf16_is_read_and_those_after_it_as_they_are(admin, a_list, start) -> None:
    admin.rpush("winlogbeat", start, b"\xef\xbb\xbf" + event(1), event(2))
    assert ports(a_list().read())[-2:] == [1, 2]


def test_no_value_holds_what_the_join_puts_between_values(admin, a_list) -> None:
    sides = {"id.orig_h": "1.1.1.1\0x", "id.orig_p": 1, "id.resp_h": "2.2.2.2", "id.resp_p": 443}
    row = {"_path": "ssl", "ts": 1.0, "uid": "C\0x", "server_name": "a\0b", **sides}
    admin.rpush("winlogbeat", json.dumps(row), event(0).replace(b"PC1", b"P\\u0000C"))
    found = [msgspec.json.encode(record) for record in a_list().read()]
    assert len(found) == 2
    assert not [record for record in found if b"u0000" in record]


def test_problems_are_told_however_many_there_were_before(admin, a_list) -> None:
    source = a_list()
    for _ in range(30):
        admin.rpush("winlogbeat", event(0).replace(b"50000", b'"x'))
        source.read()
        source.commit()
        assert len(source.problems()) == 1


def test_a_stream_is_read_in_a_group_and_acknowledged_when_safe(admin, a_stream) -> None:
    for n in range(4):
        admin.xadd("events", {"message": event(n)})
    source = a_stream()
    records = source.read()
    assert ports(records) == [0, 1, 2]
    assert records[0].source.startswith("events:")
    assert admin.xpending("events", "g")["pending"] == 3
    source.commit()
    assert admin.xpending("events", "g")["pending"] == 0
    assert ports(source.read()) == [3]


def test_two_workers_of_a_group_share_a_stream(admin, a_stream) -> None:
    for n in range(6):
        admin.xadd("events", {"message": event(n)})
    assert sorted(ports([*a_stream("a").read(), *a_stream("b").read()])) == list(range(6))


def test_after_a_restart_own_entries_that_were_not_safe_come_first_and_once(admin, a_stream) -> None:
    for n in range(5):
        admin.xadd("events", {"message": event(n)})
    first = a_stream().read()
    again = a_stream()
    second = again.read()
    assert second == first
    assert ports(again.read()) == [3, 4]
    assert again.read() == []
    again.commit()
    assert admin.xpending("events", "g")["pending"] == 0


def test_what_a_dead_worker_holds_is_taken_over_after_a_while(admin, a_stream) -> None:
    admin.xadd("events", {"message": event(0)})
    a_stream("dead").read()
    now = [0.0]
    living = a_stream("living", lambda: now[0], claim=0.001)
    assert living.read() == []
    now[0] = 10.0
    assert ports(living.read()) == [0]
    living.commit()
    assert admin.xpending("events", "g")["pending"] == 0


def test_all_that_dead_workers_hold_is_taken_over_at_once(admin, a_stream) -> None:
    for at in range(7):
        admin.xadd("events", {"message": event(at)})
    for name in ("dead", "dead too", "dead as well"):
        a_stream(name).read()
    ids = [id_ for id_, _ in admin.xrange("events")]
    admin.xclaim("events", "g", "dead", 0, ids, idle=61_000)
    now = [0.0]
    living = a_stream("living", lambda: now[0], claim=60.0)
    assert living.read() == []
    now[0] = 61.0
    found = []
    while records := living.read():
        found += records
    assert sorted(ports(found)) == list(range(7))


def test_what_was_deleted_while_a_dead_worker_held_it_stops_nobody(a_stream) -> None:
    class Old:
        """Redis 6.2, which has nothing in the place of such an entry."""

        def run(self, commands: Any) -> list[Any]:
            if commands[0][0] == "XAUTOCLAIM":
                return [[b"0-0", [None, [b"1-1", [b"message", event(0)]]]]]
            return [None]

        def close(self) -> None: ...

    now = [0.0]
    source = RedisStream("s", "events", "w", Old, lambda: now[0], group="g", claim_seconds=60, most=3)
    assert source.read() == []
    now[0] = 100.0
    assert ports(source.read()) == [0]


def test_an_empty_list_is_asked_for_its_length_and_nothing_else(admin, a_list) -> None:
    source = a_list()
    source.read()
    before = admin.info("commandstats").get("cmdstat_lmove", {"calls": 0})["calls"]
    source.read()
    assert admin.info("commandstats").get("cmdstat_lmove", {"calls": 0})["calls"] == before


def test_an_entry_without_a_usual_field_is_read_from_its_first(admin, a_stream) -> None:
    admin.xadd("events", {"whatever": event(0)})
    assert ports(a_stream().read()) == [0]


def test_the_commands_that_are_named_suffice(admin, server) -> None:
    named = {RedisList: ("winlogbeat", "winlogbeat*"), RedisStream: ("events", "events")}
    for kind, (key, keys) in named.items():
        words = [f"+{word.strip('`+')}" for word in kind.__doc__.split("`")[1].split()]
        admin.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">secret", f"~{keys}", *words)
        connect = lambda: Link(f"unix://reader:secret@{server.socket}", StoreSettings())  # noqa: E731
        if kind is RedisList:
            admin.rpush(key, event(0))
            source: Any = RedisList("l", key, "w", connect, most=3)
        else:
            admin.xadd(key, {"message": event(0)})
            now = iter([0.0, 0.0, 10.0, *[20.0] * 9])
            source = RedisStream("s", key, "w", connect, now.__next__, group="g", claim_seconds=5.0, most=3)
        assert ports(source.read()) == [0]
        source.commit()
        source.read()
        source.lag()
        source.close()
