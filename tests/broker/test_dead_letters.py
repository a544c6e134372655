"""A parked record keeps everything, and what operators do with it stays on record."""

import threading
from contextlib import suppress

import pytest
from confluent_kafka import Producer

from shared import topics
from shared.broker import create_topics, producer
from shared.by_hand import park_by_hand, re_drive
from shared.dead_letters import DeadLetter, Record, park, parked, parked_by_hand
from shared.errors import PermanentError, TransientError
from shared.settings import BrokerSettings
from shared.topics import ARTICLES, OBSERVATIONS
from tests.broker.topic_io import read, write

pytestmark = pytest.mark.broker

SERVICE = "stance-service dead-letters"


@pytest.fixture
def kafka(kafka: BrokerSettings) -> BrokerSettings:
    create_topics(kafka, [ARTICLES.dead, OBSERVATIONS.dead])
    return kafka


@pytest.fixture
def writer(kafka: BrokerSettings) -> Producer:
    return producer(kafka)


def letter(kafka: BrokerSettings, body: str, reason: str = "not JSON", offset: int = 0) -> DeadLetter:
    record = Record(kafka.topic(ARTICLES), 0, offset, b"key", body.encode(), (("kept", b"1"),), 1_700_000_000_000)
    return DeadLetter(record, reason, "stance-service observe", "0.1.0")


def test_a_parked_record_keeps_bytes_key_headers_time_and_place(kafka: BrokerSettings, writer: Producer) -> None:
    headers: list[tuple[str, str | bytes | None]] = [("twice", b"1"), ("twice", b"\xff\x00"), ("none", None)]
    writer.produce(kafka.topic(ARTICLES), b"\xff no json", b"\x00key", headers=headers, timestamp=1_700_000_000_000)
    assert writer.flush(20) == 0

    [record] = read(kafka, ARTICLES)
    dead = DeadLetter(record, "not JSON: Ä", "stance-service observe", "0.1.0")
    park(writer, dead)

    [found] = parked(kafka, ARTICLES)
    assert (found.letter, found.re_driven) == (dead, None)
    assert record.headers == (("twice", b"1"), ("twice", b"\xff\x00"), ("none", None))
    assert (record.topic, record.offset, record.written_at_ms) == (kafka.topic(ARTICLES), 0, 1_700_000_000_000)


def test_a_topic_without_dead_letters_has_none(kafka: BrokerSettings) -> None:
    assert list(parked(kafka, ARTICLES)) == []
    assert list(parked(kafka, topics.CHANGES)) == []  # not even a topic for them


def test_a_record_parked_by_hand_is_known_by_its_place_and_tells_who_and_why(kafka: BrokerSettings) -> None:
    write(kafka, OBSERVATIONS, [("openai", "no JSON"), ("openai", "{}")])
    first, second = read(kafka, OBSERVATIONS)
    assert parked_by_hand(kafka, OBSERVATIONS) == set()

    park_by_hand(kafka, OBSERVATIONS, second.partition, second.offset, reason="a test", by="ada", service=SERVICE)

    assert parked_by_hand(kafka, OBSERVATIONS) == {(second.partition, second.offset)}
    [found] = parked(kafka, OBSERVATIONS)
    assert (found.letter.record, found.letter.reason, found.letter.by) == (second, "a test", "ada")
    assert read(kafka, OBSERVATIONS) == [first, second]


def test_what_a_service_parked_by_itself_is_not_parked_by_hand(kafka: BrokerSettings, writer: Producer) -> None:
    park(writer, letter(kafka, "bad"))
    assert parked_by_hand(kafka, ARTICLES) == set()


def test_only_a_record_that_is_there_can_be_parked_and_only_once(kafka: BrokerSettings) -> None:
    write(kafka, OBSERVATIONS, [("openai", "no JSON")])
    [record] = read(kafka, OBSERVATIONS)

    def park_it(partition: int, offset: int) -> None:
        park_by_hand(kafka, OBSERVATIONS, partition, offset, reason="a test", by="ada", service=SERVICE)

    with pytest.raises(PermanentError, match=f"there is no record at .*, partition {record.partition}, offset 1"):
        park_it(record.partition, 1)
    with pytest.raises(PermanentError, match="the topic has 6 partitions"):
        park_it(6, 0)
    park_it(record.partition, record.offset)
    with pytest.raises(PermanentError, match="is parked already"):
        park_it(record.partition, record.offset)


def test_a_letter_driven_again_is_the_original_record_and_tells_where_it_comes_from(
    kafka: BrokerSettings, writer: Producer
) -> None:
    park(writer, letter(kafka, "bad"))
    [found] = parked(kafka, ARTICLES)
    assert re_drive(kafka, ARTICLES, lambda _: True, by="ada", why="mended") == [found.number]

    [record] = read(kafka, ARTICLES)
    assert (record.key, record.value) == (b"key", b"bad")
    headers = dict(record.headers)
    assert headers.pop("re-driven-at") is not None
    assert headers == {
        "kept": b"1",
        "re-driven-from": f"{kafka.topic(ARTICLES.dead)}/{found.number}".encode(),
        "re-driven-by": b"ada",
        "re-driven-why": b"mended",
    }


def test_a_letter_is_driven_once_and_keeps_who_did_it_and_why(kafka: BrokerSettings, writer: Producer) -> None:
    for reason in ("not JSON", "the classifier failed"):
        park(writer, letter(kafka, reason, reason))
    assert len(re_drive(kafka, ARTICLES, lambda each: "JSON" in each.letter.reason, by="ada", why="mended")) == 1
    assert len(re_drive(kafka, ARTICLES, lambda _: True, by="bob", why="model updated")) == 1
    assert re_drive(kafka, ARTICLES, lambda _: True, by="eve", why="again") == []

    assert sorted(r.value or b"" for r in read(kafka, ARTICLES)) == [b"not JSON", b"the classifier failed"]
    found = [(each.letter.reason, each.re_driven) for each in parked(kafka, ARTICLES)]
    assert [(reason, drive and (drive.by, drive.why)) for reason, drive in found] == [
        ("not JSON", ("ada", "mended")),
        ("the classifier failed", ("bob", "model updated")),
    ]


def test_a_letter_that_fails_again_is_a_new_letter_with_one_origin(kafka: BrokerSettings, writer: Producer) -> None:
    park(writer, letter(kafka, "bad"))
    re_drive(kafka, ARTICLES, lambda _: True, by="ada", why="first")
    [again] = read(kafka, ARTICLES)
    park(writer, DeadLetter(again, "still not JSON", "stance-service observe", "0.1.0"))
    assert len(re_drive(kafka, ARTICLES, lambda _: True, by="ada", why="second")) == 1
    whys = [[value for name, value in each.headers if name == "re-driven-why"] for each in read(kafka, ARTICLES)]
    assert sorted(whys) == [[b"first"], [b"second"]]


def test_two_operators_at_once_drive_no_letter_twice(kafka: BrokerSettings, writer: Producer) -> None:
    for number in range(20):
        park(writer, letter(kafka, f"bad {number}"))

    def drive(by: str) -> None:
        with suppress(TransientError):  # the slower one is fenced
            re_drive(kafka, ARTICLES, lambda _: True, by=by, why="mended")

    both = [threading.Thread(target=drive, args=[by]) for by in ("ada", "bob")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    re_drive(kafka, ARTICLES, lambda _: True, by="ada", why="the rest")
    assert sorted(r.value or b"" for r in read(kafka, ARTICLES)) == sorted(f"bad {n}".encode() for n in range(20))
