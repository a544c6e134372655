"""Wait for records without keeping a processor busy."""

from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from shared.dead_letters import Record

POLL_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 10.0

END_OF_PARTITION: Final[dict[str, object]] = {"enable.partition.eof": True}
"""What a consumer needs for `ended`, and to be polled sparingly."""


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
            _, end = self._consumer.get_watermark_offsets(place, _ANSWER_SECONDS, cached=False)
            if end > offset:
                del self._resting[topic, partition]
                self._consumer.resume([place])

    def _is_ours(self, topic: str, partition: int) -> bool:
        return any((each.topic, each.partition) == (topic, partition) for each in self._consumer.assignment())
