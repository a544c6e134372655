"""Park records that cannot be processed, with everything needed to judge and repeat them.

A dead letter has the original bytes, key, headers and time; headers `dead-...` say where it lay and why it is here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, cast

from confluent_kafka import OFFSET_BEGINNING, KafkaError, Message, Producer, TopicPartition

from shared.broker import consumer
from shared.errors import TransientError
from shared.settings import BrokerSettings
from shared.topics import Topic

Headers = tuple[tuple[str, bytes | None], ...]
PARK_SECONDS = 30.0


@dataclass(frozen=True)
class Record:
    """A Kafka record as read, whichever client read it. `written_at_ms`: its timestamp in milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    written_at_ms: int = 0

    @classmethod
    def of_confluent(cls, message: Message) -> Self:
        """From confluent-kafka."""
        pairs = cast(list[tuple[str, str | bytes | None]], message.headers() or [])
        headers = tuple((name, _bytes(value)) for name, value in pairs)
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            raise ValueError("an event without a record")
        return cls(
            topic, partition, offset, _bytes(message.key()), _bytes(message.value()), headers, message.timestamp()[1]
        )

    @classmethod
    def of_aiokafka(cls, record: Any) -> Self:
        """From aiokafka, as in FastStream's `raw_message`."""
        return cls(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.value,
            tuple(record.headers),
            record.timestamp,
        )


@dataclass(frozen=True)
class DeadLetter:
    """A parked record and why it was parked; `record` is the original, at its original place."""

    record: Record
    reason: str
    service: str
    version: str

    @property
    def headers(self) -> list[tuple[str, str | bytes | None]]:
        """The original headers and ours."""
        return [
            *self.record.headers,
            ("dead-topic", self.record.topic.encode()),
            ("dead-partition", str(self.record.partition).encode()),
            ("dead-offset", str(self.record.offset).encode()),
            ("dead-reason", self.reason.encode()),
            ("dead-service", self.service.encode()),
            ("dead-version", self.version.encode()),
        ]

    @classmethod
    def read(cls, parked: Record) -> Self:
        """The inverse of parking."""
        ours = {name: (value or b"").decode() for name, value in parked.headers if name.startswith("dead-")}
        original = Record(
            ours["dead-topic"],
            int(ours["dead-partition"]),
            int(ours["dead-offset"]),
            parked.key,
            parked.value,
            tuple(header for header in parked.headers if not header[0].startswith("dead-")),
            parked.written_at_ms,
        )
        return cls(original, ours["dead-reason"], ours["dead-service"], ours["dead-version"])


def park(producer: Producer, letter: DeadLetter) -> None:
    """Park with a synchronous producer; returns once the broker has the letter.

    Raises TransientError if it has not: the caller must stop and must not commit. Not for a transactional producer
    outside its transaction. From async code: `await asyncio.to_thread(park, producer, letter)`.
    """
    failures: list[str] = []
    producer.produce(
        f"{letter.record.topic}.dead",
        letter.record.value,
        letter.record.key,
        headers=letter.headers,
        timestamp=letter.record.written_at_ms,
        on_delivery=lambda error, _: failures.append(str(error)) if error is not None else None,
    )
    if producer.flush(PARK_SECONDS) or failures:
        raise TransientError(f"could not park a record of {letter.record.topic}: {failures or 'no answer'}")


def parked(settings: BrokerSettings, topic: Topic, *, patience: float = 5.0) -> Iterator[DeadLetter]:
    """The dead letters of a topic, oldest first, until nothing more comes for `patience` seconds."""
    reader = consumer(settings, "dead-letters-list", options={"enable.partition.eof": True})
    reader.assign([TopicPartition(settings.topic(topic.dead), 0, OFFSET_BEGINNING)])
    try:
        while (message := reader.poll(patience)) is not None:
            error = message.error()
            if error is None:
                yield DeadLetter.read(Record.of_confluent(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                return
            else:
                raise TransientError(f"can't read {settings.topic(topic.dead)}: {error}")
    finally:
        reader.close()


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
