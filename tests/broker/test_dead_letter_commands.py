"""What operators type about dead letters, and what they are told."""

import json
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from shared.broker import create_topics, producer
from shared.dead_letter_commands import dead_letters
from shared.dead_letters import DeadLetter, Record, park, parked, parked_by_hand
from shared.errors import PermanentError
from shared.settings import BrokerSettings
from shared.topics import ARTICLES, OBSERVATIONS
from tests.broker.topic_io import read, write

pytestmark = pytest.mark.broker

Run = Callable[..., str]


@pytest.fixture
def run(kafka: BrokerSettings) -> Run:
    create_topics(kafka, [ARTICLES.dead, OBSERVATIONS.dead])
    environment = {
        "STANCE_KAFKA_BOOTSTRAP_SERVERS": kafka.kafka_bootstrap_servers,
        "STANCE_KAFKA_TOPIC_PREFIX": kafka.kafka_topic_prefix,
        "COLUMNS": "200",
    }

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(dead_letters("test-service"), [str(each) for each in arguments], env=environment)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


@pytest.fixture
def writer(kafka: BrokerSettings) -> Producer:
    return producer(kafka)


def dead(kafka: BrokerSettings, value: bytes, reason: str, offset: int) -> DeadLetter:
    record = Record(kafka.topic(ARTICLES), 3, offset, b"key", value, (("kept", b"1"),), 1_700_000_000_000)
    return DeadLetter(record, reason, "stance-service observe", "0.1.0")


def test_a_letter_is_listed_with_its_place_and_reason_and_shown_whole(
    kafka: BrokerSettings, run: Run, writer: Producer
) -> None:
    park(writer, dead(kafka, b"\xff", "not an article", 17))
    [found] = parked(kafka, ARTICLES)
    listed = run("list", "articles.v1")
    assert all(part in listed for part in (str(found.number), "3/17", "not an article", "stance-service observe"))
    shown = json.loads(run("show", "articles.v1", found.number))
    assert (shown["offset"], shown["key"], shown["value"]) == (17, "key", {"base64": "/w=="})
    assert shown["headers"] == [["kept", "1"]]


def test_letters_are_driven_again_by_number_reason_or_time(kafka: BrokerSettings, run: Run, writer: Producer) -> None:
    for offset, reason in enumerate(["not an article", "the classifier failed", "the classifier failed"]):
        park(writer, dead(kafka, reason.encode(), reason, offset))
    numbers = [each.number for each in parked(kafka, ARTICLES)]
    drive = ("re-drive", "articles.v1", "--by", "ada", "--why", "mended")
    assert run(*drive, "--number", numbers[1]) == f"1 driven again: {numbers[1]}\n"
    assert run(*drive, "--until", "2020-01-01") == "0 driven again\n"
    assert run(*drive, "--since", "2020-01-01", "--reason", "classifier") == f"1 driven again: {numbers[2]}\n"
    assert run(*drive, "--all") == f"1 driven again: {numbers[0]}\n"
    assert "by ada: mended" in run("list", "articles.v1")


def test_a_record_is_parked_by_hand_at_the_place_that_is_named(kafka: BrokerSettings, run: Run) -> None:
    write(kafka, OBSERVATIONS, [("openai", "no JSON")])
    [record] = read(kafka, OBSERVATIONS)
    place = (record.partition, record.offset)
    run("park", "stance.observations.v1", *place, "--by", "ada", "--reason", "cut off by a full disk")
    assert parked_by_hand(kafka, OBSERVATIONS) == {place}
    [found] = parked(kafka, OBSERVATIONS)
    assert (found.letter.service, found.letter.reason) == ("test-service dead-letters", "cut off by a full disk")


def test_what_does_not_exist_is_refused_with_what_does(run: Run) -> None:
    with pytest.raises(PermanentError, match=r"those that have are articles\.v1"):
        run("list", "articles")
    with pytest.raises(PermanentError, match="no dead letter 7"):
        run("show", "articles.v1", 7)
    with pytest.raises(PermanentError, match="say which"):
        run("re-drive", "articles.v1", "--by", "ada", "--why", "mended")
