"""One connection to the server: packed commands out, replies in, and every way it can fail in words.

Both stores, embedded and remote, go through here. Several batches may be in flight, so that packing the next one
overlaps with the server's work on the last.
"""

import contextlib
import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from enricher.errors import StoreError, UsageError
from enricher.join import tls
from enricher.join.routing import Command
from enricher.join.settings import StoreSettings

_SCHEMES: Final = ("redis", "rediss", "unix")
_DB: Final = re.compile(r"db=\d+")

_PIECE: Final = 64 << 10
"""Bytes packed before they are handed to the socket."""

COMMANDS: Final = (
    "ping", "zadd", "zremrangebyrank", "expire", "pfadd", "pfcount", "zrange", "zrangebyscore", "zrangebylex",
    "zrevrangebylex", "scan", "unlink",
)  # fmt: skip
"""All that a Redis user must be allowed, on the keys of the namespace."""

LIVE_COMMANDS: Final = (
    *(command for command in COMMANDS if command not in ("scan", "unlink")),
    "zcard", "zscore", "zrem", "zremrangebyscore", "hset", "hdel", "hgetall", "get", "set", "del", "eval",
)  # fmt: skip
"""All that the user of a service must be allowed."""

_FORBIDDEN: Final = re.compile(r"no permissions to run the '([a-z|]+)' command")

_REFUSALS: Final = (
    (("NOAUTH", "WRONGPASS", "INVALID USERNAME", "AUTHENTICATION REQUIRED", "AUTH "),
     "refuses us: wrong or no password",
     "check username and password"),
    (("NOPERM", "NO PERMISSION"), "does not permit a command or a key that we need",
     "allow its user what the documents list"),
    (("OOM", "MAXMEMORY"), "is out of memory",
     "raise its maxmemory, or lower store.retention_days or store.max_members"),
    (("LOADING",), "is still loading its data", "try again when it has finished"),
    (("READONLY", "MASTERDOWN"), "is a read-only replica", "give the URL of the primary"),
    (("NOREPLICAS",), "has too few replicas to take what we write", "see its replicas and its min-replicas-to-write"),
    (("MISCONF",), "cannot write its data to disk", "see its log and its disk"),
    (("CLUSTERDOWN",), "belongs to a cluster that is down", "see `redis-cli --cluster check`"),
    (("MOVED", "CROSSSLOT"), "is a node of a cluster",
     "a service takes store.cluster = true; else give the URL of a single server"),
    (("CLUSTER SUPPORT DISABLED",), "is no node of a cluster", "take out store.cluster"),
    (("WRONGTYPE",), "holds other data under our keys", "choose another store.namespace"),
    (("INVALID DB", "OUT OF RANGE"), "has no such database", "remove the number at the end of the URL"),
    (("UNKNOWN COMMAND", "SYNTAX ERROR"), "is too old or no Redis", "use Redis 6.2 or newer, or Valkey"),
)  # fmt: skip
"""In the server's answer, in upper case → what it means, what to do. First match counts."""


