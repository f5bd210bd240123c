"""A Kafka topic, read in a consumer group by librdkafka, which commits offsets once we tell it that they are safe.

It does so by itself, every second, when a partition is taken away, and at the end: to wait for it would be to hang as
long as the brokers are away.
"""

from collections.abc import Sequence
from typing import Any, Final, NoReturn

from enricher.config import KafkaSource
from enricher.errors import InputError
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.service.delivery.kafka import connection, library, silent
from enricher.service.live.sources._source import Source
from enricher.service.live.sources.payloads import Payloads

_JOINING: Final = 1.0
"""Seconds that one reading waits while the group makes room for us."""
_COMMIT_MS: Final = 1000
"""Milliseconds between two commits: what is read again after a death, at most."""
_AWAY: Final = frozenset(("_ALL_BROKERS_DOWN", "_AUTHENTICATION", "_SSL", "_RESOLVE", "SASL_AUTHENTICATION_FAILED"))
_PASSING: Final = frozenset(("_PARTITION_EOF", "_MAX_POLL_EXCEEDED", "_TRANSPORT", "_TIMED_OUT"))
"""librdkafka goes on by itself."""
_BUFFERED_KIB: Final = 16384
"""Bytes that librdkafka reads ahead of us, at most."""
_ADVICE: Final = "check brokers, topic, TLS and credentials"


class KafkaTopic(Source):
    """One topic. Its user must be allowed to read and describe it, and to read in the group."""

    def __init__(self, name: str, settings: KafkaSource, *, most: int) -> None:
        """Nothing is sent before the first `read`.

        Args:
            name: what messages call it.
            settings: where it is.
            most: messages read at once.

        Raises:
            ConfigError: confluent-kafka is not installed, or roots or password cannot be used.
        """
        self.name = name
        self._kafka = library()
        self._settings = settings
        self._most = most
        self._payloads = Payloads(settings.topic, settings.format)
        self._options = connection(settings) | {
            "group.id": settings.group,
            "enable.auto.offset.store": False,
            "auto.commit.interval.ms": _COMMIT_MS,
            "auto.offset.reset": "earliest" if settings.start == "beginning" else "latest",
            "partition.assignment.strategy": "cooperative-sticky",  # what stays with us is not read again
            "queued.max.messages.kbytes": _BUFFERED_KIB,
        }
        self._consumer: Any = None
        self._joined = False
        self._ours: set[int] = set()
        """Partitions that the group has given us."""
        self._next: dict[int, int] = {}
        """Partition → the offset after what was read of it, as far as librdkafka was not told that it is safe."""
        self._down: str | None = None
        """Why nobody is there, as librdkafka told last."""

    def read(self) -> Sequence[Record]:
        """See `Source`. While the group makes room for us it waits a little."""
        try:
            consumer = self._connected()
            messages = consumer.consume(self._most, 0.0 if self._joined else _JOINING)
        except self._kafka.KafkaException as error:
            self._failed(error.args[0].str())
        payloads = []
        wrong: str | None = None
        for message in messages:
            failure = message.error()
            if failure is not None:
                wrong = wrong if failure.name() in _PASSING else failure.str()
            elif message.partition() in self._ours:
                self._next[message.partition()] = message.offset() + 1
                if message.value():
                    payloads.append((f"{message.partition()}-{message.offset()}", message.value()))
        if payloads:
            self._down = None
        elif wrong is not None or self._down is not None:
            raise self._away(wrong or self._down or "")
        return self._payloads.read(payloads)

    @property
    def ready(self) -> bool:
        """See `Source`: once the group has made room for us; of a worker that died it hears after its session's end."""
        return self._joined

    def commit(self) -> None:
        """See `Source`. Of a partition that is another's by now, nothing is."""
        if not self._next or self._consumer is None:
            return
        partition = self._kafka.TopicPartition
        offsets = [partition(self._settings.topic, at, offset) for at, offset in self._next.items()]
        self._next.clear()
        for each in offsets:
            try:
                self._consumer.store_offsets(offsets=[each])
            except self._kafka.KafkaException as error:
                if error.args[0].name() != "_STATE":  # the group has gone on without us: its new owner reads it again
                    raise self._away(error.args[0].str()) from error

    def lag(self) -> float | None:
        """See `Source`: messages that brokers were last known to have for us, not read."""
        if self._consumer is None or not self._ours:
            return None
        try:
            ours = [self._kafka.TopicPartition(self._settings.topic, at) for at in self._ours]
            ends = {p.partition: self._consumer.get_watermark_offsets(p, cached=True) for p in ours}
            positions = {p.partition: p.offset for p in self._consumer.position(ours)}
        except self._kafka.KafkaException as error:
            raise self._away(error.args[0].str()) from error
        known = [end[1] - max(positions[at], end[0], 0) for at, end in ends.items() if end is not None and end[1] >= 0]
        return float(sum(max(0, unread) for unread in known)) if known else None

    def problems(self) -> list[Problem]:
        """See `Source`."""
        return self._payloads.problems()

    def close(self) -> None:
        """See `Source`: leaves the group; what is not safe is read again."""
        consumer, self._consumer = self._consumer, None
        self._joined, self._down = False, None
        self._ours.clear()
        self._next.clear()
        if consumer is not None:
            consumer.close()

    def _connected(self) -> Any:
        if self._consumer is None:
            options = self._options | {"error_cb": self._told}
            self._consumer = self._kafka.Consumer(options, logger=silent())
            self._consumer.subscribe(
                [self._settings.topic], on_assign=self._given, on_revoke=self._taken, on_lost=self._taken
            )
        elif self._down is not None:  # where nothing new comes, only asking tells that they are back
            self._consumer.list_topics(self._settings.topic, timeout=min(_JOINING, self._settings.timeout_seconds))
            self._down = None
        return self._consumer

    def _given(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        self._joined = True
        self._ours |= {each.partition for each in partitions}

    def _taken(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        for each in partitions:
            self._ours.discard(each.partition)
            self._next.pop(each.partition, None)

    def _told(self, error: Any) -> None:
        if error.fatal() or error.name() in _AWAY:
            self._down = error.str()

    def _failed(self, why: str) -> NoReturn:
        if self._down is None:
            self._down = why
        raise self._away(why)

    def _away(self, why: str) -> InputError:
        return InputError(f"Kafka at {self._settings.brokers}, topic {self._settings.topic}: {why}", _ADVICE)
