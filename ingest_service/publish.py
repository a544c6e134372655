"""Articles to their topic."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faststream.kafka import KafkaBroker

from shared.errors import BrokerUnavailableError, PermanentError
from shared.events import Article
from shared.settings import BrokerSettings
from shared.topics import ARTICLES

HEADERS = {"content-type": "application/json"}


class ArticlePublisher:
    """Publishes through a connected FastStream broker; documented in its AsyncAPI schema."""

    def __init__(self, broker: KafkaBroker, settings: BrokerSettings) -> None:
        self._publisher = broker.publisher(
            settings.topic(ARTICLES), title="articles", schema=Article, description="Normalised articles, by article_id"
        )

    async def publish(self, articles: Sequence[Article]) -> None:
        """Returns once the broker has all of them; raises if it may not have one.

        Repeating is harmless: an article that got through has the same id and revision again.
        """
        try:
            await asyncio.gather(*(self._send(article) for article in articles))
        except MessageSizeTooLargeError as error:
            raise PermanentError(f"an article is larger than Kafka takes: {error}") from error
        except (KafkaError, OSError) as error:
            raise BrokerUnavailableError(f"Kafka did not acknowledge: {error}. Run the command again.") from error

    async def _send(self, article: Article) -> None:
        record = article.model_dump_json().encode()
        await self._publisher.publish(record, key=article.article_id.encode(), headers=HEADERS)