def place(url: str) -> str:
    """The URL without user, password and options: fit for a message.

    Raises:
        UsageError: it is no URL of a Redis.
    """
    advice = (
        "write redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… for TLS, or unix://[USER:PASSWORD@]/PATH[?db=DB]"
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("the Redis URL cannot be read", advice) from None
    unix = parts.scheme == "unix"
    if parts.scheme not in _SCHEMES or not (parts.path if unix else parts.hostname):
        raise UsageError("the Redis URL cannot be read", advice)
    if parts.query and not (unix and _DB.fullmatch(parts.query)):  # the client would let it turn off certificate checks
        raise UsageError("the Redis URL has options that are not supported", advice)
    if unix:
        return f"unix://{parts.path}"
    return f"{parts.scheme}://{parts.hostname}{f':{port}' if port else ''}{parts.path}"


def seeds(url: str) -> list[str]:
    """A URL for each of the hosts in `redis://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]…`: nodes of a cluster."""
    scheme, separator, rest = url.partition("://")  # no URL parser takes several hosts
    authority, slash, path = rest.partition("/")
    user, at, hosts = authority.rpartition("@")
    return [f"{scheme}{separator}{user}{at}{host}{slash}{path}" for host in hosts.split(",")]


def check(url: str, settings: StoreSettings) -> None:
    """Refuse what no server can make good; talks to nobody.

    Raises:
        UsageError: the URL cannot be read, or is that of no cluster although it should be.
        ConfigError: `ca_file` holds no certificates.
    """
    if settings.cluster and url.startswith("unix:"):
        raise UsageError("the nodes of a Redis Cluster have no unix socket", "write redis://HOST:PORT,HOST:PORT")
    for one in seeds(url) if settings.cluster else [url]:
        place(one)
    if url.startswith("rediss:"):
        tls.verification(settings.ca_file)


def explain(error: BaseException, where: str) -> StoreError:
    """What a failure of client or server means."""
    answer = str(error)
    if isinstance(error, redis.TimeoutError):
        why = "is busy, or has no TLS" if where.startswith("rediss:") else "is busy"
        return StoreError(f"Redis at {where} does not answer", f"see whether it {why}, or raise store.timeout_seconds")
    if isinstance(error, redis.InvalidResponse | hiredis.ProtocolError):
        return StoreError(f"what answers at {where} is not a Redis", "check host, port, and whether it wants rediss://")
    if isinstance(error.__context__, ssl.SSLError):
        return tls.explain(error.__context__, where)
    upper = f"{type(error).__name__} {answer}".upper()  # the client makes a class of the answer's first word
    for starts, meaning, advice in _REFUSALS:
        if any(start in upper[:200] for start in starts):
            command = _FORBIDDEN.search(answer)
            return StoreError(f"Redis at {where} {meaning}", f"allow its user +{command[1]}" if command else advice)
    if isinstance(error, redis.ConnectionError | OSError | ValueError):
        return StoreError(
            f"Redis at {where} is unreachable or went away",
            "check that it runs, that the URL is right, and whether it wants rediss://",
        )
    return StoreError(f"Redis at {where} refused a command ({_printable(answer)})", "see its log")


def _printable(answer: str) -> str:
    """At most a line of it, without control characters."""
    return "".join(c if c.isprintable() else "?" for c in answer[:120])


class Link:
    """A connection on which commands are pipelined."""

    def __init__(self, url: str, settings: StoreSettings) -> None:
        """Connect.

        Raises:
            UsageError: the URL cannot be read.
            ConfigError: `store.ca_file` holds no certificates.
            StoreError: nobody answers, or refuses us.
        """
        self.where = place(url)
        self._settings = settings
        self._broken: StoreError | None = None
        options: dict[str, Any] = {
            "socket_timeout": settings.timeout_seconds,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        if not url.startswith("unix:"):
            options["socket_connect_timeout"] = settings.timeout_seconds
        if url.startswith("rediss:"):
            options |= tls.verification(settings.ca_file)
        with self._guard():
            self._pool = redis.ConnectionPool.from_url(url, **options)
            self._connection: Any = self._pool.get_connection()
        self._waiting = 0
        self.run([("PING",)])

    def send(self, commands: Iterable[Command]) -> int:
        """Send commands without waiting for replies; how many there were."""
        before = self._waiting
        with self._guard():
            self._connection.send_packed_command(self._pack(commands), check_health=False)
        return self._waiting - before

    def _pack(self, commands: Iterable[Command]) -> Iterator[bytes]:
        """Pieces that fit the socket's buffer, so that the server works on one while we pack the next."""
        piece, size = [], 0
        for command in commands:
            packed = hiredis.pack_command(command)  # type: ignore[arg-type]  # any tuple will do
            piece.append(packed)
            size += len(packed)
            self._waiting += 1
            if size > _PIECE:
                yield b"".join(piece)
                piece, size = [], 0
        yield b"".join(piece)

    def receive(self, count: int) -> list[Any]:
        """The replies to the `count` oldest commands.

        Raises:
            StoreError: the server refused one of them, or went away.
        """
        replies = self.answers(count)
        refused = next((reply for reply in replies if isinstance(reply, redis.ResponseError)), None)
        if refused is not None:
            raise explain(refused, self.where)
        return replies

    def answers(self, count: int) -> list[Any]:
        """The replies to the `count` oldest commands, refusals among them.

        Raises:
            StoreError: the server went away.
        """
        read: Callable[[], Any] = lambda: self._connection.read_response(disable_decoding=True)  # noqa: E731
        replies = []
        with self._guard():
            for _ in range(count):
                try:
                    replies.append(read())
                except redis.ResponseError as error:
                    replies.append(error)
                self._waiting -= 1
        return replies

    def run(self, commands: Iterable[Command]) -> list[Any]:
        """Send and wait; nothing may be in flight.

        Raises:
            StoreError: see `receive`.
        """
        assert self._broken or not self._waiting
        return self.receive(self.send(commands))

    def secure(self) -> None:
        """Wait until what was written is with as many replicas as `store.replicas` says.

        Raises:
            StoreError: it is not.
        """
        wanted = self._settings.replicas
        if wanted:
            (there,) = self.run([("WAIT", wanted, round(self._settings.timeout_seconds * 500))])
            if there < wanted:
                raise StoreError(
                    f"only {there} replicas of Redis at {self.where} have what was written",
                    "see its replicas, or lower store.replicas",
                )

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(redis.RedisError, OSError):
            self._connection.disconnect()
            self._pool.disconnect()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        if self._broken is not None:  # the client would connect anew, and answers would belong to other questions
            raise self._broken
        try:
            yield
        except redis.ResponseError as error:
            raise explain(error, self.where) from None
        except (redis.RedisError, hiredis.HiredisError, OSError, ValueError) as error:
            self._broken = explain(error, self.where)
            raise self._broken from None
