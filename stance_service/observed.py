"""Which actors each article was last observed to speak of, so that a revision or retraction reaches them.

The compacted topic is the memory; this is its projection, read on to the end whenever it is asked.
"""

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from shared import topics
from shared.broker import consumer
from shared.events import Digest, ObservedArticle, Slug
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS, beginnings, to_the_end


class ObservedArticles:
    """Reads `stance.observed-articles.v1`; not for several threads at once."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._topic = settings.topic(topics.OBSERVED_ARTICLES)
        self._actors: dict[Digest, tuple[Slug, ...]] = {}
        self._consumer = consumer(settings, "observed-articles", options=TELL_ENDS)
        self._partitions: list[TopicPartition] = []

    def actors(self, article_id: Digest) -> tuple[Slug, ...]:
        """The actors that the article's latest observed revision showed; empty for an unknown article."""
        self._partitions = self._continued() or beginnings(self._settings, self._consumer, self._topic)
        for message in to_the_end(self._settings, self._consumer, self._partitions):
            if (value := message.value()) is not None:
                observed = ObservedArticle.model_validate_json(value)
                self._actors[observed.article_id] = observed.actors
        return self._actors.get(article_id, ())

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _continued(self) -> list[TopicPartition]:
        positions = self._consumer.position(self._partitions)
        return [
            TopicPartition(p.topic, p.partition, p.offset if p.offset >= 0 else OFFSET_BEGINNING) for p in positions
        ]
