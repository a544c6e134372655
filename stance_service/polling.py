"""Wait for records without keeping a processor busy."""

import time
from collections.abc import Set
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared.broker import watermarks
from shared.dead_letters import Record
from shared.observability import LAG

POLL_SECONDS: Final = 0.2
LAG_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 10.0


class Poller:
    """Records from a consumer, whose rebalances are served meanwhile.

    `sparing` is for the embedded broker, which answers at once that there is nothing, again and again: a partition
    read to its end is asked only every `POLL_SECONDS` whether it has grown. Every now and then `LAG` is set from what
    the client has heard.
    """

    def __init__(self, consumer: Consumer, *, sparing: bool) -> None:
        self._consumer = consumer
        self._sparing = sparing
        self._resting: dict[tuple[str, int], int] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._held = False
        self._reported_at = -LAG_SECONDS
        self._reported: set[tuple[str, int]] = set()

    @property
    def ended(self) -> Set[tuple[str, int]]:
        """Topic and number of each partition that was read to its end, even if it has grown since."""
        return self._ends.keys()

    def poll(self, count: int) -> list[Record]:
        """Up to so many records, or none after `POLL_SECONDS`; KafkaException for what the client reports."""
        return [Record.of_confluent(message) for message in self.messages(count)]

    def messages(self, count: int) -> list[Message]:
        """The same as the client has them, at less cost."""
        if self._held:
            self._consumer.resume(self._awake())
            self._held = False
        messages = self._collect(count)
        if self._resting and not messages:
            self._look()
        if time.monotonic() - self._reported_at >= LAG_SECONDS:
            self._report()
        return messages

    def hold(self) -> list[Record]:
        """Serves rebalances for `POLL_SECONDS` at most while the caller is busy elsewhere.

        Nothing more is fetched until the next `poll`; what a new assignment brought in meanwhile is the result.
        """
        self._consumer.pause(self._awake())
        self._held = True
        return [Record.of_confluent(message) for message in self._collect(1)]

    def _awake(self) -> list[TopicPartition]:
        return [each for each in self._consumer.assignment() if (each.topic, each.partition) not in self._resting]

    def _collect(self, count: int) -> list[Message]:
        messages: list[Message] = []
        for message in self._consumer.consume(count, POLL_SECONDS):
            error = message.error()
            if error is None:
                messages.append(message)
                continue
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if error.code() != KafkaError._PARTITION_EOF or topic is None or partition is None or offset is None:
                raise KafkaException(error)
            self._ends[topic, partition] = offset
            self._rest(topic, partition, offset)
        return messages

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

    def _report(self) -> None:
        self._reported_at = time.monotonic()
        ours = self._consumer.assignment()
        for at in self._consumer.position(ours):
            place = (at.topic, at.partition)
            known = self._consumer.get_watermark_offsets(at, cached=True)
            read = max(at.offset, self._ends.get(place, -1))  # past the end's transaction markers there is no position
            if known is not None and min(known[1], read) >= 0:
                LAG.labels(*place).set(max(0, known[1] - read))
        now_ours = {(each.topic, each.partition) for each in ours}
        for gone in self._reported - now_ours:
            LAG.remove(*gone)
        self._reported = now_ours

    def _is_ours(self, topic: str, partition: int) -> bool:
        return any((each.topic, each.partition) == (topic, partition) for each in self._consumer.assignment())
