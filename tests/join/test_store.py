"""What the store keeps, bounds, counts and refuses."""

import contextlib
import math
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from enricher.errors import ConfigError, StoreError, UsageError
from enricher.join.resolve import resolve
from enricher.join.server import EmbeddedServer
from enricher.join.settings import StoreSettings
from enricher.join.store import Store


@dataclass
class Guarded:
    """A server with users."""

    server: EmbeddedServer
    admin: redis.Redis

    def url(self, user: str) -> str:
        return f"unix://{user}@{self.server.socket}"


@pytest.fixture
def admin(server) -> Iterator[redis.Redis]:
    with contextlib.closing(redis.Redis(unix_socket_path=str(server.socket))) as client:
        yield client


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    with EmbeddedServer() as server:
        admin = redis.Redis(unix_socket_path=str(server.socket))
        yield Guarded(server, admin)
        admin.close()


def test_an_unnamed_namespace_is_gone_when_the_store_closes(make, server, admin):
    with Store.open(server.url) as store:
        store.put([make.observe(port=1024 + i) for i in range(3000)])
        store.flush()
        assert admin.keys(f"{store.namespace}:*")
    assert not admin.keys(f"{store.namespace}:*")


def test_every_key_expires(make, server, admin):
    with Store.open(server.url, StoreSettings(retention_days=1)) as store:
        store.put([make.observe(ja4="t13d", cert_chain_fps=("aa",)), make.connect(), make.start(), make.load()])
        store.flush()
        keys = admin.keys(f"{store.namespace}:*")
        assert len(keys) >= 10
        assert all(86000 < admin.ttl(key) <= 86400 for key in keys)


def test_every_key_has_at_most_one_hash_tag_and_one_hosts_records_share_it(make, server, admin):
    with Store.open(server.url) as store:
        store.put([make.start(), make.start(host="pc1"), make.load()])
        store.flush()
        found = {key.decode() for key in admin.keys(f"{store.namespace}:[pl]:*")}
    assert {key[key.index("{") : key.index("}") + 1] for key in found} == {"{pc1}"}


def test_a_named_namespace_is_kept_and_read_again(make, server, admin):
    named = StoreSettings(namespace="site:a")
    with Store.open(server.url, named) as store:
        store.put([make.observe()])
    with Store.open(server.url, named) as store:
        store.put([make.connect()])
        assert [s.disposition for s in resolve(store)] == ["matched"]
    with Store.open(server.url, StoreSettings(namespace="site:b")) as store:
        assert list(resolve(store)) == []
    admin.delete(*admin.keys("site:a:*"))


def test_beyond_the_bound_the_oldest_go_and_are_counted(make, server):
    with Store.open(server.url, StoreSettings(max_members=10)) as store:
        store.put([make.observe(make.T + i, 50000) for i in range(25)])
        store.flush()
        assert store.counters["dropped.observations"] == 15
        assert [s.observation.ts for s in resolve(store)] == [make.T + i for i in range(15, 25)]


def test_a_record_with_values_beyond_all_range_is_counted_and_the_rest_is_kept(make, server):
    with Store.open(server.url) as store:
        store.put([make.observe(math.nan), make.start(pid=2**70), make.observe(server_name="\ud800"), make.observe()])
        store.flush()
        assert store.counters["unusable"] == 3
        assert len(list(resolve(store))) == 1


def test_prevalence_counts_distinct_clients_per_fingerprint(make, server):
    with Store.open(server.url) as store:
        store.put([make.observe(ja4="a", orig_h=f"10.0.0.{i % 5}", port=2000 + i) for i in range(20)])
        store.put([make.observe(ja4="b", orig_h="10.0.0.1"), make.observe(ja4="b", orig_h="10.0.9.1")])
        found = store.prevalence(["a", "b", "never"])
    assert {ja4: p.hosts for ja4, p in found.items()} == {"a": 5, "b": 2, "never": 0}
    assert {p.total_hosts for p in found.values()} == {6}


