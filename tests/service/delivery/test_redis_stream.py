"""A stream on a real server."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from enricher.errors import ConfigError
from enricher.join.server import EmbeddedServer
from enricher.service.delivery.redis_stream import RedisStream
from enricher.service.delivery.writer import UnavailableError
from enricher.sinks.settings import RedisSink, Secret


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as made:
        yield made


def client(server: EmbeddedServer) -> Any:
    return redis.Redis(unix_socket_path=str(server.socket))


def test_entries_hold_id_revision_format_and_payload(server: EmbeddedServer, make: Any) -> None:
    writer, records = RedisStream(RedisSink(url=server.url, format="ecs")), make.records(3, "ecs")
    writer.send(records)
    writer.close()
    entries = [fields for _, fields in client(server).xrange("an1496:notices")]
    assert entries == [
        {b"id": r.notice.id.encode(), b"revision": b"1", b"format": b"ecs", b"payload": r.payload} for r in records
    ]


def test_the_stream_stays_about_as_long_as_it_may(server: EmbeddedServer, make: Any) -> None:
    writer, records = RedisStream(RedisSink(url=server.url, max_length=100)), make.records(500)
    for _ in range(4):
        writer.send(records)
    writer.close()
    assert 100 <= client(server).xlen("an1496:notices") <= 300


def test_a_server_that_was_away_is_found_again(server: EmbeddedServer, make: Any) -> None:
    writer = RedisStream(RedisSink(url=server.url))
    writer.send(make.records(1))
    client(server).client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(UnavailableError, match="went away"):
        writer.send(make.records(1))
    writer.send(make.records(1))
    writer.close()
    assert client(server).xlen("an1496:notices") == 2


def test_a_user_with_the_documented_rights_and_no_other_can_write(
    server: EmbeddedServer, make: Any, monkeypatch: Any
) -> None:
    client(server).execute_command("ACL", "SETUSER", "sink", "on", ">p:@/ss", "~an1496:notices", "+ping", "+xadd")
    client(server).execute_command("ACL", "SETUSER", "poor", "on", ">p:@/ss", "~other", "+ping", "+xadd")
    monkeypatch.setenv("AN1496_TEST_PASSWORD", "p:@/ss")
    password = Secret(env="AN1496_TEST_PASSWORD")
    writer = RedisStream(RedisSink(url=server.url, username="sink", password=password))
    writer.send(make.records(1))
    writer.close()
    with pytest.raises(UnavailableError, match="does not permit") as caught:
        RedisStream(RedisSink(url=server.url, username="poor", password=password)).send(make.records(1))
    assert "p:@/ss" not in str(caught.value) and "p%3A" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://x", "redis://user:pw1@host", ""])
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RedisStream(RedisSink(url=url))
    assert "pw1" not in str(caught.value)
