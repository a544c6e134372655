"""Write to and read from topics in tests, with a deadline and no sleep."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

from shared import broker, topics
from shared.dead_letters import Record
from shared.events import Observation, Withdrawal
from shared.settings import BrokerSettings

DEADLINE = 60.0


def publish(settings: BrokerSettings, records: Iterable[Observation | Withdrawal]) -> None:
    """To the observations, each on the partition of its actor."""
    write(settings, topics.OBSERVATIONS, ((each.actor, each.model_dump_json()) for each in records))


def write(settings: BrokerSettings, topic: topics.Topic, records: Iterable[tuple[str, str]]) -> None:
    """Keys and values as they are; returns when they are there."""
    producer = broker.producer(settings)
    for key, value in records:
        producer.produce(settings.topic(topic), key=key.encode(), value=value.encode())
    assert producer.flush(DEADLINE) == 0


def read(settings: BrokerSettings, topic: topics.Topic) -> list[Record]:
    """All that is committed now, partition by partition."""
    consumer = broker.consumer(settings, "test-reader", options={"enable.partition.eof": True})
    name, open_ends = settings.topic(topic), set(range(topic.partitions))
    consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in open_ends])
    deadline = time.monotonic() + DEADLINE
    found: list[Record] = []
    try:
        while open_ends:
            assert time.monotonic() < deadline, f"partitions {open_ends} of {name} do not end"
            for message in consumer.consume(1000, 0.1):
                error = message.error()
                if error is None:
                    found.append(Record.of_confluent(message))
                else:
                    assert error.code() == KafkaError._PARTITION_EOF
                    open_ends.discard(message.partition() or 0)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


@contextmanager
def progress_of(settings: BrokerSettings, group: str, topic: topics.Topic) -> Iterator[Callable[[], bool]]:
    """Tells, whenever it is asked, whether a group has committed all that is on a topic."""
    consumer = broker.consumer(settings, group)
    places = [TopicPartition(settings.topic(topic), number) for number in range(topic.partitions)]

    def all_read() -> bool:
        ends = [broker.watermarks(consumer, place, DEADLINE)[1] for place in places]
        return all(
            max(at.offset, 0) >= end for at, end in zip(broker.committed(consumer, places, 10), ends, strict=True)
        )

    try:
        yield all_read
    finally:
        consumer.close()


def wait_until_read(settings: BrokerSettings, group: str, topic: topics.Topic, seconds: float = DEADLINE) -> bool:
    """True as soon as a group has read all of a topic; False if it hasn't after so many seconds."""
    deadline = time.monotonic() + seconds
    with progress_of(settings, group, topic) as all_read:
        while not all_read():
            if time.monotonic() > deadline:
                return False
    return True
