"""What is on the topics, read with a client that shares no code with ours: kafka-python, `read_committed`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from shared.settings import BrokerSettings
from shared.topics import Topic

SECONDS = 120.0


@dataclass(frozen=True)
class Row:
    """A record as bytes; equal to another wherever the two lie."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def rows(settings: BrokerSettings, topic: Topic) -> dict[int, list[Row]]:
    """All committed records of a topic, by partition."""
    with _consumer(settings, "read_committed") as consumer:
        places = [TopicPartition(settings.topic(topic), number) for number in range(topic.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: dict[int, list[Row]] = {place.partition: [] for place in places}
        deadline = time.monotonic() + SECONDS
        while any(consumer.position(place) < ends[place] for place in places):
            assert time.monotonic() < deadline, f"{settings.topic(topic)} does not end"
            for place, records in consumer.poll(500, max_records=5000).items():
                found[place.partition] += [Row(it.key, it.value, tuple(it.headers)) for it in records]
        return found


def ends(settings: BrokerSettings, topic: Topic, isolation: str = "read_uncommitted") -> dict[int, int]:
    """The offset after the last record of each partition; `read_committed`: that no open transaction holds back."""
    with _consumer(settings, isolation) as consumer:
        places = [TopicPartition(settings.topic(topic), number) for number in range(topic.partitions)]
        return {place.partition: offset for place, offset in consumer.end_offsets(places).items()}


def committed(settings: BrokerSettings, group: str, topic: Topic) -> dict[int, int]:
    """The offsets that a group has committed."""
    name = settings.kafka_topic_prefix + group
    offsets = _administered(settings, lambda admin: admin.list_group_offsets(name)[name])
    return {
        place.partition: at.offset
        for place, at in offsets.items()
        if place.topic == settings.topic(topic) and at.offset >= 0
    }


def rebalances(settings: BrokerSettings, group: str) -> bool:
    """Whether the group is sharing its work out anew."""
    name = settings.kafka_topic_prefix + group
    state: str = _administered(settings, lambda admin: admin.describe_groups([name])[name]["group_state"])
    return state.endswith("Rebalance")


def _administered(settings: BrokerSettings, ask: Callable[[KafkaAdminClient], Any]) -> Any:
    """What the broker answers, asked again while it says that it will soon know."""
    deadline = time.monotonic() + SECONDS
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    try:
        while True:
            try:
                return ask(admin)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
    finally:
        admin.close()


@contextmanager
def _consumer(settings: BrokerSettings, isolation: str) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        isolation_level=isolation,
        enable_auto_commit=False,
        fetch_max_bytes=16_000_000,
    )
    try:
        yield consumer
    finally:
        consumer.close()
