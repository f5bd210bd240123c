"""On a real Redis Cluster: nodes die and slots move in the middle of it, and nothing is lost."""

import contextlib
import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from enricher.errors import ConfigError, StoreError, UsageError
from enricher.join.cluster import Cluster
from enricher.join.link import check, seeds
from enricher.join.server import find_binary
from enricher.join.settings import StoreSettings
from enricher.join.store import Store
from enricher.service.redis_url import with_credentials
from enricher.sinks.settings import Secret
from redis_cluster import RealCluster

SETTINGS = StoreSettings(cluster=True, timeout_seconds=5.0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with RealCluster() as running:
        yield running


@pytest.fixture
def single() -> Iterator[str]:
    """The URL of a server alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--logfile", os.devnull)
    with subprocess.Popen([find_binary(), *words]) as process:
        url = f"redis://127.0.0.1:{port}"
        while True:
            with contextlib.suppress(redis.ConnectionError):
                redis.Redis(port=port).ping()
                break
            time.sleep(0.05)
        yield url
        process.kill()


@pytest.fixture
def live_on(start, telling_engine):
    def run(cluster, **settings):
        live = start(telling_engine, **settings)
        live.url = cluster.url
        live.store.close()
        live.again()
        return live

    return run


def shuffled(make, seed: int) -> list[Any]:
    records = make.world(seed, 60)
    random.Random(seed).shuffle(records)
    return records


def through(live, records, between=lambda turn: None) -> None:
    """Take records as the service does it: what fails is done again, over a new connection."""
    steps = [lambda cut=cut: live.take(*records[cut : cut + 8]) for cut in range(0, len(records), 8)]
    for turn, step in enumerate([*steps, live.worker_drain]):
        between(turn)
        end = time.monotonic() + 60
        while True:
            try:
                step()
                break
            except StoreError as error:
                assert time.monotonic() < end, error.message
                time.sleep(0.2)
                again(live, end)
        live.now += 40.0


def again(live, end: float) -> None:
    while True:
        try:
            live.store.close()
            live.again()
            return
        except StoreError as error:
            assert time.monotonic() < end, error.message
            time.sleep(0.2)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_service_on_a_cluster_ends_as_a_replay_does(
    cluster, live_on, make, telling_engine, replay, equal, seed
) -> None:
    live, records = live_on(cluster, wait_seconds=30.0), shuffled(make, seed)
    through(live, records)
    equal(live, replay(telling_engine, records))


def test_slots_that_move_in_the_middle_of_it_lose_nothing(
    cluster, live_on, make, telling_engine, replay, equal
) -> None:
    live, records = live_on(cluster, wait_seconds=30.0), shuffled(make, 3)
    slots = [key_slot(key.encode()) for key in (live.join._keys.waiting, live.join._keys.untold, live.store.keys.names)]

    def move(turn: int) -> None:
        if turn % 3 == 1:
            masters = cluster.masters()
            slot = slots[(turn // 3) % len(slots)]
            source = next(port for port in masters if owns(cluster, port, slot))
            cluster.move(slot, source, next(port for port in masters if port != source))

    through(live, records, move)
    equal(live, replay(telling_engine, records))


def owns(cluster, port: int, slot: int) -> bool:
    try:
        cluster.node(port).execute_command("ZCARD", key_in(slot))
    except redis.RedisError:
        return False
    return True


def key_in(slot: int) -> str:
    return next(key for n in range(200_000) if key_slot((key := f"k{n}").encode()) == slot)


def test_while_a_slot_moves_its_keys_are_found_on_both_nodes(cluster) -> None:
    link = Cluster(cluster.url, SETTINGS)
    key = "{moving}:a"
    slot = key_slot(key.encode())
    masters = cluster.masters()
    source = next(port for port in masters if owns(cluster, port, slot))
    target = next(port for port in masters if port != source)
    link.run([("ZADD", key, 1, "old")])
    ids = {port: cluster.node(port).execute_command("CLUSTER", "MYID") for port in (source, target)}
    cluster.node(target).execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    cluster.node(source).execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    commands = [("ZADD", key, 2, "new"), ("ZADD", "{moving}:b", 1, "fresh"), ("ZCARD", key), ("ZCARD", "{moving}:b")]
    assert link.run(commands) == [1, 1, 2, 1]
    cluster.move(slot, source, target)
    assert link.run([("ZCARD", key), ("ZRANGE", "{moving}:b", 0, -1)]) == [2, [b"fresh"]]
    link.close()


def test_a_master_that_is_killed_loses_nothing(live_on, make, telling_engine, replay, equal) -> None:
    with RealCluster() as cluster:
        live, records = live_on(cluster, wait_seconds=30.0), shuffled(make, 4)
        slot = key_slot(live.join._keys.untold.encode())
        died = []

        def kill(turn: int) -> None:
            if turn in (3, 8):
                died.append(next(port for port, (first, last) in cluster.masters().items() if first <= slot <= last))
                threading.Thread(target=cluster.replace, args=(died[-1],)).start()

        through(live, records, kill)
        assert len(set(died)) == 2
        equal(live, replay(telling_engine, records))
        live.store.close()


def test_what_too_few_replicas_have_is_not_safe_and_no_position_is_moved_on(live_on, make) -> None:
    with RealCluster() as cluster:
        live = live_on(cluster, wait_seconds=30.0)
        live.worker.round([("s", [make.observe()])], {"s": b"1"})
        for port in set(cluster.ports) - set(cluster.masters()):
            cluster.kill(port)
        link = Cluster(cluster.url, StoreSettings(cluster=True, replicas=1, timeout_seconds=1.0))
        link.run([("ZADD", "k", 1, "a")])
        with pytest.raises(StoreError, match="only 0 replicas"):
            link.secure()
        link.close()
        further = live.join.changes(live.now)
        further.position("s", b"2")
        with pytest.raises(StoreError, match="only 0 replicas"):
            live.join.commit(further)
        assert live.join.positions() == {"s": b"1"}


def test_all_records_of_a_host_lie_in_one_slot_and_all_of_a_connection_in_one(start, make) -> None:
    live = start(wait_seconds=30.0)
    for n, name in enumerate(("pc1", "pc1.corp.example")):
        live.take(make.start(host=name, n=n), make.load(host=name, n=n), make.end(make.T, host=name, n=n))
        live.take(make.connect(host=name, n=n, clock="security:5158", remote_ip=None, remote_port=None))
    live.take(make.connect(), make.observe(), make.observe(port=50009))
    keys = live.store._link.run([("KEYS", f"{live.namespace}:*")])[0]
    slots = {kind: {key_slot(key) for key in keys if kind_of(key) == kind} for kind in map(kind_of, keys)}
    assert len(set().union(*(slots[kind] for kind in (b"p", b"l", b"b", b"m", b"k", b"h")))) == 1
    assert len(set().union(*(slots[kind] for kind in (b"c", b"o", b"t")))) == 1


def kind_of(key: bytes) -> bytes:
    return key.split(b":")[1]


def test_a_single_server_is_no_cluster(single) -> None:
    with pytest.raises(StoreError, match="is no node of a cluster"):
        Cluster(single, SETTINGS)


def test_the_first_host_that_answers_tells_of_the_others(cluster) -> None:
    link = Cluster(f"redis://127.0.0.1:1,127.0.0.1:{cluster.ports[-1]}", SETTINGS)
    assert link.run([("ZCARD", f"k{n}") for n in range(50)]) == [0] * 50
    link.close()


def test_a_cluster_of_which_nobody_answers_is_told_by_its_first_host() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1 is unreachable"):
        Cluster("redis://127.0.0.1:1,127.0.0.1:2", SETTINGS)


def test_a_refusal_comes_out_and_the_replies_of_others_are_not_mixed_up(cluster) -> None:
    link = Cluster(cluster.url, SETTINGS)
    link.run([("SET", "text", "x")])
    with pytest.raises(StoreError, match="holds other data"):
        link.run([("ZADD", "z1", 1, "a"), ("ZCARD", "text"), ("ZADD", "z2", 1, "a")])
    assert link.run([("ZCARD", "z1"), ("ZCARD", "z2")]) == [1, 1]
    link.close()


def test_each_node_is_talked_to_as_the_same_user(monkeypatch) -> None:
    monkeypatch.setenv("AN1496_TEST_SECRET", "s/cret")
    assert seeds("rediss://u:p%40w@a:1,[::1]:2,c/0") == [
        "rediss://u:p%40w@a:1/0",
        "rediss://u:p%40w@[::1]:2/0",
        "rediss://u:p%40w@c/0",
    ]
    told = with_credentials("redis://a:1,[::1]:2", "u", Secret(env="AN1496_TEST_SECRET"), SETTINGS)
    assert seeds(told) == ["redis://u:s%2Fcret@a:1", "redis://u:s%2Fcret@[::1]:2"]


def test_a_replay_refuses_a_cluster_and_each_host_of_its_url_is_checked() -> None:
    with pytest.raises(ConfigError, match="does not work on a Redis Cluster"):
        Store.open("redis://a,b", SETTINGS)
    with pytest.raises(UsageError):
        check("redis://a,b:x", SETTINGS)
    with pytest.raises(UsageError):
        check("redis://a:1,b:2", StoreSettings())
    with pytest.raises(UsageError, match="no unix socket"):
        check("unix:///run/redis", SETTINGS)
    check("redis://user:pw@a:1,b:2,[::1]:3", SETTINGS)
