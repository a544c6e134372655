"""How much of a topic a consumer group has yet to read."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, TopicPartition

from shared import broker
from shared.settings import BrokerSettings
from shared.topics import Topic


class Lag:
    """Of one group on one topic."""

    def __init__(self, settings: BrokerSettings, group: Consumer, topic: Topic) -> None:
        self._name = settings.topic(topic)
        self._group = group
        self._timeout = settings.kafka_timeout_seconds

    def progress(self) -> tuple[int, int]:
        """Offsets read and offsets there are. Transaction markers count among both once all is read."""
        listed = self._group.list_topics(self._name, self._timeout).topics[self._name].partitions
        partitions = [TopicPartition(self._name, number) for number in listed]
        read = there = 0
        for committed in self._group.committed(partitions, self._timeout):
            _, end = self._group.get_watermark_offsets(
                TopicPartition(self._name, committed.partition), self._timeout, cached=False
            )
            read += max(committed.offset, 0)
            there += end
        return read, there


@contextmanager
def lag(settings: BrokerSettings, group: str, topic: Topic) -> Iterator[Lag]:
    """Looks at a group without being a member."""
    consumer = broker.consumer(settings, group)
    try:
        yield Lag(settings, consumer, topic)
    finally:
        consumer.close()
