"""Which Apache Kafka the tests run against: the first of an address, a container, the local jars."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kafka import apache, container

untested: list[str] = []
"""Why there was no Apache Kafka, if it was asked for and there was none; shown at the end of the run."""


class NoApacheKafkaError(Exception):
    """There is none to test against; says what each way to get one lacks."""


@contextmanager
def apache_kafka(folder: Path) -> Iterator[str]:
    """The address of an Apache Kafka; one that is started here has its files in `folder`."""
    if address := os.environ.get("STANCE_TEST_KAFKA"):
        yield address
    elif (no_container := container.missing()) is None:
        with container.contained(folder) as address:
            yield address
    elif (no_jars := apache.missing()) is None:
        with apache.ApacheKafka(folder) as kafka:
            yield kafka.address
    else:
        reason = (
            f"set STANCE_TEST_KAFKA to the address of one; or start a container engine ({no_container}); or {no_jars}"
        )
        untested.append(reason)
        raise NoApacheKafkaError(reason)
