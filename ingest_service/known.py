"""What has been published already, read back from the topic itself: there is no second truth to go stale."""

import logging
import time
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition
from pydantic import ValidationError

from ingest_service.identity import fingerprint
from shared.broker import consumer
from shared.errors import BrokerUnavailableError
from shared.events import ARTICLE_EVENT, Article, Retraction
from shared.settings import BrokerSettings
from shared.topics import ARTICLES


@dataclass
class PublishedArticles:
    """The latest revision of every article, and a fingerprint of what it says (None: retracted)."""

    latest: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def next_revision(self, article: Article) -> Article | None:
        """The article with the revision it should be published as, or None if the latest says the same."""
        revision, said = self.latest.get(article.article_id, (0, None))
        if said == fingerprint(article):
            return None
        return article.model_copy(update={"revision": revision + 1})

    def add(self, event: Article | Retraction) -> None:
        """Take note of what is on the topic; the highest revision prevails."""
        said = fingerprint(event) if isinstance(event, Article) else None
        if event.revision >= self.latest.get(event.article_id, (0, None))[0]:
            self.latest[event.article_id] = (event.revision, said)


def read_published(settings: BrokerSettings) -> PublishedArticles:
    """Read the topic of articles to its present end."""
    published = PublishedArticles()
    reader = consumer(settings, "ingest-known", options={"enable.partition.eof": True})
    topic = settings.topic(ARTICLES)
    try:
        partitions = reader.list_topics(topic, settings.kafka_timeout_seconds).topics[topic].partitions
        reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        unread = set(partitions)
        deadline = time.monotonic() + settings.kafka_timeout_seconds
        while unread:
            for message in reader.consume(1000, 0.1):
                deadline = time.monotonic() + settings.kafka_timeout_seconds
                error = message.error()
                if error is None:
                    _note(published, message.value())
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(f"Kafka stopped answering while {topic} was read")
    finally:
        reader.close()
    return published


def _note(published: PublishedArticles, value: str | bytes | None) -> None:
    try:
        published.add(ARTICLE_EVENT.validate_json(value or b""))
    except ValidationError as error:
        logging.getLogger(__name__).warning("a record of the topic of articles is none: %s", error)
