"""Read a part of a topic, whoever reads it otherwise: without a group."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared import access, broker
from shared.errors import TransientError
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS
from stance_service.polling import POLL_SECONDS
from stance_service.restore import BATCH

Spans = Mapping[int, tuple[int, int]]
"""By partition, the first offset and the first one after."""


def offsets_at(settings: BrokerSettings, topic: str, at: datetime, highs: Mapping[int, int]) -> dict[int, int]:
    """By partition, the offset of the first record that was written then or later; `highs` where there is none."""
    consumer = broker.consumer(settings, "scan")
    try:
        asked = [TopicPartition(topic, number, int(at.timestamp() * 1000)) for number in highs]
        found = consumer.offsets_for_times(asked, settings.kafka_timeout_seconds)
    except KafkaException as error:
        raise TransientError(
            f"{topic} could not be asked for {at.isoformat()}: {access.told(settings, error)}"
        ) from error
    finally:
        consumer.close()
    return {each.partition: each.offset if each.offset >= 0 else highs[each.partition] for each in found}


def ends(settings: BrokerSettings, topic: str, *, uncommitted: bool = False) -> dict[int, tuple[int, int]]:
    """By partition, the offsets of all that is on a topic now; also of what is `uncommitted` yet, if that is asked."""
    seconds = settings.kafka_timeout_seconds
    options = {"isolation.level": "read_uncommitted"} if uncommitted else {}
    consumer = broker.consumer(settings, "scan", options=options)
    try:
        numbers = consumer.list_topics(topic, seconds).topics[topic].partitions
        return {
            number: broker.watermarks(consumer, TopicPartition(topic, number), seconds) for number in sorted(numbers)
        }
    except KafkaException as error:
        raise TransientError(f"{topic} could not be asked how far it goes: {access.told(settings, error)}") from error
    finally:
        consumer.close()


def scan(
    settings: BrokerSettings, topic: str, spans: Spans, beat: Callable[[], None] = lambda: None
) -> Iterator[list[Message]]:
    """The committed records of a part, in the order of each partition; what is of an open transaction is waited for.

    `beat` is called again and again meanwhile.
    """
    consumer = broker.consumer(settings, "scan", options=TELL_ENDS)
    left = {number: end for number, (first, end) in spans.items() if first < end}
    moved = time.monotonic()
    try:
        consumer.assign([TopicPartition(topic, number, spans[number][0]) for number in left])
        while left:
            beat()
            messages, reached = _collected(consumer)
            yield [each for each in messages if (each.offset() or 0) < left.get(each.partition() or 0, 0)]
            if messages:
                moved = time.monotonic()
            elif time.monotonic() - moved > settings.kafka_timeout_seconds:
                raise TransientError(f"{topic} could not be read to its end: no answer, or a transaction stays open")
            left = {number: end for number, end in left.items() if reached.get(number, 0) < end}
    except KafkaException as error:
        raise TransientError(f"{topic} could not be read: {access.told(settings, error)}") from error
    finally:
        consumer.close()


def _collected(consumer: Consumer) -> tuple[list[Message], dict[int, int]]:
    """Records, and how far each partition was read: behind the last record may lie the marks of transactions."""
    messages: list[Message] = []
    reached: dict[int, int] = {}
    for message in consumer.consume(BATCH, POLL_SECONDS):
        error, number, offset = message.error(), message.partition() or 0, message.offset() or 0
        if error is None:
            messages.append(message)
            reached[number] = offset + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            reached[number] = offset
        else:
            raise KafkaException(error)
    return messages, reached
