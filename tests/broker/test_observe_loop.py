"""`observe` on a real broker: what it publishes, and that it shares, stops and goes on as it should."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from shared import broker, topics
from shared.broker import create_topics
from shared.dead_letters import parked
from shared.events import Basis, Observation
from shared.health import Progress, Readiness
from shared.observability import LAG
from shared.settings import BrokerSettings
from stance_service import observe_loop, polling
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.observe_loop import GROUP, ObserveLoop
from stance_service.observed import ObservedArticles
from stance_service.observer import Observer
from tests.broker.topic_io import DEADLINE, read, wait_until_read, write
from tests.chat_server import Reply, Request, says, serving
from tests.stances import article, article_id

pytestmark = pytest.mark.broker


@dataclass
class Waiting:
    """Takes every text for a statement of `openai`, but not before it is told to."""

    go_on: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    version = "waiting-1"

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        for text in texts:
            self.asked.set()
            assert self.go_on.wait(DEADLINE)
            yield [Judgement("openai", "openness", 1, Basis.STATED, None, 0.9, 0, len(text.body))]


@pytest.fixture
def classifier() -> Iterator[Waiting]:
    classifier = Waiting()
    yield classifier
    classifier.go_on.set()


@dataclass
class Worker:
    """An observe loop in a thread."""

    loop: ObserveLoop
    readiness: Readiness
    stop: threading.Event = field(default_factory=threading.Event)
    failures: list[Exception] = field(default_factory=list)

    def work(self) -> None:
        try:
            self.loop.run(self.stop.is_set)
        except Exception as error:
            self.failures.append(error)


@contextmanager
def observing(kafka: BrokerSettings, classifier: Waiting, member: str = "0") -> Iterator[Worker]:
    with closing(ObservedArticles(kafka)) as observed:
        observer = Observer(kafka, classifier, frozenset({"openness"}), observed, broker.producer(kafka))
        readiness = Readiness("not assigned")
        loop = ObserveLoop(kafka, observer, Progress("observe", 60), readiness, member, sparing=True)
        worker = Worker(loop, readiness)
        thread = threading.Thread(target=worker.work)
        thread.start()
        try:
            yield worker
        finally:
            worker.stop.set()
            thread.join(DEADLINE)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def publish(kafka: BrokerSettings, *bodies: str) -> None:
    write(kafka, topics.ARTICLES, ((article_id(body), article(body).model_dump_json()) for body in bodies))


def observed(kafka: BrokerSettings) -> list[str]:
    """The evidence of all observations."""
    records = read(kafka, topics.OBSERVATIONS)
    return [Observation.model_validate_json(each.value or b"").evidence.text for each in records]


def test_articles_are_observed_and_bad_ones_parked(kafka: BrokerSettings, classifier: Waiting) -> None:
    create_topics(kafka, [topics.ARTICLES.dead])
    classifier.go_on.set()
    bodies = [f"article {number}" for number in range(50)]
    with observing(kafka, classifier) as worker:
        publish(kafka, *bodies)
        write(kafka, topics.ARTICLES, [("key", "no article")])
        assert wait_until_read(kafka, GROUP, topics.ARTICLES)
        assert worker.readiness.missing is None
    assert worker.failures == []
    assert sorted(observed(kafka)) == sorted(bodies)
    assert [each.letter.record.value for each in parked(kafka, topics.ARTICLES)] == [b"no article"]


def test_a_worker_asked_to_stop_finishes_its_batch(kafka: BrokerSettings, classifier: Waiting) -> None:
    publish(kafka, "one article")
    with observing(kafka, classifier) as worker:
        assert classifier.asked.wait(DEADLINE)
        worker.stop.set()
        classifier.go_on.set()
    assert worker.failures == []
    assert observed(kafka) == ["one article"]
    assert wait_until_read(kafka, GROUP, topics.ARTICLES)


def test_a_batch_that_does_not_finish_in_time_is_given_up_and_read_again(
    kafka: BrokerSettings, classifier: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(kafka, "one article")
    with monkeypatch.context() as patch:
        patch.setattr(observe_loop, "FINISH_SECONDS", 0.0)
        with observing(kafka, classifier) as worker:
            assert classifier.asked.wait(DEADLINE)
    assert worker.failures == []
    assert observed(kafka) == []
    other = Waiting()
    other.go_on.set()
    with observing(kafka, other):
        assert wait_until_read(kafka, GROUP, topics.ARTICLES)
    assert set(observed(kafka)) == {"one article"}


def test_a_worker_gets_its_share_while_another_waits_for_the_model(kafka: BrokerSettings, classifier: Waiting) -> None:
    bodies = [f"article {number}" for number in range(50)]
    publish(kafka, *bodies)
    other = Waiting()
    other.go_on.set()
    with observing(kafka, classifier, "0"):
        assert classifier.asked.wait(DEADLINE)
        with observing(kafka, other, "1"):
            wait_until(other.asked.is_set)
            classifier.go_on.set()
            assert wait_until_read(kafka, GROUP, topics.ARTICLES)
    assert set(observed(kafka)) == set(bodies)


def test_lag_is_what_waits_and_nothing_once_all_is_observed(
    kafka: BrokerSettings, classifier: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "LAG_SECONDS", 0.0)
    write(kafka, topics.ARTICLES, (("one partition", article(f"article {n}").model_dump_json()) for n in range(50)))
    with observing(kafka, classifier):
        assert classifier.asked.wait(DEADLINE)
        wait_until(lambda: sum(lag(kafka).values()) >= 50 - observe_loop.BATCH)
        classifier.go_on.set()
        wait_until(lambda: list(lag(kafka).values()) == [0] * topics.ARTICLES.partitions)


def lag(kafka: BrokerSettings) -> dict[str, float]:
    """By partition."""
    [metric] = LAG.collect()
    name = kafka.topic(topics.ARTICLES)
    return {each.labels["partition"]: each.value for each in metric.samples if each.labels["topic"] == name}


@contextmanager
def process(kafka: BrokerSettings, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`stance-service observe`, once it has its partitions."""
    own = {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": kafka.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": kafka.kafka_topic_prefix,
        "STANCE_HEALTH_PORT": "0",
    }
    with log.open("wb") as out:
        observe = subprocess.Popen(
            [sys.executable, "-m", "stance_service", "observe"],
            stderr=out,
            stdout=out,
            env=os.environ | own | environment,
        )
    try:
        wait_until(lambda: "assigned partitions" in log.read_text() or observe.poll() is not None)
        assert members(kafka) == 1, log.read_text()
        yield observe
    finally:
        observe.kill()
        observe.wait()


