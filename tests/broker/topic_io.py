"""Write to and read from topics in tests, with a deadline and no sleep."""

import time
from collections.abc import Iterable

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


def all_read(settings: BrokerSettings, group: str, topic: topics.Topic) -> bool:
    """Whether a group has committed all that is on a topic."""
    consumer = broker.consumer(settings, group)
    try:
        name = settings.topic(topic)
        for position in consumer.committed([TopicPartition(name, n) for n in range(topic.partitions)], 10):
            _, end = consumer.get_watermark_offsets(TopicPartition(name, position.partition), 10, cached=False)
            if max(position.offset, 0) < end:
                return False
        return True
    finally:
        consumer.close()


def wait_until_read(settings: BrokerSettings, group: str, topic: topics.Topic) -> None:
    """Polls until `all_read`."""
    deadline = time.monotonic() + DEADLINE
    while not all_read(settings, group, topic):
        assert time.monotonic() < deadline, f"{group} has not read all of {topic.name}"
