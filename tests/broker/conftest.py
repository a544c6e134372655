"""A broker, and for each test topics of its own on it."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.broker import create_topics, running
from shared.settings import BrokerSettings
from shared.topics import TOPICS


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerSettings]:
    """The Kafka of STANCE_TEST_KAFKA, or an embedded broker."""
    address = os.environ.get("STANCE_TEST_KAFKA", "")
    folder: Path = tmp_path_factory.mktemp("data")
    with running(BrokerSettings(kafka_bootstrap_servers=address, data_dir=folder)) as settings:
        yield settings


@pytest.fixture
def kafka(cluster: BrokerSettings) -> BrokerSettings:
    """Settings under which all topics and groups are new."""
    settings = cluster.model_copy(update={"kafka_topic_prefix": f"t{uuid4().hex[:8]}."})
    create_topics(settings, TOPICS)
    return settings
