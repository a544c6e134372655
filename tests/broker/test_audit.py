"""What was announced, sealed and verified on real topics, and on altered copies of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition

from shared import broker, topics
from shared.broker import create_topics
from shared.chain import Heads, unlinked
from shared.cloudevents import from_kafka, to_kafka
from shared.dead_letters import Record
from shared.settings import BrokerSettings
from shared.signing import SigningKey, TrustedKey, TrustedKeys
from stance_service.audit.checkpointer import Checkpointer
from stance_service.audit.findings import Kind, Verdict
from stance_service.audit.recorded import tracked_to
from stance_service.audit.verify import Verification
from stance_service.belief import Parameters
from stance_service.publishing import GROUP
from tests.broker.test_transactions import history, tracking
from tests.broker.topic_io import DEADLINE, publish, read, wait_until_read

pytestmark = pytest.mark.broker

KEY = SigningKey.made()
TRUSTED = TrustedKeys([TrustedKey(public_key=KEY.public_pem, valid_from=datetime(2020, 1, 1, tzinfo=UTC))])
Alteration = Callable[[list[Record]], list[Record]]


def verdict(settings: BrokerSettings, parameters: Parameters | None = None, trusted: TrustedKeys = TRUSTED) -> Verdict:
    return Verification(settings, parameters or Parameters(), trusted).run()


def fresh(cluster: BrokerSettings) -> BrokerSettings:
    settings = cluster.model_copy(update={"kafka_topic_prefix": f"t{uuid4().hex[:8]}."})
    create_topics(settings, topics.TOPICS)
    return settings


@pytest.fixture(scope="module")
def announced(cluster: BrokerSettings) -> BrokerSettings:
    """Topics with changes, all of them sealed, some of them twice. Not to be written to."""
    kafka, records = fresh(cluster), history(200)
    for part in (records[:100], records[100:]):
        publish(kafka, part)
        with tracking(kafka):
            assert wait_until_read(kafka, GROUP, topics.OBSERVATIONS)
        Checkpointer(kafka, KEY, TRUSTED).write(None)
    return kafka


def copied(settings: BrokerSettings, altered: dict[topics.Topic, Alteration]) -> BrokerSettings:
    """The same topics under other names, except for what is altered."""
    copy = fresh(settings)
    producer = broker.producer(copy)
    for topic in (topics.OBSERVATIONS, topics.POSITIONS, topics.CHANGES, topics.CHECKPOINTS):
        for each in altered.get(topic, list)(read(settings, topic)):
            producer.produce(
                copy.topic(topic), key=each.key, value=each.value, partition=each.partition, headers=list(each.headers)
            )
    assert producer.flush(DEADLINE) == 0
    reader = broker.consumer(copy, GROUP)
    name = copy.topic(topics.OBSERVATIONS)
    places = [TopicPartition(name, number, offset) for number, offset in tracked_to(settings).items() if offset]
    reader.commit(offsets=places, asynchronous=False)
    reader.close()
    return copy


def test_what_was_announced_is_verified_whole(announced: BrokerSettings) -> None:
    found = verdict(announced)
    assert found.differences == []
    assert found.status == 0
    changes = len(read(announced, topics.CHANGES))
    assert found.verified["changes in chains"] == found.verified["changes recomputed"] == changes > 10
    assert found.verified["checkpoints"] == 2


def of_one_actor(records: list[Record]) -> list[int]:
    """The places of the changes of the actor who has most."""
    by_actor: dict[bytes | None, list[int]] = {}
    for place, each in enumerate(records):
        by_actor.setdefault(each.key, []).append(place)
    return max(by_actor.values(), key=len)


def with_change(record: Record, **fields: object) -> Record:
    """The record with other values in its change, and headers to suit them."""
    change = from_kafka(record.headers, record.value).model_copy(update=fields)
    key, headers, value = to_kafka(change)
    plain = tuple((name, item.encode() if isinstance(item, str) else item) for name, item in headers)
    return replace(record, key=key, headers=plain, value=value)


def altered(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[1]
    return [*records[:place], with_change(records[place], probability=0.123456), *records[place + 1 :]]


def removed(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[1]
    return [*records[:place], *records[place + 1 :]]


def cut_off(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[-1]
    return [*records[:place], *records[place + 1 :]]


def repeated(records: list[Record]) -> list[Record]:
    place = of_one_actor(records)[1]
    return [*records[: place + 1], *records[place:]]


def swapped(records: list[Record]) -> list[Record]:
    one, other = of_one_actor(records)[1:3]
    found = list(records)
    found[one], found[other] = found[other], found[one]
    return found


def chained_anew(records: list[Record]) -> list[Record]:
    """One is altered, and all hashes are made to suit that."""
    found = altered(records)
    changes = Heads().link(unlinked(from_kafka(each.headers, each.value)) for each in found)
    return [
        with_change(record, **change.model_dump(include={"sequence", "previous", "hash"}))
        for record, change in zip(found, changes, strict=True)
    ]


@pytest.mark.parametrize(
    ("alteration", "kinds"),
    [
        (altered, {Kind.ALTERED}),
        (removed, {Kind.MISSING, Kind.ALTERED, Kind.TRUNCATED}),
        (cut_off, {Kind.MISSING, Kind.ALTERED, Kind.TRUNCATED}),
        (repeated, {Kind.REORDERED, Kind.UNEXPECTED, Kind.ALTERED}),
        (swapped, {Kind.REORDERED, Kind.MISSING}),
        (chained_anew, {Kind.ALTERED}),
    ],
)
def test_an_alteration_of_the_changes_is_found(
    announced: BrokerSettings, alteration: Alteration, kinds: set[Kind]
) -> None:
    copy = copied(announced, {topics.CHANGES: alteration})
    found = verdict(copy)
    assert found.status == 1
    print([(each.kind, str(each.place), each.reason, each.fields) for each in found.differences])
    assert {each.kind for each in found.differences} <= kinds


def test_a_faithful_copy_is_verified_as_one(announced: BrokerSettings) -> None:
    found = verdict(copied(announced, {}))
    assert found.differences == []
    assert any("is a copy" in note for note in found.notes)
