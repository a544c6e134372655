"""Topics read to where they end at present."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared.errors import BrokerUnavailableError

TELL_ENDS: Final[dict[str, object]] = {"enable.partition.eof": True}
"""Options of consumers that read to the end, or are polled sparingly there."""
_TURN_SECONDS: Final = 0.2


def beginnings(reader: Consumer, topic: str, seconds: float) -> list[TopicPartition]:
    """Where the partitions of a topic begin; none, if there is no such topic.

    Raises BrokerUnavailableError if Kafka does not answer in time.
    """
    try:
        known = reader.list_topics(topic, seconds).topics[topic]
    except KafkaException as error:
        raise _unreadable(topic, error.args[0].str()) from error
    if known.error is not None and known.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise _unreadable(topic, known.error.str())
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known.partitions]


def to_the_end(
    reader: Consumer,
    places: Sequence[TopicPartition],
    seconds: float,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Message]:
    """The records of a topic, from these places to the present ends of their partitions.

    The reader stays assigned. Raises BrokerUnavailableError when Kafka says nothing for so many seconds, or `stopped`.
    """
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
            raise _unreadable(places[0].topic, error.str())
        deadline = time.monotonic() + seconds


def _unreadable(topic: str, reason: str) -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{topic} can't be read: {reason}")
