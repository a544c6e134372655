"""Each service does its work with the rights it is given over TLS, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from shared import broker, topics
from shared.errors import BrokerUnavailableError, PermanentError, StanceError
from shared.rights import ROLES, USER_PREFIX
from shared.settings import BrokerSettings
from shared.signing import SigningKey, TrustedKey, TrustedKeys
from stance_service.alerts.subscriber import begin
from stance_service.audit.checkpointer import Checkpointer
from stance_service.audit.verify import Verification
from stance_service.belief import Parameters
from stance_service.history import History
from stance_service.history.feed import Feed
from stance_service.observe_loop import GROUP as OBSERVERS
from stance_service.publishing import GROUP as TRACKERS
from stance_service.scanning import scan
from tests.broker.test_transactions import tracking
from tests.broker.topic_io import DEADLINE, publish, read, wait_until_read
from tests.kafka import apache
from tests.security.cluster import SUPER_USER, Secured, secured
from tests.stances import observation

pytestmark = [pytest.mark.apache, pytest.mark.slow]
SEED = Path(__file__).parents[2] / "seeds" / "000_6db10e2b9b2e63e8.txt"
OBSERVER_SECONDS = 300.0


def environment(settings: BrokerSettings, folder: Path) -> dict[str, str]:
    """By which a process has the settings."""
    told = settings.model_dump(exclude_defaults=True) | {"data_dir": folder}
    return os.environ | {f"STANCE_{name.upper()}": str(value) for name, value in told.items()}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if (reason := apache.missing()) is not None:
        pytest.skip(reason)
    with secured(tmp_path_factory.mktemp("secured")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster(bare: Secured, tmp_path_factory: pytest.TempPathFactory) -> Secured:
    """With the topics and rights that the command sets."""
    command = [sys.executable, "-m", "stance_service", "topics", "--acls"]
    own = environment(bare.settings(SUPER_USER), tmp_path_factory.mktemp("data"))
    said = subprocess.run(command, env=own, check=True, capture_output=True, text=True, timeout=DEADLINE * 3).stdout
    assert "topics are as they have to be" in said
    assert f"rights of {len(ROLES)} users are set" in said
    return bare


def service(cluster: Secured, role: str) -> BrokerSettings:
    return cluster.settings(USER_PREFIX + role)


def refusal(settings: BrokerSettings, topic: topics.Topic, group: str) -> int | None:
    """Why a client may not read a topic, as Kafka's error code; None: it may."""
    reader = broker.consumer(settings, group)
    reader.subscribe([topic.name])
    try:
        while True:
            message = reader.poll(DEADLINE)
            assert message is not None, "Kafka said nothing"
            error = message.error()
            if error is None or not error.retriable():
                return None if error is None else error.code()
    finally:
        reader.close()


def write_refusal(settings: BrokerSettings, topic: topics.Topic) -> int | None:
    """Why a client may not write to a topic, as Kafka's error code; None: it may."""
    told: list[KafkaError | None] = []
    producer = Producer(broker._librdkafka(settings))  # not idempotent: for that alone one needs a right to write
    producer.produce(topic.name, b"forged", b"openai", on_delivery=lambda error, _: told.append(error))
    assert producer.flush(DEADLINE) == 0
    return told[0].code() if told[0] else None


