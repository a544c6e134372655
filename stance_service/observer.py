"""The `observe` loop on FastStream: articles in, observations out, at least once.

Ids derive from content, so a repeat after a crash changes nothing. A record that can't be understood, or that the
classifier fails on, is parked and the rest goes on; a run of them stops the worker, since then the fault is ours.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import Producer
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import ValidationError

from shared import topics
from shared.dead_letters import DeadLetter, Record, park
from shared.errors import PermanentError, TransientError
from shared.events import ARTICLE_EVENT, Article, Observation, ObservedArticle, Retraction, UtcDatetime, Withdrawal
from shared.observability import RECORDS, project_version
from shared.settings import BrokerSettings
from stance_service.classifiers.base import ArticleText, Classifier, Judgement, ModelError
from stance_service.observe import events, statements, withdrawals
from stance_service.observed import ObservedArticles

GROUP: Final = "observe"
BATCH: Final = 32
PARKED_IN_A_ROW: Final = 50
LONGEST_BATCH_MS: Final = 15 * 60 * 1000
RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0)

log = logging.getLogger(__name__)


@dataclass
class Observer:
    """Handles batches of `articles.v1`. `now` gives the processing time of a batch."""

    settings: BrokerSettings
    classifier: Classifier
    observed: ObservedArticles
    dead: Producer
    now: Callable[[], UtcDatetime] = lambda: datetime.now(UTC)
    failure: Exception | None = field(default=None, init=False)
    _parked_in_a_row: int = field(default=0, init=False)

    def subscribe(self, broker: KafkaBroker, member: str | None, stop: Callable[[], None]) -> None:
        """Register the handler; the broker starts it. The first error is kept as `failure` and calls `stop`."""

        async def raw(message: KafkaMessage) -> list[bytes | None]:
            return [record.value for record in message.raw_message]

        session_ms, heartbeat_ms = self.settings.session_ms
        handle = broker.subscriber(
            self.settings.topic(topics.ARTICLES),
            group_id=self.settings.kafka_topic_prefix + GROUP,
            group_instance_id=member and f"{self.settings.kafka_topic_prefix}{GROUP}-{member}",
            batch=True,
            max_records=BATCH,
            max_poll_interval_ms=LONGEST_BATCH_MS,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=heartbeat_ms,
            auto_offset_reset="earliest",
            decoder=raw,
            title="articles",
            description="Article or Retraction, keyed by article_id",
        )

        @handle
        async def observe(body: list[Any], message: KafkaMessage) -> None:  # noqa: ARG001 (FastStream passes it)
            if self.failure is not None:  # FastStream would read on, and the next ack would skip what failed
                return
            try:
                await self.handle([Record.of_aiokafka(r) for r in message.raw_message], broker.publish)
                await message.ack()
            except Exception as error:
                self.failure = error
                stop()

    async def handle(self, records: Sequence[Record], publish: Callable[..., Awaitable[Any]]) -> None:
        """Publish what a batch shows, or park its bad records; returns when the broker has it all."""
        readable = [(r, e) for r in records if (e := await self._decoded(r)) is not None]
        articles = [(r, e) for r, e in readable if isinstance(e, Article)]
        judged = dict(zip((_place(r) for r, _ in articles), await self._judge(articles), strict=True))
        sending = []
        for record, event in readable:
            found = await self._events(event, judged.get(_place(record)))
            if found is not None:
                sending += [publish(*a, **k) for a, k in self._messages(event, found)]
                RECORDS.labels(topics.ARTICLES.name, "observed").inc()
        await asyncio.gather(*sending)

    async def _decoded(self, record: Record) -> Article | Retraction | None:
        try:
            event = ARTICLE_EVENT.validate_json(record.value or b"")
        except ValidationError as error:
            await self._park(record, f"not an article: {error}")
            return None
        self._parked_in_a_row = 0
        return event

    async def _judge(self, articles: Sequence[tuple[Record, Article]]) -> list[list[Judgement] | None]:
        texts = [ArticleText(a.title, a.body, a.language) for _, a in articles]
        try:
            return list(await self._classify(texts))
        except (TransientError, ModelError):  # nothing is wrong with the article: it waits
            raise
        except Exception:
            log.exception("a batch of %d articles failed; trying them one by one", len(texts))
        return [await self._judge_alone(*pair, text) for pair, text in zip(articles, texts, strict=True)]

    async def _judge_alone(self, record: Record, article: Article, text: ArticleText) -> list[Judgement] | None:
        try:
            return (await self._classify([text]))[0]
        except (TransientError, ModelError):
            raise
        except Exception as error:
            log.exception("article %s failed", article.article_id)
            await self._park(record, f"the classifier failed: {type(error).__name__}: {error}")
            return None

    async def _classify(self, texts: Sequence[ArticleText]) -> list[list[Judgement]]:
        """Retries while the model is out of reach; raises TransientError when it stays so."""
        for delay in RETRY_SECONDS:
            try:
                return await asyncio.to_thread(lambda: list(self.classifier.classify(texts)))
            except TransientError as error:
                log.warning("the classifier is out of reach, trying again in %.0f s: %s", delay, error)
                await asyncio.sleep(delay)
        return await asyncio.to_thread(lambda: list(self.classifier.classify(texts)))

    async def _events(
        self, event: Article | Retraction, judgements: list[Judgement] | None
    ) -> Sequence[Observation | Withdrawal] | None:
        """What to publish; None for an article that was parked."""
        earlier = await self._earlier_actors(event)
        if isinstance(event, Retraction):
            return withdrawals(event, earlier, self.now())
        if judgements is None:
            return None
        text = ArticleText(event.title, event.body, event.language)
        found = statements(text, event.published_at.date(), judgements)
        return events(event, found, earlier, self.classifier.version, self.now())

    async def _earlier_actors(self, event: Article | Retraction) -> tuple[str, ...]:
        if isinstance(event, Article) and event.revision == 1:
            return ()
        return await asyncio.to_thread(self.observed.actors, event.article_id)

    def _messages(
        self, event: Article | Retraction, found: Sequence[Observation | Withdrawal]
    ) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        observations, observed = self.settings.topic(topics.OBSERVATIONS), topics.OBSERVED_ARTICLES
        actors = sorted({o.actor for o in found})  # also the withdrawn: a crash may have kept it from them
        latest = ObservedArticle(article_id=event.article_id, revision=event.revision, actors=tuple(actors))
        memory = {"topic": self.settings.topic(observed), "key": event.article_id.encode()}
        return [
            *(((o,), {"topic": observations, "key": o.actor.encode()}) for o in found),
            ((latest,), memory),
        ]

    async def _park(self, record: Record, reason: str) -> None:
        log.error("parked %s %d/%d: %s", record.topic, record.partition, record.offset, reason)
        await asyncio.to_thread(
            park, self.dead, DeadLetter(record, reason, "stance-service observe", project_version())
        )
        RECORDS.labels(topics.ARTICLES.name, "parked").inc()
        self._parked_in_a_row += 1
        if self._parked_in_a_row >= PARKED_IN_A_ROW:
            raise PermanentError(
                f"{PARKED_IN_A_ROW} records of {record.topic} in a row had to be parked, the last because: {reason}"
            )


def _place(record: Record) -> tuple[int, int]:
    return record.partition, record.offset
