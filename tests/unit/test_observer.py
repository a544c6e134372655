"""Which articles wait for the classifier, and which are parked."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from shared.dead_letters import Record
from shared.errors import StanceError
from shared.events import Article, Basis, Observation
from shared.settings import BrokerSettings
from stance_service import observer
from stance_service.classifiers.base import AnswerError, ArticleText, EndpointError, Judgement, ModelError
from stance_service.observer import Observer
from tests.stances import NOON, article_id


class Failing:
    """Fails on every article whose body says so."""

    version = "failing-1"

    def __init__(self, error: StanceError) -> None:
        self.error = error

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        for text in texts:
            if "fail" in text.body:
                raise self.error
            yield []


@pytest.fixture
def parked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reasons: list[str] = []
    monkeypatch.setattr(observer, "park", lambda _, letter: reasons.append(letter.reason))
    monkeypatch.setattr(observer, "RETRY_SECONDS", (0.0, 0.0))
    return reasons


def batch(*bodies: str) -> list[tuple[Record, Article]]:
    return [(Record("articles.v1", 0, k, None, None, ()), article(body)) for k, body in enumerate(bodies)]


def article(body: str) -> Article:
    return Article(
        article_id=article_id(body),
        revision=1,
        source="test",
        title="",
        body=body,
        language="en",
        published_at=NOON,
        published_origin="submitted",
        observed_at=NOON,
        raw_digest=article_id(body),
        normaliser="test-1",
    )


def judging(error: StanceError) -> Observer:
    unused: Any = None
    return Observer(BrokerSettings(), Failing(error), unused, unused)


@pytest.mark.parametrize("error", [EndpointError("down"), ModelError("STANCE_CHAT_API_KEY is wrong")], ids=repr)
async def test_articles_wait_while_the_model_is_not_usable(parked: list[str], error: StanceError) -> None:
    with pytest.raises(type(error), match=str(error)):
        await judging(error)._judge(batch("well", "fail", "well too"))
    assert parked == []


async def test_an_article_that_the_model_cannot_answer_about_is_parked_alone(parked: list[str]) -> None:
    found = await judging(AnswerError("too long"))._judge(batch("well", "fail", "well too"))
    assert found == [[], None, []]
    assert parked == ["the classifier failed: AnswerError: too long"]


class Quoting:
    """Takes every text for a statement of `openai`; a judgement covers the whole body."""

    version = "quoting-1"

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        for text in texts:
            yield [Judgement("openai", "openness", 1, Basis.STATED, None, 0.9, 0, len(text.body))]


async def test_articles_of_different_partitions_with_one_offset_keep_their_own_evidence() -> None:
    unused: Any = None
    sent: list[Observation] = []

    async def publish(event: object, **_: object) -> None:
        if isinstance(event, Observation):
            sent.append(event)

    bodies = ("short", "a longer body", "the longest body of all")
    records = [
        Record("articles.v1", partition, 7, None, article(body).model_dump_json().encode(), ())
        for partition, body in enumerate(bodies)
    ]
    await Observer(BrokerSettings(), Quoting(), unused, unused).handle(records, publish)
    assert [each.evidence.text for each in sent] == list(bodies)
