"""librdkafka's own mock of a cluster: real clients talk to it over TCP, and it refuses what it is told to.

No API of Python's leads there, so the C library that the client has loaded is called.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import confluent_kafka

from shared.settings import BrokerSettings
from shared.topics import TOPICS
from tests.faults.proxy import Request

_PRODUCER: Final = 0


def library() -> Path | None:
    """Where wheels for Linux have it; None: it is linked in otherwise."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    return next(folder.glob("librdkafka-*.so*"), None)


class MockKafka:
    """One broker with all topics, and nothing else on it."""

    def __init__(self, found: Path) -> None:
        self._library = ctypes.CDLL(str(found))
        for function in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(self._library, function).restype = ctypes.c_void_p
        self._library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        configuration = ctypes.c_void_p(self._library.rd_kafka_conf_new())
        self._client = ctypes.c_void_p(self._library.rd_kafka_new(_PRODUCER, configuration, None, ctypes.c_size_t(0)))
        self._cluster = ctypes.c_void_p(self._library.rd_kafka_mock_cluster_new(self._client, 1))
        address = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self.settings = BrokerSettings(kafka_bootstrap_servers=address)
        for topic in TOPICS:
            name, partitions = self.settings.topic(topic).encode(), self.settings.partitions(topic)
            self._library.rd_kafka_mock_topic_create(self._cluster, name, partitions, 1)

    def refuse(self, request: Request, error: int, times: int) -> None:
        """The next requests of a kind get this error code for an answer."""
        errors = (ctypes.c_int * times)(*[error] * times)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(request), ctypes.c_size_t(times), errors
        )

    def close(self) -> None:
        """End it."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


@contextmanager
def mock_kafka(found: Path) -> Iterator[MockKafka]:
    """Ended with the block."""
    kafka = MockKafka(found)
    try:
        yield kafka
    finally:
        kafka.close()
