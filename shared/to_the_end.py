"""Topics read to where they end at present."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared import access
from shared.errors import BrokerUnavailableError
from shared.settings import BrokerSettings

TELL_ENDS: Final[dict[str, object]] = {"enable.partition.eof": True}
"""Options of consumers that read to the end, or are polled sparingly there."""
_TURN_SECONDS: Final = 0.2


def beginnings(settings: BrokerSettings, reader: Consumer, topic: str) -> list[TopicPartition]:
    """Where the partitions of a topic begin; none, if there is no such topic.

    Raises BrokerUnavailableError if Kafka does not answer in time, or refuses.
    """
    try:
        known = reader.list_topics(topic, settings.kafka_timeout_seconds).topics[topic]
    except KafkaException as error:
        raise _unreadable(topic, access.told(settings, error)) from error
    if known.error is not None and known.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise _unreadable(topic, access.told(settings, KafkaException(known.error)))
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known.partitions]


def to_the_end(
    settings: BrokerSettings,
    reader: Consumer,
    places: Sequence[TopicPartition],
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Message]:
    """The records of a topic, from these places to the present ends of their partitions.

    The reader stays assigned. Raises BrokerUnavailableError when Kafka says nothing for STANCE_KAFKA_TIMEOUT_SECONDS,
    when it refuses, or when `stopped`.
    """
    seconds = settings.kafka_timeout_seconds
    reader.assign(list(places))
    unread = {place.partition for place in places}
    deadline = time.monotonic() + seconds
    while unread:
        message = reader.poll(_TURN_SECONDS)
        if stopped():
            raise _unreadable(places[0].topic, "reading was stopped")
        if message is None:
            if time.monotonic() > deadline:
                raise _unreadable(places[0].topic, f"no answer for {seconds:.0f} s")
            continue
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:
            unread.discard(message.partition() or 0)
        else:
            raise _unreadable(places[0].topic, access.told(settings, KafkaException(error)))
        deadline = time.monotonic() + seconds


def _unreadable(topic: str, reason: str) -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{topic} can't be read: {reason}")
