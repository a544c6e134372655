"""A batch of articles to observations, at least once.

Ids derive from content, so a repeat after a crash changes nothing. A record that can't be understood, or that the
classifier fails on, is parked and the rest goes on; a run of them stops the worker, since then the fault is ours.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import Producer
from pydantic import ValidationError

from shared import topics
from shared.dead_letters import DeadLetter, Record, park
from shared.errors import PermanentError, TransientError
from shared.events import ARTICLE_EVENT, Article, Observation, ObservedArticle, Retraction, UtcDatetime, Withdrawal
from shared.observability import MODEL_SECONDS, RECORDS, REFUSED_OBSERVATIONS, project_version
from shared.settings import BrokerSettings
from stance_service.classifiers.base import ArticleText, Classifier, Judgement, ModelError
from stance_service.observe import RefusedError, checked, events, statements, withdrawals
from stance_service.observed import ObservedArticles

PARKED_IN_A_ROW: Final = 50
PUBLISH_SECONDS: Final = 30.0
RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0)

log = logging.getLogger(__name__)


@dataclass
class Observer:
    """Handles batches of `articles.v1`, one at a time.

    `axes` are those that positions may be on, `now` gives the processing time. `beat` is called after every article
    and while the classifier is waited for.
    """

    settings: BrokerSettings
    classifier: Classifier
    axes: frozenset[str]
    observed: ObservedArticles
    writer: Producer
    now: Callable[[], UtcDatetime] = lambda: datetime.now(UTC)
    beat: Callable[[], None] = lambda: None
    _parked_in_a_row: int = field(default=0, init=False)

    def handle(self, records: Sequence[Record]) -> None:
        """Publish what a batch shows, or park its bad records; returns when the broker has it all."""
        readable = [(record, event) for record in records if (event := self._decoded(record)) is not None]
        articles = [(record, event) for record, event in readable if isinstance(event, Article)]
        judged = dict(zip((_place(record) for record, _ in articles), self._judge(articles), strict=True))
        found = [
            (event, shown)
            for record, event in readable
            if (shown := self._events(record, event, judged.get(_place(record)))) is not None
        ]
        self._publish(message for event, shown in found for message in self._messages(event, shown))
        RECORDS.labels(self.settings.topic(topics.ARTICLES), "observed").inc(len(found))

    def _decoded(self, record: Record) -> Article | Retraction | None:
        try:
            return ARTICLE_EVENT.validate_json(record.value or b"")
        except ValidationError as error:
            self._park(record, f"not an article: {_problems(error)}")
            return None

    def _judge(self, articles: Sequence[tuple[Record, Article]]) -> list[list[Judgement] | None]:
        """The judgements of each article; None for one that was parked."""
        texts = [ArticleText(a.title, a.body, a.language) for _, a in articles]
        try:
            return list(self._classify(texts))
        except (TransientError, ModelError):  # nothing is wrong with the article: it waits
            raise
        except Exception as error:
            log.warning("a batch of %d articles failed (%s); trying them one by one", len(texts), type(error).__name__)
        return [self._judge_alone(record, text) for (record, _), text in zip(articles, texts, strict=True)]

    def _judge_alone(self, record: Record, text: ArticleText) -> list[Judgement] | None:
        try:
            return self._classify([text])[0]
        except (TransientError, ModelError):
            raise
        except Exception as error:
            log.debug("the classifier failed", exc_info=True)  # may quote the article
            self._park(record, f"the classifier failed: {type(error).__name__}", f": {error}")
            return None

    def _classify(self, texts: Sequence[ArticleText]) -> list[list[Judgement]]:
        """Retries while the model is out of reach; raises TransientError when it stays so."""
        for delay in RETRY_SECONDS:
            try:
                return list(self._timed(texts))
            except TransientError as error:
                log.warning("the classifier is out of reach, trying again in %.0f s: %s", delay, error)
            self.beat()
            time.sleep(delay)
        return list(self._timed(texts))

    def _timed(self, texts: Sequence[ArticleText]) -> Iterator[list[Judgement]]:
        began = time.perf_counter()
        for judgements in self.classifier.classify(texts):
            self.beat()
            yield judgements
        for _ in texts:
            MODEL_SECONDS.observe((time.perf_counter() - began) / len(texts))

    def _events(
        self, record: Record, event: Article | Retraction, judgements: list[Judgement] | None
    ) -> Sequence[Observation | Withdrawal] | None:
        """What to publish; None for an article that was or is parked."""
        earlier = self._earlier_actors(event)
        if isinstance(event, Retraction):
            shown: Sequence[Observation | Withdrawal] = withdrawals(event, earlier, self.now())
        elif judgements is None:
            return None
        else:
            now, text = self.now(), ArticleText(event.title, event.body, event.language)
            try:
                found = statements(text, event.published_at.date(), checked(event, judgements, self.axes, now))
            except RefusedError as error:
                REFUSED_OBSERVATIONS.labels(error.field).inc()
                self._park(record, str(error))
                return None
            shown = events(event, found, earlier, self.classifier.version, now)
        self._parked_in_a_row = 0
        return shown

    def _earlier_actors(self, event: Article | Retraction) -> tuple[str, ...]:
        if isinstance(event, Article) and event.revision == 1:
            return ()
        return self.observed.actors(event.article_id)

    def _messages(
        self, event: Article | Retraction, shown: Sequence[Observation | Withdrawal]
    ) -> Iterator[tuple[str, str, bytes]]:
        """Topic, key and value of each record."""
        for each in shown:
            yield self.settings.topic(topics.OBSERVATIONS), each.actor, each.model_dump_json().encode()
        actors = sorted({each.actor for each in shown})  # also the withdrawn: a crash may have kept it from them
        latest = ObservedArticle(article_id=event.article_id, revision=event.revision, actors=tuple(actors))
        yield self.settings.topic(topics.OBSERVED_ARTICLES), event.article_id, latest.model_dump_json().encode()

    def _publish(self, messages: Iterable[tuple[str, str, bytes]]) -> None:
        failures: list[str] = []
        for topic, key, value in messages:
            self.writer.produce(
                topic, value, key, on_delivery=lambda error, _: failures.append(error.str()) if error else None
            )
        if self.writer.flush(PUBLISH_SECONDS) or failures:
            reason = failures[0] if failures else f"no answer for {PUBLISH_SECONDS:.0f} s"
            raise TransientError(f"Kafka did not take what was observed: {reason}")

    def _park(self, record: Record, reason: str, detail: str = "") -> None:
        """`detail` may quote the article; it goes with the letter, not into the log."""
        log.error("parked %s %d/%d: %s", record.topic, record.partition, record.offset, reason)
        park(self.writer, DeadLetter(record, reason + detail, "stance-service observe", project_version()))
        self._parked_in_a_row += 1
        if self._parked_in_a_row >= PARKED_IN_A_ROW:
            raise PermanentError(
                f"{PARKED_IN_A_ROW} records of {record.topic} in a row had to be parked, the last because: {reason}. "
                "See `stance-service dead-letters`; they can be driven again once the fault is mended."
            )


def _place(record: Record) -> tuple[int, int]:
    return record.partition, record.offset


def _problems(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'record'}: {each['msg']}" for each in found[:3])
