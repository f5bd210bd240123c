"""librdkafka's mock cluster, with its own controls: partitions are chosen, brokers go away and come back."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_BROKERS = 2


class Cluster:
    """Brokers on loopback, in our own memory."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library = library
        self._handle = handle
        self._cluster = library.rd_kafka_mock_cluster_new(handle, _BROKERS)
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)
        self.brokers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, partitions: int) -> None:
        """Make a topic."""
        assert self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1) == 0

    def down(self) -> None:
        """All brokers hang up, and take no calls."""
        for broker in range(1, _BROKERS + 1):
            self._library.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def up(self) -> None:
        """They are back, with all that they had."""
        for broker in range(1, _BROKERS + 1):
            self._library.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def destroy(self) -> None:
        """The end."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


@contextmanager
def mock_cluster() -> Iterator[Cluster]:
    """A cluster; skips where the library that the client was built with has no controls to take."""
    confluent_kafka = pytest.importorskip("confluent_kafka")
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    found = sorted(folder.glob("librdkafka*.so*"))
    if not found:
        pytest.skip("this confluent-kafka came without its own librdkafka")
    library: Any = ctypes.CDLL(str(found[0]))
    library.rd_kafka_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    create = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    library.rd_kafka_mock_topic_create.argtypes = create
    for name in ("set_down", "set_up"):
        getattr(library, f"rd_kafka_mock_broker_{name}").argtypes = [ctypes.c_void_p, ctypes.c_int32]
    library.rd_kafka_mock_cluster_destroy.argtypes = [ctypes.c_void_p]
    library.rd_kafka_destroy.argtypes = [ctypes.c_void_p]
    why = ctypes.create_string_buffer(512)
    handle = library.rd_kafka_new(0, None, why, len(why))
    assert handle, why.value
    cluster = Cluster(library, ctypes.c_void_p(handle))
    try:
        yield cluster
    finally:
        cluster.destroy()
