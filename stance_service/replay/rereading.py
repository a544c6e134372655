"""Read articles again with the classifier of now; nothing is published."""

import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message
from pydantic import ValidationError

from shared import topics
from shared.errors import TransientError
from shared.events import ARTICLE_EVENT, Article, Digest, Retraction
from shared.ids import slug
from shared.settings import BrokerSettings
from stance_service.classifiers.base import ArticleText, Classifier, Judgement, ModelError
from stance_service.observe import RefusedError, checked, events, statements
from stance_service.replay.readings import Reading, Revision, ended
from stance_service.scanning import Spans, scan

_BATCH: Final = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selection:
    """Which articles of a range are read again. `names`: as slugs, one of them has to be in the text; empty: any."""

    article: Digest | None = None
    names: tuple[str, ...] = ()

    def wants(self, event: Article | Retraction) -> bool:
        """Retractions say nothing that could be read."""
        if isinstance(event, Retraction) or self.article not in {None, event.article_id}:
            return False
        text = f"-{slug(f'{event.title} {event.body}')}-" if self.names else ""
        return not self.names or any(f"-{name}-" in text for name in self.names)


@dataclass(frozen=True)
class Reader:
    """Reads what of a range is wanted and was not read yet. Articles that nobody can read have no readings."""

    settings: BrokerSettings
    classifier: Classifier
    axes: frozenset[str]
    selection: Selection

    def readings(self, spans: Spans, known: Set[Revision]) -> Iterator[tuple[int, list[Reading]]]:
        """How many records were gone through, and what the wanted ones of them show now."""
        for messages in scan(self.settings, self.settings.topic(topics.ARTICLES), spans):
            for start in range(0, len(messages), _BATCH):
                part = messages[start : start + _BATCH]
                found = [event for event in _events(part) if self.selection.wants(event)]
                articles = [each for each in found if isinstance(each, Article)]
                yield len(part), self._read([a for a in articles if (a.article_id, a.revision) not in known])

    def _read(self, articles: Sequence[Article]) -> list[Reading]:
        texts = [ArticleText(each.title, each.body, each.language) for each in articles]
        try:
            judged = list(self.classifier.classify(texts))
        except (TransientError, ModelError):
            raise
        except Exception as error:
            if len(articles) == 1:
                _log.warning("article %s can't be read: %s", articles[0].article_id, type(error).__name__)
                return [_unread(articles[0], f"the classifier failed: {type(error).__name__}")]
            return [reading for each in articles for reading in self._read([each])]
        return [self._reading(*each) for each in zip(articles, texts, judged, strict=True)]

    def _reading(self, article: Article, text: ArticleText, judged: Iterable[Judgement]) -> Reading:
        try:
            possible = checked(article, judged, self.axes, article.observed_at)
        except RefusedError as error:
            return _unread(article, str(error))
        found = statements(text, article.published_at.date(), possible)
        shown = events(article, found, (), self.classifier.version, article.observed_at)
        return Reading(
            article_id=article.article_id,
            revision=article.revision,
            observed_at=article.observed_at,
            observations=shown,
        )


def complete(settings: BrokerSettings, spans: Spans, readings: Iterable[Reading]) -> dict[Revision, Reading]:
    """The readings, with what later revisions and retractions withdraw of them. `spans`: to the topic's end."""
    found = {each.key: each for each in readings}
    articles = {each.article_id for each in found.values()}
    later: dict[Digest, list[Article | Retraction]] = {}
    for messages in scan(settings, settings.topic(topics.ARTICLES), spans):
        for event in _events(messages):
            if event.article_id in articles and (event.revision > 1 or isinstance(event, Retraction)):
                later.setdefault(event.article_id, []).append(event)
    return {key: ended(each, later.get(each.article_id, ())) for key, each in found.items()}


def _unread(article: Article, reason: str) -> Reading:
    return Reading(
        article_id=article.article_id,
        revision=article.revision,
        observed_at=article.observed_at,
        observations=(),
        failure=reason,
    )


def _events(messages: Iterable[Message]) -> Iterator[Article | Retraction]:
    """What can be understood; the rest was parked when it came."""
    for message in messages:
        try:
            yield ARTICLE_EVENT.validate_json(message.value() or b"")
        except ValidationError:
            _log.info("%s %s/%s is no article", message.topic(), message.partition(), message.offset())
