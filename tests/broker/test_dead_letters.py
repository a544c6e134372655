"""A parked record keeps everything."""

from shared.broker import consumer, create_topics, producer
from shared.dead_letters import DeadLetter, Record, park, parked
from shared.settings import BrokerSettings
from shared.topics import ARTICLES


def test_a_parked_record_keeps_bytes_key_headers_time_and_place(kafka: BrokerSettings) -> None:
    create_topics(kafka, [ARTICLES.dead])
    headers: list[tuple[str, str | bytes | None]] = [("twice", b"1"), ("twice", b"\xff\x00"), ("none", None)]
    writer = producer(kafka)
    writer.produce(kafka.topic(ARTICLES), b"\xff no json", b"\x00key", headers=headers, timestamp=1_700_000_000_000)
    assert writer.flush(20) == 0

    reader = consumer(kafka, "test")
    reader.subscribe([kafka.topic(ARTICLES)])
    message = reader.poll(20)
    reader.close()
    assert message is not None
    record = Record.of_confluent(message)
    letter = DeadLetter(record, "not JSON: Ä", "stance-service observe", "0.1.0")
    park(writer, letter)

    assert list(parked(kafka, ARTICLES)) == [letter]
    assert record.headers == (("twice", b"1"), ("twice", b"\xff\x00"), ("none", None))
    assert (record.topic, record.offset, record.written_at_ms) == (kafka.topic(ARTICLES), 0, 1_700_000_000_000)


def test_a_topic_without_dead_letters_has_none(kafka: BrokerSettings) -> None:
    create_topics(kafka, [ARTICLES.dead])
    assert list(parked(kafka, ARTICLES)) == []