def test_foreign_bytes_under_our_keys_are_passed_over(make, server, admin):
    with Store.open(server.url) as store:
        store.put([make.observe(), make.connect(), make.load()])
        store.flush()
        for key in admin.keys(f"{store.namespace}:*"):
            if admin.type(key) == b"zset":
                admin.zadd(key, {b"\xff\xfe junk": 1, b"": 2, b"\x93\x01\x02\x03": 3})
        assert [s.disposition for s in resolve(store)] == ["matched"]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://host", UsageError),
        ("redis://", UsageError),
        ("redis://host:port", UsageError),
        ("redis://[::1", UsageError),
        ("unix://", UsageError),
        ("", UsageError),
        ("rediss://host?ssl_cert_reqs=none", UsageError),
        ("unix:///nowhere/s", StoreError),
        ("redis://127.0.0.1:1", StoreError),
        ("redis://no-such-host.invalid", StoreError),
    ],
)
def test_a_url_that_leads_nowhere_is_one_clear_error(url, error):
    with pytest.raises(error) as caught:
        Store.open(url)
    assert caught.value.advice


def test_no_message_shows_the_secrets_of_a_url():
    for url in ("redis://user:s3cret@127.0.0.1:1/0?x=s3cret", "http://user:s3cret@host", "redis://:s3cret@[::1"):
        with pytest.raises((StoreError, UsageError)) as caught:
            Store.open(url)
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_wrong_or_missing_password_is_said_to_be_one(guarded):
    guarded.admin.config_set("requirepass", "right")
    for url in (guarded.server.url, f"unix://:wrong@{guarded.server.socket}"):
        with pytest.raises(StoreError, match="password") as caught:
            Store.open(url)
        assert "wrong@" not in str(caught.value)


def test_a_user_without_permission_is_said_to_have_none(guarded, make):
    guarded.admin.execute_command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+ping", "+client", "+hello", "+auth")
    with pytest.raises(StoreError, match="permit") as caught, Store.open(guarded.url("reader:pw")) as store:
        store.put([make.observe()])
        store.flush()
    assert caught.value.advice == "allow its user +zadd"


def test_a_full_server_is_said_to_be_out_of_memory(guarded, make):
    guarded.admin.config_set("maxmemory", "1")
    with pytest.raises(StoreError, match="out of memory"), Store.open(guarded.server.url) as store:
        store.put([make.observe()])
        store.flush()


def test_other_data_under_our_keys_is_said_to_be_that(guarded, make):
    guarded.admin.set("mine:n", "a string")
    settings = StoreSettings(namespace="mine")
    with pytest.raises(StoreError, match="other data"), Store.open(guarded.server.url, settings) as store:
        store.put([make.start()])
        store.flush()


def answering(text: bytes) -> tuple[str, threading.Thread]:
    """Something on a port that answers everything with `text` and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(text)

    thread = threading.Thread(target=serve)
    thread.start()
    return f"127.0.0.1:{listener.getsockname()[1]}", thread


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not a Redis"),
        (b"-LOADING Redis is loading the dataset in memory\r\n" * 4, "loading"),
        (b"", "went away"),
    ],
)
def test_what_answers_instead_of_a_ready_redis_is_told(text, told):
    place, thread = answering(text)
    with pytest.raises(StoreError, match=told):
        Store.open(f"redis://{place}", StoreSettings(timeout_seconds=5))
    thread.join()


def test_a_server_without_tls_is_said_to_have_none():
    place, thread = answering(b"-ERR unknown command\r\n")
    with pytest.raises(StoreError, match="TLS"):
        Store.open(f"rediss://{place}", StoreSettings(timeout_seconds=5))
    thread.join()


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(StoreError, match="does not answer"):
        Store.open(f"redis://127.0.0.1:{listener.getsockname()[1]}", StoreSettings(timeout_seconds=0.3))


@pytest.mark.parametrize("bad", [{"namespace": "a*b"}, {"namespace": ""}, {"retention_days": 0}, {"batch": -1}])
def test_settings_that_cannot_work_are_refused(bad):
    with pytest.raises(ConfigError):
        Store.open(None, StoreSettings(**bad))
