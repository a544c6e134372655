"""Two brokers, the embedded one and Apache Kafka, and for each test topics of its own on each."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.broker import create_topics, running
from shared.settings import BrokerSettings
from shared.topics import TOPICS
from tests.kafka.choice import NoApacheKafkaError, apache_kafka


@pytest.fixture(scope="session", params=["embedded", pytest.param("apache", marks=pytest.mark.apache)])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerSettings]:
    """The embedded broker, then the Apache Kafka that `tests.kafka.choice` finds."""
    folder: Path = tmp_path_factory.mktemp("data")
    if request.param == "embedded":
        with running(BrokerSettings(kafka_bootstrap_servers="", data_dir=folder)) as settings:
            yield settings
        return
    try:
        with apache_kafka(folder) as address:
            with running(BrokerSettings(kafka_bootstrap_servers=address, data_dir=folder)) as settings:
                yield settings
    except NoApacheKafkaError:
        pytest.skip("there is no Apache Kafka here, see above")


@pytest.fixture
def kafka(cluster: BrokerSettings) -> BrokerSettings:
    """Settings under which all topics and groups are new."""
    settings = cluster.model_copy(update={"kafka_topic_prefix": f"t{uuid4().hex[:8]}."})
    create_topics(settings, TOPICS)
    return settings