def test_the_process_stops_when_it_is_told_to_and_leaves_its_group(kafka: BrokerSettings, tmp_path: Path) -> None:
    model = str(Path(__file__).parents[1] / "data" / "tiny-embedded")
    with process(kafka, log := tmp_path / "log", STANCE_MODEL_DIR=model) as observe:
        observe.send_signal(signal.SIGTERM)
        assert observe.wait(DEADLINE) == 0, log.read_text()
    assert members(kafka) == 0


def test_the_process_stops_although_the_model_does_not_answer(kafka: BrokerSettings, tmp_path: Path) -> None:
    asked, answer = threading.Event(), threading.Event()

    def silent(_request: Request) -> Reply:
        asked.set()
        answer.wait(10 * DEADLINE)
        return says("")

    with serving(silent) as server:
        chat = {"STANCE_CLASSIFIER": "chat", "STANCE_CHAT_BASE_URL": server.url, "STANCE_CHAT_MODEL": "silent"}
        with process(kafka, log := tmp_path / "log", STANCE_CHAT_TIMEOUT_SECONDS=str(10 * DEADLINE), **chat) as observe:
            publish(kafka, "OpenAI will publish its models.")
            assert asked.wait(DEADLINE), log.read_text()
            observe.send_signal(signal.SIGTERM)
            assert observe.wait(DEADLINE) == 0, log.read_text()
        answer.set()
    assert "gave up a batch of 1" in log.read_text()
    assert members(kafka) == 0


def members(kafka: BrokerSettings) -> int:
    with closing(KafkaAdminClient(bootstrap_servers=kafka.kafka_bootstrap_servers)) as client:
        [group] = client.describe_groups([kafka.kafka_topic_prefix + GROUP]).values()
    return len(group["members"])
