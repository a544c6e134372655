"""Seeded observations of many actors, and a thread that publishes them while processes die."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, islice
from random import Random
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, Message

from shared import broker, topics
from shared.events import Basis, Observation, Withdrawal
from shared.settings import BrokerSettings
from tests.stances import NOON, observation, withdrawal

ACTORS = [f"actor-{number}" for number in range(40)]
AXES = ("openness", "profit")
FLUSH_SECONDS = 180.0

Event = Observation | Withdrawal


def histories(seed: int) -> Iterator[Event]:
    """Without end: positions that turn, articles that show several things, late news, corrections, repeats."""
    random = Random(seed)
    articles: list[tuple[str, str, int]] = []  # name, actor, latest revision
    recent: list[Event] = []
    for number in count():
        at = NOON + timedelta(seconds=number - random.choice([0, 0, 0, 0, 3600]))
        kind = random.random() if articles else 1.0
        shown: list[Event]
        if kind < 0.05:
            shown = random.sample(recent, min(2, len(recent)))
        elif kind < 0.10:
            name, actor, revision = random.choice(articles)
            shown = [withdrawal(name, revision + 1, actor=actor, observed_at=at)]
        elif kind < 0.20:
            place = random.randrange(len(articles))
            name, actor, revision = articles[place]
            articles[place] = (name, actor, revision + 1)
            shown = [withdrawal(name, revision + 1, actor=actor, observed_at=at, more=True)]
            shown += _article(random, name, actor, revision + 1, at)
        else:
            articles.append((f"article {number}", random.choice(ACTORS), 1))
            shown = list(_article(random, *articles[-1], at))
        recent = [*recent, *(each for each in shown if not each.more)][-50:]
        yield from shown


def _article(random: Random, name: str, actor: str, revision: int, at: datetime) -> Iterator[Event]:
    statements = random.choice([1, 1, 1, 2, 3])
    year = random.randrange(2008, 2024)
    for number in range(statements):
        yield observation(
            1 if ((year // 4 + len(actor)) % 2 == 1) == (random.random() < 0.8) else -1,
            random.choice([f"{year}", f"{year}-{random.randrange(1, 13):02}", f"{year}~", None]),
            article=name,
            actor=actor,
            axis=random.choice(AXES),
            basis=random.choice([Basis.STATED, Basis.STATED, Basis.ACTED, Basis.ALLEGED]),
            confidence=random.choice([0.6, 0.8, 0.95]),
            evidence=f"Sentence {number} of revision {revision} of {name}.",
            revision=revision,
            observed_at=at,
            more=number < statements - 1,
        )


class Load:
    """Publishes the histories of a seed, `per_second` records of them, from entry until `stop` or exit."""

    def __init__(self, settings: BrokerSettings, seed: int, per_second: float = 100) -> None:
        self._topic = settings.topic(topics.OBSERVATIONS)
        self._producer = broker.producer(settings)
        self._events = histories(seed)
        self._random = Random(seed)
        self._per_second = per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self._refused: list[KafkaError] = []
        self.sent = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def stop(self) -> int:
        """Ends it; how many records the broker has."""
        self._stopping.set()
        self._thread.join()
        assert self._producer.flush(FLUSH_SECONDS) == 0, "the broker didn't take all observations"
        assert not self._refused, self._refused[0]
        return self.sent

    def wait_until_sent(self, count: int) -> None:
        """Returns when so many more records were published."""
        goal = self.sent + count
        while self.sent < goal:
            assert self._thread.is_alive()
            time.sleep(0.05)

    def burst(self, size: int) -> None:
        """So many records at once, from another thread than the load's: only before entry or after `stop`."""
        for event in islice(self._events, size):
            self._producer.produce(
                self._topic, event.model_dump_json().encode(), event.actor.encode(), on_delivery=self._delivered
            )
            self.sent += 1
        self._producer.poll(0)

    def _publish(self) -> None:
        while not self._stopping.is_set():
            size = self._random.randrange(1, 40)
            self.burst(size)
            self._stopping.wait(size / self._per_second)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._refused.append(error)
