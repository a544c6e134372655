"""All that is committed on a topic, from its beginning."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared import broker
from shared.errors import TransientError
from shared.settings import BrokerSettings
from shared.topics import Topic
from stance_service.polling import END_OF_PARTITION, POLL_SECONDS

BATCH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Extent:
    """The first offset of a partition, and the next one to be written."""

    first: int
    end: int


def extents(settings: BrokerSettings, topic: Topic) -> dict[int, Extent]:
    """Of all partitions; `end` counts what is written and not committed yet."""
    name, seconds = settings.topic(topic), settings.kafka_timeout_seconds
    consumer = broker.consumer(settings, "reader", options={"isolation.level": "read_uncommitted"})
    try:
        known = consumer.list_topics(name, seconds).topics[name]
        if known.error is not None:
            raise KafkaException(known.error)
        return {
            number: Extent(*broker.watermarks(consumer, TopicPartition(name, number), seconds))
            for number in sorted(known.partitions)
        }
    finally:
        consumer.close()


def committed(
    settings: BrokerSettings,
    topic: Topic,
    partitions: Mapping[int, Extent],
    beat: Callable[[], None] = lambda: None,
) -> Iterator[list[Message]]:
    """The records of some partitions, at least up to the end given; what is of an open transaction is waited for.

    Raises KafkaException, and TransientError if a transaction stays open. `beat` is called again and again.
    """
    name = settings.topic(topic)
    consumer = broker.consumer(settings, "reader", options=END_OF_PARTITION)
    try:
        missing = {number: extent.end for number, extent in partitions.items() if extent.end > extent.first}
        consumer.assign([TopicPartition(name, number, partitions[number].first) for number in missing])
        moved = time.monotonic()
        while missing:
            beat()
            messages = _collect(consumer, missing)
            if messages:
                moved = time.monotonic()
                yield messages
            elif time.monotonic() - moved > settings.kafka_timeout_seconds:
                raise TransientError(
                    f"{name}: partitions {sorted(missing)} can't be read to their ends: no answer, or a transaction "
                    f"that was open for {settings.kafka_timeout_seconds:.0f} s. Try again later."
                )
    finally:
        consumer.close()


def _collect(consumer: Consumer, missing: dict[int, int]) -> list[Message]:
    """Some records, striking out of `missing` the partitions that were read to their end."""
    messages: list[Message] = []
    for message in consumer.consume(BATCH, POLL_SECONDS):
        error, number, offset = message.error(), message.partition() or 0, message.offset() or 0
        if error is None:
            messages.append(message)
            ended = offset + 1 >= missing.get(number, 0)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended = offset >= missing.get(number, 0)
        else:
            raise KafkaException(error)
        if ended:
            missing.pop(number, None)
    return messages
