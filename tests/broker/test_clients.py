"""All our clients agree on where a key lives, and all can carry the largest record."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from confluent_kafka import Message
from kafka.admin import KafkaAdminClient

from shared.broker import consumer, producer
from shared.faststream_broker import faststream_broker
from shared.settings import BrokerSettings
from shared.topics import ALL_TOPICS, ARTICLES, CHANGES, MAX_RECORD_BYTES, POSITIONS, Topic

KEYS = [f"key-{number}".encode() for number in range(40)]


@contextmanager
def reading(settings: BrokerSettings, topic: Topic) -> Iterator[Iterator[Message]]:
    reader = consumer(settings, "test")
    reader.subscribe([settings.topic(topic)])

    def messages() -> Iterator[Message]:
        while (message := reader.poll(20)) is not None:
            assert message.error() is None
            yield message

    yield messages()
    reader.close()


async def test_one_key_is_in_one_partition_whichever_client_writes_it(kafka: BrokerSettings) -> None:
    topic = kafka.topic(ARTICLES)
    writer = producer(kafka)
    for key in KEYS:
        writer.produce(topic, b"confluent-kafka", key)
    assert writer.flush(20) == 0
    async with faststream_broker(kafka) as broker:
        for key in KEYS:
            await broker.publish(b"faststream", topic, key=key)
    with reading(kafka, ARTICLES) as messages:
        places = {(next_.key(), next_.partition()) for next_ in (next(messages) for _ in range(2 * len(KEYS)))}
    assert len(places) == len(KEYS)
    assert len({partition for _, partition in places}) > 1


@pytest.mark.parametrize("size", [MAX_RECORD_BYTES - 10_000])
async def test_the_largest_record_gets_through(kafka: BrokerSettings, size: int) -> None:
    async with faststream_broker(kafka) as broker:
        await broker.publish(b"x" * size, kafka.topic(ARTICLES), key=b"a")
    writer = producer(kafka)
    writer.produce(kafka.topic(ARTICLES), b"y" * size, b"a")
    assert writer.flush(20) == 0
    with reading(kafka, ARTICLES) as messages:
        assert [len(next(messages).value() or b"") for _ in range(2)] == [size, size]


def test_readers_see_no_record_of_an_aborted_transaction(kafka: BrokerSettings) -> None:
    writer = producer(kafka, transactional_id="writer")
    writer.init_transactions(20)
    writer.begin_transaction()
    writer.produce(kafka.topic(CHANGES), b"aborted", b"a")
    writer.abort_transaction(20)
    writer.begin_transaction()
    writer.produce(kafka.topic(CHANGES), b"committed", b"a")
    writer.commit_transaction(20)
    with reading(kafka, CHANGES) as messages:
        assert next(messages).value() == b"committed"


def test_topics_are_created_as_declared(cluster: BrokerSettings) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=cluster.kafka_bootstrap_servers)) as client:
        found = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics()}
    assert {topic.name: found.get(topic.name) for topic in ALL_TOPICS} == {
        topic.name: topic.partitions for topic in ALL_TOPICS
    }
    assert POSITIONS.config["cleanup.policy"] == "compact"
