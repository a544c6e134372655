"""An Apache Kafka that may be mistreated, and for each scenario topics, workers and a seed of its own."""

import logging
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from shared.broker import create_topics
from shared.settings import BrokerSettings
from shared.topics import TOPICS
from tests.faults.proxy import Proxy
from tests.faults.workers import Crew
from tests.kafka import apache
from tests.kafka.apache import HOST, ApacheKafka
from tests.kafka.choice import untested

ROUNDS = int(os.environ.get("STANCE_FAULT_ROUNDS", "100"))
"""How often named workers are killed at random moments; what else is repeated is in proportion."""

WAIT_SECONDS = 120.0
"""How long something that has to happen may take."""

for noisy in ("librdkafka", "kafka", "shared.broker"):  # they say of every connection that it was refused
    logging.getLogger(noisy).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Scene:
    """What a scenario has at hand. `crew` reaches Kafka by `settings`, those started with `proxied` by the proxy."""

    kafka: ApacheKafka
    proxy: Proxy
    settings: BrokerSettings
    proxied: BrokerSettings
    crew: Crew
    seed: int


@pytest.fixture(scope="session")
def kafka_jars() -> None:
    """Skips where Apache Kafka can't be run, and has it said at the end."""
    if (reason := apache.missing()) is not None:
        untested.append(reason)
        pytest.skip(f"no Apache Kafka: {reason}")


@pytest.fixture(scope="session")
def site(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApacheKafka, Proxy]]:
    """The broker, and the proxy before it."""
    with Proxy() as proxy:
        with ApacheKafka(tmp_path_factory.mktemp("kafka"), advertised=proxy.port) as kafka:
            proxy.target = kafka.faulty_port
            yield kafka, proxy


@pytest.fixture
def seed() -> int:
    """STANCE_FAULT_SEED, or a new one; shown when the test fails."""
    chosen = int(os.environ.get("STANCE_FAULT_SEED", random.randrange(10**6)))
    print(f"STANCE_FAULT_SEED={chosen}")
    return chosen


@pytest.fixture
def scene(site: tuple[ApacheKafka, Proxy], seed: int, tmp_path: Path) -> Iterator[Scene]:
    """Everything new, except for the broker."""
    kafka, proxy = site
    settings = BrokerSettings(
        kafka_bootstrap_servers=kafka.address,
        kafka_topic_prefix=f"t{uuid4().hex[:8]}.",
        kafka_timeout_seconds=30,
        kafka_session_timeout_seconds=4,
    )
    create_topics(settings, TOPICS)
    proxied = settings.model_copy(update={"kafka_bootstrap_servers": f"{HOST}:{proxy.port}"})
    with Crew(settings, tmp_path) as crew:
        yield Scene(kafka, proxy, settings, proxied, crew, seed)
    proxy.heal()
