"""A worker that dies at any command to the store, or at any step between, leaves nothing lost and nothing told twice
under two names.
"""

import random
from collections.abc import Iterable

import pytest
import redis

from enricher.errors import StoreError
from enricher.join.link import Link


class Abort(BaseException):
    """Death: nothing that we could catch and tidy up after."""


class Scissors:
    """Cuts the connection after so many commands: those before it are carried out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**9
        self.seen = 0
        send = Link.send

        def cutting(link: Link, commands: Iterable[object]) -> int:
            commands = list(commands)
            self.seen += len(commands)
            if len(commands) <= self.left:
                self.left -= len(commands)
                return send(link, commands)
            link.receive(send(link, commands[: self.left]))
            self.left = 10**9
            raise Abort

        monkeypatch.setattr(Link, "send", cutting)


def live_through(live, batches, scissors, cut: int, more=lambda: None) -> bool:
    """Take all batches, as a source with a position gives them, and drain; once, die. Whether we died."""
    if scissors:
        scissors.left, scissors.seen = cut, 0
    died = False
    while True:
        try:
            at = int(live.join.positions().get("s", b"0"))
            while at < len(batches):
                live.worker.round([("s", batches[at])], {"s": b"%d" % (at + 1)})
                live.now += 40.0
                live.worker.round()
                at += 1
            live.worker.drain()
        except (Abort, StoreError):
            died = True
            more()
            live.again()
        else:
            return died


@pytest.fixture(scope="module")
def batches(make):
    world = make.world(7, 30)
    random.Random(7).shuffle(world)
    return [world[:15], world[15:28], world[28:]]


def test_death_at_any_command_to_the_store_changes_nothing(
    start, telling_engine, replay, equal, batches, monkeypatch
) -> None:
    expected = replay(telling_engine, [record for batch in batches for record in batch])
    scissors = Scissors(monkeypatch)
    whole = start(telling_engine, wait_seconds=30.0)
    live_through(whole, batches, scissors, 10**9)
    equal(whole, expected)
    commands = scissors.seen
    assert commands > 300
    cuts = random.Random(1).sample(range(commands), 120)
    for cut in cuts:
        live = start(telling_engine, wait_seconds=30.0)
        assert live_through(live, batches, scissors, cut)
        equal(live, expected)
        live.store.close()


def test_a_store_that_is_full_from_any_moment_on_changes_nothing(
    start, server, telling_engine, replay, equal, batches, monkeypatch
) -> None:
    expected = replay(telling_engine, [record for batch in batches for record in batch])
    admin = redis.Redis(unix_socket_path=str(server.socket))
    send, left = Link.send, 10**9

    def filling(link: Link, commands: Iterable[object]) -> int:
        nonlocal left
        left -= 1
        if left == 0:
            admin.config_set("maxmemory", "1")  # what frees memory is carried out yet
        return send(link, commands)

    def relieve() -> None:
        admin.config_set("maxmemory", "0")

    whole = start(telling_engine, wait_seconds=30.0)
    live_through(whole, batches, None, 0)
    monkeypatch.setattr(Link, "send", filling)
    failures = 0
    for cut in range(1, 300, 5):
        live = start(telling_engine, wait_seconds=30.0)
        left = cut
        failures += live_through(live, batches, None, cut, relieve)
        relieve()
        equal(live, expected)
        assert live.join.counts() == whole.join.counts()
        live.store.close()
    assert failures > 30
    admin.close()


@pytest.mark.parametrize("step", ["append", "append_after", "put", "flush", "flush_after", "commit", "commit_after"])
@pytest.mark.parametrize("turn", [1, 2, 4])
def test_death_between_any_two_steps_changes_nothing(
    start, telling_engine, replay, equal, batches, monkeypatch, step, turn
) -> None:
    expected = replay(telling_engine, [record for batch in batches for record in batch])
    live = start(telling_engine, wait_seconds=30.0)
    name, _, after = step.partition("_")
    owner = {"append": live.ledger, "put": live.outlet, "flush": live.outlet}.get(name) or type(live.join)
    real, calls = getattr(owner, name), iter(range(1, 10**9))

    def dying(*words, **named):
        if next(calls) != turn:
            return real(*words, **named)
        if after:
            real(*words, **named)
        raise Abort

    monkeypatch.setattr(owner, name, dying)
    assert live_through(live, batches, Scissors(monkeypatch), 10**9)
    equal(live, expected)
