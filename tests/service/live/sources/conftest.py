"""A Kafka for one test."""

from collections.abc import Iterator

import pytest

from kafka_cluster import Cluster, mock_cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with mock_cluster() as running:
        yield running
