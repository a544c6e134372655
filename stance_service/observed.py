"""Which actors each article was last observed to speak of, so that a revision or retraction reaches them.

The compacted topic is the memory; this is its projection, read on to the end whenever it is asked.
"""

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

from shared import topics
from shared.broker import consumer
from shared.errors import TransientError
from shared.events import Digest, ObservedArticle, Slug
from shared.settings import BrokerSettings

_PATIENCE_SECONDS = 30.0


class ObservedArticles:
    """Reads `stance.observed-articles.v1`; not for several threads at once."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._topic = settings.topic(topics.OBSERVED_ARTICLES)
        self._actors: dict[Digest, tuple[Slug, ...]] = {}
        self._consumer = consumer(settings, "observed-articles", options={"enable.partition.eof": True})
        self._partitions: list[TopicPartition] = []

    def actors(self, article_id: Digest) -> tuple[Slug, ...]:
        """The actors that the article's latest observed revision showed; empty for an unknown article."""
        self._partitions = self._continued() if self._partitions else self._from_the_beginning()
        self._consumer.assign(self._partitions)
        self._read_to_end()
        return self._actors.get(article_id, ())

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _from_the_beginning(self) -> list[TopicPartition]:
        known = self._consumer.list_topics(self._topic, _PATIENCE_SECONDS).topics[self._topic]
        return [TopicPartition(self._topic, p, OFFSET_BEGINNING) for p in known.partitions]

    def _continued(self) -> list[TopicPartition]:
        positions = self._consumer.position(self._partitions)
        return [
            TopicPartition(p.topic, p.partition, p.offset if p.offset >= 0 else OFFSET_BEGINNING) for p in positions
        ]

    def _read_to_end(self) -> None:
        open_partitions = {p.partition for p in self._partitions}
        while open_partitions:
            message = self._consumer.poll(_PATIENCE_SECONDS)
            if message is None:
                raise TransientError(f"{self._topic} can't be read: no answer for {_PATIENCE_SECONDS:.0f} s")
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition() or 0)
            elif error is not None:
                raise TransientError(f"{self._topic} can't be read: {error}")
            elif (value := message.value()) is not None:
                observed = ObservedArticle.model_validate_json(value)
                self._actors[observed.article_id] = observed.actors
