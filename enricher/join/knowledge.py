"""What is known of hosts, kept between rounds: read anew when it grew or aged, and never all of it at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from enricher.join.hosts import Hosts
from enricher.join.keys import short_name
from enricher.join.learning import Learning, Lesson
from enricher.join.live_keys import LiveKeys
from enricher.join.reader import Reader
from enricher.join.routing import Command
from enricher.join.settings import JoinSettings, LiveSettings
from enricher.join.store import Store

_NAMES_A_SECOND: Final = 10_000
"""Names are not read more often than so many a second: a site that grows does not spend its time on reading them."""

_LESSONS: Final = 512
"""A host's clock is judged around the sessions that come now: so many buckets that told of it are kept, twice as
many are never held."""

_encode: Final = msgspec.msgpack.Encoder().encode
_lessons: Final = msgspec.msgpack.Decoder(tuple[float, list[Lesson]])
"""When a bucket told it, by our clock, and what."""


class Knowledge:
    """Names and clocks of hosts."""

    def __init__(self, store: Store, keys: LiveKeys, settings: JoinSettings, live: LiveSettings) -> None:
        self._store = store
        self._keys = keys
        self._settings = settings
        self._live = live
        self._hosts: Hosts | None = None
        self._read_at = 0.0
        self._size = 0
        self._learned: dict[str, int] = {}
        """Canonical host → from how many buckets its clocks were learned."""
        self._grown: defaultdict[str, set[str]] = defaultdict(set)
        """Short name → buckets that told something new since then."""
        self._fresh: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        """Short name → bucket → what is not in the store yet."""

    def hosts(self, reader: Reader, now: float) -> Hosts:
        """All hosts. Their clocks are known once they were asked for by `learn`."""
        (size,) = self._store.read([("ZCARD", self._store.keys.names)])
        age = now - self._read_at
        grown = size != self._size and age * _NAMES_A_SECOND >= size
        if self._hosts is None or grown or age >= self._live.refresh_seconds or age < 0:
            self._hosts, self._size, self._read_at = reader.hosts(), size, now
            self._learned.clear()
        return self._hosts

    def learn(self, names: Iterable[str], reader: Reader, hosts: Hosts, now: float) -> None:
        """See to it that the clocks of these hosts are known, as well as they can be."""
        wanted = sorted(host for host in {hosts.canonical(name) for name in names} if self._stale(host, hosts))
        shorts = sorted({short_name(name) for host in wanted for name in hosts.names(host)})
        told: dict[str, dict[str, bytes]] = {}
        answers = self._read([("HGETALL", self._keys.lessons(short)) for short in shorts])
        for short, answer in zip(shorts, answers, strict=True):
            told[short] = answer | self._fresh.get(short, {})
            self._trim(short, told[short], now)
        learning = Learning(hosts, self._settings)
        every = {bucket: blob for by_bucket in told.values() for bucket, blob in by_bucket.items()}
        for _, blob in sorted(every.items()):
            for lesson in _decoded(blob)[1]:
                if hosts.canonical(lesson.host) in wanted:
                    learning.recall(lesson)
        reader.teach(hosts, learning)
        for host in wanted:
            mine = {short_name(name) for name in hosts.names(host)}
            self._learned[host] = sum(len(told[short]) for short in mine)
            for short in mine:
                self._grown[short].clear()

    def note(self, bucket: str, names: Iterable[str], lessons: Iterable[Lesson], now: float) -> Mapping[str, bytes]:
        """What a bucket tells: short name → what is to be kept under it.

        All of it lies with every name that the bucket's records have: those stay the same, while which names are one
        host may yet change.
        """
        found = sorted(lessons, key=_host)
        blob = _encode((now, found)) if found else b""
        kept = dict.fromkeys(map(short_name, names), blob)
        for short in kept:
            self._fresh[short][bucket] = blob
            if blob:
                self._grown[short].add(bucket)
        return kept

    def kept(self) -> None:
        """What was noted is in the store."""
        self._fresh.clear()

    def forget(self) -> None:
        """Read everything anew."""
        self._hosts = None

    def _stale(self, host: str, hosts: Hosts) -> bool:
        """Not learned since all hosts were read, or there is as much news as was known."""
        known = self._learned.get(host)
        grown = sum(len(self._grown.get(short_name(name), ())) for name in hosts.names(host))
        return known is None or grown > known // 2

    def _read(self, commands: list[Command]) -> Iterable[dict[str, bytes]]:
        for flat in self._store.read(commands):
            names = (name.decode("utf-8", "surrogateescape") for name in flat[::2])
            yield dict(zip(names, flat[1::2], strict=True))

    def _trim(self, short: str, told: dict[str, bytes], now: float) -> None:
        """What is as old as records get goes; of very many buckets, those that told of the latest sessions stay."""
        lessons = {bucket: _decoded(blob) for bucket, blob in told.items()}
        oldest = now - self._store.settings.retention_seconds
        gone = [bucket for bucket, (at, _) in lessons.items() if at < oldest]
        kept = min(_LESSONS, self._settings.clock_samples)
        if len(told) - len(gone) > 2 * kept:
            gone = sorted(told, key=lambda bucket: (lessons[bucket][0] >= oldest, _latest(lessons[bucket][1])))[:-kept]
        if gone:
            list(self._store.read([("HDEL", self._keys.lessons(short), *gone)]))
        for bucket in gone:
            del told[bucket]


def _decoded(blob: bytes) -> tuple[float, list[Lesson]]:
    try:
        return _lessons.decode(blob) if blob else (0.0, [])
    except msgspec.DecodeError:  # others can write under our keys
        return 0.0, []


def _latest(lessons: Iterable[Lesson]) -> float:
    return max((sample.network for each in lessons for _, sample in (*each.certain, *each.probable)), default=0)


def _host(lesson: Lesson) -> str:
    return lesson.host