@contextmanager
def running(arguments: list[str], settings: BrokerSettings, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environment(settings, folder), stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def test_without_rights_a_service_says_which_topic_and_user(bare: Secured) -> None:
    with pytest.raises(PermanentError, match=r"topic .*: user 'stance-subscriber' may neither see nor create it"):
        broker.create_topics(bare.settings("stance-subscriber"), [topics.OBSERVATIONS])


def test_an_article_becomes_a_change_with_every_service_under_its_own_user(cluster: Secured, tmp_path: Path) -> None:
    ingest = environment(service(cluster, "ingest"), tmp_path / "ingest")
    subprocess.run([sys.executable, "-m", "ingest_service", "add", SEED], env=ingest, check=True, timeout=DEADLINE * 3)
    with running(["stance_service", "observe"], service(cluster, "observe"), tmp_path / "observe"):
        assert wait_until_read(cluster.settings(SUPER_USER), OBSERVERS, topics.ARTICLES, OBSERVER_SECONDS)
    publish(cluster.settings(SUPER_USER), [observation()])  # whatever the model found
    with tracking(service(cluster, "track")):
        assert wait_until_read(cluster.settings(SUPER_USER), TRACKERS, topics.OBSERVATIONS)
    store = History("sqlite://")
    Feed(service(cluster, "history"), store).catch_up()
    assert store.changes()
    assert len(read(cluster.settings(SUPER_USER), topics.CHANGES)) == len(store.changes())
    store.close()
    assert refusal(service(cluster, "subscriber"), topics.CHANGES, "subscriber-test") is None
    assert refusal(service(cluster, "alert"), topics.CHANGES, "alert") is None
    assert refusal(service(cluster, "serve"), topics.CHANGES, "serve") is None
    key = SigningKey.made()
    trusted = TrustedKeys([TrustedKey(public_key=key.public_pem, valid_from=datetime(2020, 1, 1, tzinfo=UTC))])
    Checkpointer(service(cluster, "checkpoint"), key, trusted).write(None)
    assert Verification(service(cluster, "auditor"), Parameters(), trusted).run().status == 0


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("ingest", topics.CHANGES),
        ("ingest", topics.OBSERVATIONS),
        ("observe", topics.POSITIONS),
        ("track", topics.ARTICLES),
        ("alert", topics.ARTICLES),
        ("serve", topics.POSITIONS),
        ("subscriber", topics.OBSERVATIONS),
    ],
)
def test_no_service_reads_what_is_not_its_own(cluster: Secured, role: str, topic: topics.Topic) -> None:
    groups = {"ingest": "ingest", "observe": "observe", "track": "tracker", "alert": "alert", "serve": "serve"}
    denied = refusal(service(cluster, role), topic, groups.get(role, "subscriber-test"))
    assert denied == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("subscriber", topics.CHANGES),
        ("alert", topics.CHANGES),
        ("checkpoint", topics.CHANGES),
        ("auditor", topics.CHECKPOINTS),
        ("history", topics.POSITIONS),
        ("observe", topics.CHANGES),
        ("ingest", topics.OBSERVATIONS),
        ("track", topics.OBSERVATIONS),
    ],
)
def test_no_service_writes_what_it_only_reads(cluster: Secured, role: str, topic: topics.Topic) -> None:
    assert write_refusal(service(cluster, role), topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_subscriber_may_not_pose_as_another_group(cluster: Secured) -> None:
    assert refusal(service(cluster, "subscriber"), topics.CHANGES, "tracker") == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_nobody_else_may_use_the_trackers_transactional_ids(cluster: Secured) -> None:
    intruder = broker.producer(service(cluster, "observe"), transactional_id="tracker-0")
    with pytest.raises(KafkaException) as told:
        intruder.init_transactions(DEADLINE)
    assert told.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


def test_a_service_under_another_ones_user_says_which_right_is_missing(cluster: Secured) -> None:
    with pytest.raises(StanceError, match=r"user 'stance-alert' lacks .*stance-service topics --acls"):
        with tracking(service(cluster, "alert")):
            wait_until_read(cluster.settings(SUPER_USER), "nobody", topics.POSITIONS, 30)


def test_who_alerts_without_the_right_on_its_group_is_told_so(cluster: Secured) -> None:
    with pytest.raises(StanceError, match=r"user 'stance-serve' lacks Read on its consumer group"):
        begin(service(cluster, "serve").model_copy(update={"kafka_timeout_seconds": 10}), "now")


def test_a_history_without_rights_says_whose_are_missing(cluster: Secured) -> None:
    with pytest.raises(StanceError, match=r"user 'stance-alert' lacks .*stance-service topics --acls"):
        Feed(service(cluster, "alert"), History("sqlite://")).catch_up()


def test_who_scans_a_topic_without_rights_is_told_whose_are_missing(cluster: Secured) -> None:
    with pytest.raises(StanceError, match=r"user 'stance-alert' lacks .*stance-service topics --acls"):
        list(scan(service(cluster, "alert"), topics.CHANGES.name, {0: (0, 1)}))


def test_a_wrong_password_is_named_and_not_told(cluster: Secured, tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("open-sesame")
    settings = service(cluster, "track").model_copy(update={"kafka_sasl_password_file": wrong})
    with pytest.raises(PermanentError, match=r"refuses us: .*STANCE_KAFKA_SASL_ settings") as told:
        broker.create_topics(settings, [topics.CHANGES], seconds=10)
    assert "open-sesame" not in str(told.value)


def test_a_broker_with_a_certificate_of_others_is_refused(cluster: Secured) -> None:
    settings = service(cluster, "track").model_copy(update={"kafka_ssl_ca_file": None})
    with pytest.raises((PermanentError, BrokerUnavailableError), match="STANCE_KAFKA_SSL_ files"):
        broker.create_topics(settings, [topics.CHANGES], seconds=10)
