"""The topic of stance changes as programs read it that know nothing of us: with Apache Kafka's own client, in Java."""

import subprocess
from pathlib import Path

import pytest

from shared import broker
from shared.cloudevents import to_kafka
from shared.settings import BrokerSettings
from shared.topics import CHANGES
from tests.alerting.changes import change
from tests.broker.test_alert import announce
from tests.broker.topic_io import DEADLINE
from tests.kafka.apache import JARS, missing

pytestmark = pytest.mark.broker
SUBSCRIBER = Path(__file__).parents[1] / "kafka" / "Subscriber.java"


def test_apaches_client_reads_changes_as_they_are_documented_and_none_that_was_aborted(kafka: BrokerSettings) -> None:
    if (reason := missing()) is not None:
        pytest.skip(f"Apache Kafka's client can't run: {reason}")
    first, aborted, second = change("first"), change("aborted"), change("second", "established")
    announce(kafka, first)
    writer = broker.producer(kafka, transactional_id="tracker")
    writer.init_transactions(DEADLINE)
    for each, ending in ((aborted, writer.abort_transaction), (second, writer.commit_transaction)):
        key, headers, value = to_kafka(each)
        writer.begin_transaction()
        writer.produce(kafka.topic(CHANGES), value, key, headers=headers)
        ending(DEADLINE)
    command = ["java", "-cp", f"{JARS}/*", str(SUBSCRIBER), kafka.kafka_bootstrap_servers, kafka.topic(CHANGES), "2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=4 * DEADLINE)
    assert ended.returncode == 0, ended.stderr
    told = [line.split("\t") for line in ended.stdout.splitlines()]
    assert [(key, id_, kind, key_, form) for key, id_, kind, key_, form, _ in told] == [
        (each.actor, each.id, f"org.stancewatch.stance.change.{each.kind.value}.v1", each.actor, "application/json")
        for each in (first, second)
    ]
    assert [value for *_, value in told] == [each.model_dump_json() for each in (first, second)]
