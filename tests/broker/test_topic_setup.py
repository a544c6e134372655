"""Topics that are not as they have to be, and a Kafka that is not there or refuses us: what is said about it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from shared import admin
from shared.broker import create_topics
from shared.errors import BrokerUnavailableError, PermanentError
from shared.settings import BrokerSettings
from shared.topics import ARTICLES, MAX_RECORD_BYTES, OBSERVATIONS, POSITIONS, TOPICS
from tests.broker.topic_io import DEADLINE
from tests.kafka import apache

pytestmark = pytest.mark.broker


def configure(kafka: BrokerSettings, name: str, value: str) -> None:
    """Of the topic of articles."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, kafka.topic(ARTICLES), incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": kafka.kafka_bootstrap_servers})
    for result in client.incremental_alter_configs([resource]).values():
        result.result(30)
    deadline = time.monotonic() + DEADLINE
    asked = ConfigResource(ResourceType.TOPIC, kafka.topic(ARTICLES))
    while client.describe_configs([asked])[asked].result(30)[name].value != value:  # brokers hear of it a bit later
        assert time.monotonic() < deadline


def test_topics_that_are_as_they_have_to_be_are_left_alone(kafka: BrokerSettings) -> None:
    create_topics(kafka, TOPICS)


def test_another_number_of_partitions_is_refused(kafka: BrokerSettings) -> None:
    more = kafka.model_copy(update={"kafka_partitions": 12})
    with pytest.raises(PermanentError, match=f"{kafka.topic(POSITIONS)} has 6 partitions and must have 12"):
        create_topics(more, [POSITIONS])


def test_topics_are_made_with_as_many_partitions_as_are_set_but_dead_letters_with_one(cluster: BrokerSettings) -> None:
    settings = cluster.model_copy(update={"kafka_partitions": 3, "kafka_topic_prefix": "three."})
    create_topics(settings, [ARTICLES, ARTICLES.dead])
    topics = AdminClient({"bootstrap.servers": cluster.kafka_bootstrap_servers}).list_topics(timeout=30).topics
    assert {name: len(topics[name].partitions) for name in ("three.articles.v1", "three.articles.v1.dead")} == {
        "three.articles.v1": 3,
        "three.articles.v1.dead": 1,
    }


def test_topics_that_another_process_made_in_between_are_fine(kafka: BrokerSettings) -> None:
    admin.create(kafka, TOPICS, DEADLINE)


def test_a_topic_that_kafka_does_not_want_is_named_with_the_settings(cluster: BrokerSettings) -> None:
    settings = cluster.model_copy(update={"kafka_topic_prefix": "x" * 250})
    with pytest.raises(PermanentError, match=r"xarticles\.v1 can't be created: .*STANCE_KAFKA_PARTITIONS"):
        create_topics(settings, [ARTICLES])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:9092"])
def test_a_kafka_that_goes_away_before_the_topics_are_made_is_unavailable(address: str) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"articles\.v1 can't be created"):
        admin.create(BrokerSettings(kafka_bootstrap_servers=address), [ARTICLES], 0.5)


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("cleanup.policy", "compact", "delete"),
        ("retention.ms", "604800000", "-1"),
        ("retention.bytes", "1073741824", "-1"),
        ("max.message.bytes", "1048576", f"{MAX_RECORD_BYTES} or more"),
    ],
)
def test_a_topic_that_would_lose_records_is_refused(kafka: BrokerSettings, name: str, wrong: str, right: str) -> None:
    configure(kafka, name, wrong)
    with pytest.raises(PermanentError, match=f"{kafka.topic(ARTICLES)}: {name} is {wrong} and must be {right}"):
        create_topics(kafka, TOPICS)


def test_a_topic_that_takes_more_than_it_has_to_is_fine(kafka: BrokerSettings) -> None:
    configure(kafka, "max.message.bytes", str(2 * MAX_RECORD_BYTES))
    create_topics(kafka, TOPICS)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:9092"])
def test_a_kafka_that_is_not_there_is_named_with_its_setting(address: str) -> None:
    settings = BrokerSettings(kafka_bootstrap_servers=address)
    with pytest.raises(BrokerUnavailableError, match=f"Kafka at {address} does not answer: .*BOOTSTRAP_SERVERS"):
        create_topics(settings, seconds=0.5)


PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SECURED = {
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,FAULTY:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.faulty.plain.sasl.jaas.config": f'{PLAIN} required user_reader="right";',
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerSettings]:
    """An Apache Kafka where `reader` may log in and do nothing."""
    if (reason := apache.missing()) is not None:
        pytest.skip(reason)
    folder: Path = tmp_path_factory.mktemp("secured")
    with apache.ApacheKafka(folder, overrides=SECURED) as kafka:
        yield BrokerSettings(
            kafka_bootstrap_servers=f"127.0.0.1:{kafka.faulty_port}",
            kafka_security_protocol="SASL_PLAINTEXT",
            kafka_sasl_mechanism="PLAIN",
            kafka_sasl_username="reader",
            kafka_sasl_password="right",
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kafka_sasl_password": "wrong"}, "refuses us: .*Invalid username or password.*STANCE_KAFKA_SASL_"),
        ({"kafka_sasl_mechanism": "SCRAM-SHA-512"}, "refuses us: .*STANCE_KAFKA_SASL_"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "does not answer: .*STANCE_KAFKA_SECURITY_PROTOCOL"),
        ({}, f"topic {OBSERVATIONS.name}: user 'reader' may neither see nor create it"),
    ],
    ids=["password", "mechanism", "protocol", "rights"],
)
def test_wrong_credentials_and_missing_rights_are_named(
    secured: BrokerSettings, changed: dict[str, str], reason: str
) -> None:
    settings = BrokerSettings.model_validate(secured.model_dump() | changed)
    with pytest.raises((PermanentError, BrokerUnavailableError), match=reason):
        create_topics(settings, [OBSERVATIONS], seconds=5)
