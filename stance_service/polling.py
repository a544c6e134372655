"""Wait for records without keeping a processor busy."""

import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from shared.dead_letters import Record

POLL_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 10.0

END_OF_PARTITION: Final[dict[str, object]] = {"enable.partition.eof": True}
"""What a consumer needs for `ended`, and to be polled sparingly."""

_MOVING: Final = frozenset(
    {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART}
)
"""What a broker answers for a moment after a partition was made or changed its leader."""


def watermarks(consumer: Consumer, place: TopicPartition, seconds: float) -> tuple[int, int]:
    """The first offset of a partition and the next one to be written; KafkaException if nobody knows in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            known = consumer.get_watermark_offsets(place, max(0.1, deadline - time.monotonic()), cached=False)
        except KafkaException as error:
            if error.args[0].code() not in _MOVING or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            if known is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            return known


class Poller:
    """Records from a consumer, whose rebalances are served meanwhile.

    `sparing` is for the embedded broker, which answers at once that there is nothing, again and again: a partition
    read to its end is asked only every `POLL_SECONDS` whether it has grown.
    """

    def __init__(self, consumer: Consumer, *, sparing: bool) -> None:
        self._consumer = consumer
        self._sparing = sparing
        self._resting: dict[tuple[str, int], int] = {}
        self.ended: set[tuple[str, int]] = set()
        """Topic and number of each partition that was read to its end, even if it has grown since."""

    def poll(self, count: int) -> list[Record]:
        """Up to so many records, or none after `POLL_SECONDS`; KafkaException for what the client reports."""
        records: list[Record] = []
        for message in self._consumer.consume(count, POLL_SECONDS):
            error = message.error()
            if error is None:
                records.append(Record.of_confluent(message))
                continue
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if error.code() != KafkaError._PARTITION_EOF or topic is None or partition is None or offset is None:
                raise KafkaException(error)
            self.ended.add((topic, partition))
            self._rest(topic, partition, offset)
        if self._resting and not records:
            self._look()
        return records

    def _rest(self, topic: str, partition: int, offset: int) -> None:
        if self._sparing and self._is_ours(topic, partition):
            self._resting[topic, partition] = offset
            self._consumer.pause([TopicPartition(topic, partition)])

    def _look(self) -> None:
        """Wakes the partitions that have grown, and forgets those given up."""
        for (topic, partition), offset in list(self._resting.items()):
            place = TopicPartition(topic, partition)
            if not self._is_ours(topic, partition):
                del self._resting[topic, partition]
                continue
            _, end = watermarks(self._consumer, place, _ANSWER_SECONDS)
            if end > offset:
                del self._resting[topic, partition]
                self._consumer.resume([place])

    def _is_ours(self, topic: str, partition: int) -> bool:
        return any((each.topic, each.partition) == (topic, partition) for each in self._consumer.assignment())
