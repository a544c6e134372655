"""Which articles wait for the classifier, and which are parked."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.dead_letters import Record
from shared.errors import PermanentError, StanceError, TransientError
from shared.events import Article, Basis
from shared.observability import REFUSED_OBSERVATIONS
from shared.settings import BrokerSettings
from stance_service import observer
from stance_service.classifiers.base import (
    AnswerError,
    ArticleText,
    Classifier,
    EndpointError,
    Judgement,
    ModelError,
)
from stance_service.observer import Observer
from tests.stances import NOON, article


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


class Writer:
    """Keeps what is written, or takes none of it."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.written: list[tuple[str, dict[str, Any]]] = []

    def produce(self, topic: str, value: bytes, key: str, **_: object) -> None:
        self.written.append((topic, json.loads(value)))

    def flush(self, _seconds: float) -> int:
        return 0 if self.up else len(self.written)


def observing(classifier: Classifier, writer: Writer | None = None) -> Observer:
    unused: Any = None
    producer: Any = writer or Writer()
    return Observer(BrokerSettings(), classifier, frozenset({"openness"}), unused, producer, now=lambda: NOON)


def record(body: str, partition: int = 0, offset: int = 0, **changed: Any) -> Record:
    value = article(body).model_copy(update=changed).model_dump_json().encode()
    return Record("articles.v1", partition, offset, None, value, ())


@pytest.mark.parametrize("error", [EndpointError("down"), ModelError("STANCE_CHAT_API_KEY is wrong")], ids=repr)
def test_articles_wait_while_the_model_is_not_usable(parked: list[str], error: StanceError) -> None:
    with pytest.raises(type(error), match=str(error)):
        observing(Failing(error))._judge(batch("well", "fail", "well too"))
    assert parked == []


def test_an_article_that_the_model_cannot_answer_about_is_parked_alone(parked: list[str]) -> None:
    found = observing(Failing(AnswerError("too long")))._judge(batch("well", "fail", "well too"))
    assert found == [[], None, []]
    assert parked == ["the classifier failed: AnswerError: too long"]


class Quoting:
    """Takes every text for a statement of `openai`; a judgement covers the whole body."""

    version = "quoting-1"
    judgement = Judgement("openai", "openness", 1, Basis.STATED, None, 0.9, 0, 1)

    def __init__(self, **changed: Any) -> None:
        self._changed = changed

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        for text in texts:
            yield [replace(self.judgement, **{"end": len(text.body)} | self._changed)]


def test_articles_of_different_partitions_with_one_offset_keep_their_own_evidence() -> None:
    writer, bodies = Writer(), ("short", "a longer body", "the longest body of all")
    observing(Quoting(), writer).handle([record(body, partition, 7) for partition, body in enumerate(bodies)])
    observations = [value for topic, value in writer.written if topic == "stance.observations.v1"]
    assert [each["evidence"]["text"] for each in observations] == list(bodies)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"axis": "sincerity"}, "axis: 'sincerity' is none of openness; see STANCE_PROPOSITIONS"),
        ({"confidence": 1.5}, "confidence: 1.5 is no probability"),
        ({"confidence": float("nan")}, "confidence: nan is no probability"),
        ({"start": 3, "end": 99}, "evidence: 3..99 is no part of 4 characters"),
    ],
)
def test_an_article_is_parked_whose_judgement_cannot_be_true(
    parked: list[str], wrong: dict[str, Any], reason: str
) -> None:
    refused = REFUSED_OBSERVATIONS.labels(reason.split(":", maxsplit=1)[0])
    before, writer = refused._value.get(), Writer()
    observing(Quoting(**wrong), writer).handle([record("text")])
    assert (parked, writer.written, refused._value.get()) == ([reason], [], before + 1)


@pytest.mark.parametrize("at", [NOON.replace(year=1), NOON + timedelta(days=3)], ids=str)
def test_an_article_dated_in_the_year_1_or_in_the_future_is_parked(parked: list[str], at: Any) -> None:
    observing(Quoting()).handle([record("text", published_at=at)])
    assert parked == [f"published_at: {at.isoformat()} is before 1800 or in the future"]


def test_an_article_dated_tomorrow_is_observed(parked: list[str]) -> None:
    writer = Writer()
    observing(Quoting(), writer).handle([record("text", published_at=NOON + timedelta(days=1))])
    assert (parked, len(writer.written)) == ([], 2)


def test_no_log_line_quotes_an_article(parked: list[str], caplog: pytest.LogCaptureFixture) -> None:
    secret = "what the article says"
    bad = Record("articles.v1", 0, 0, None, json.dumps({"type": "article", "body": [secret]}).encode(), ())
    observing(Failing(AnswerError(secret))).handle([bad, record(f"fail {secret}", offset=1)])
    assert len(parked) == 2
    assert "articles.v1 0/0: not an article: article.article_id: Field required" in caplog.text
    assert "articles.v1 0/1: the classifier failed: AnswerError" in caplog.text
    assert secret not in caplog.text


@pytest.mark.usefixtures("parked")
def test_a_run_of_parked_articles_stops_the_worker_and_a_good_one_ends_the_run() -> None:
    observer = observing(Failing(AnswerError("too long")))
    for _ in range(10):
        observer.handle([record("fail", offset=n) for n in range(9)] + [record("well", offset=9)])
    with pytest.raises(PermanentError, match=r"50 records of articles\.v1 in a row had to be parked.*dead-letters"):
        observer.handle([record("fail", offset=n) for n in range(50)])


def test_a_batch_that_kafka_does_not_take_fails() -> None:
    with pytest.raises(TransientError, match="Kafka did not take what was observed: no answer"):
        observing(Quoting(), Writer(up=False)).handle([record("text")])
