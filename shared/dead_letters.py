"""Park records that cannot be processed, with everything needed to judge and repeat them.

A dead letter has the original bytes, key, headers and time; headers `dead-...` say where it lay, why and since when it
is here, and who put it here if that was an operator. That a letter was driven again is noted by a further record of
the same topic, without a value: see `shared.by_hand`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self, cast

from confluent_kafka import Message, Producer

from shared.broker import consumer
from shared.errors import PermanentError, TransientError
from shared.observability import RECORDS
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS, beginnings, to_the_end
from shared.topics import Topic

Headers = tuple[tuple[str, bytes | None], ...]
PARK_SECONDS: Final = 30.0

TOPIC: Final = "dead-topic"
PARTITION: Final = "dead-partition"
OFFSET: Final = "dead-offset"
REASON: Final = "dead-reason"
SERVICE: Final = "dead-service"
VERSION: Final = "dead-version"
AT: Final = "dead-at"
BY: Final = "dead-by"
"""Who parked the record by hand, or drove it again."""
RE_DRIVEN: Final = "dead-re-driven"
"""Of a note: the number of the letter that was driven again."""


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
    by: str = ""  # the operator who parked it; empty: the service did
    parked_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def headers(self) -> list[tuple[str, str | bytes | None]]:
        """The original headers and ours."""
        return [
            *self.record.headers,
            (TOPIC, self.record.topic.encode()),
            (PARTITION, str(self.record.partition).encode()),
            (OFFSET, str(self.record.offset).encode()),
            (REASON, self.reason.encode()),
            (SERVICE, self.service.encode()),
            (VERSION, self.version.encode()),
            (AT, self.parked_at.isoformat().encode()),
            *([(BY, self.by.encode())] if self.by else []),
        ]

    @classmethod
    def read(cls, parked: Record) -> Self:
        """The inverse of parking; raises PermanentError for a record that is no dead letter."""
        ours = _ours(parked)
        try:
            original = Record(
                ours[TOPIC],
                int(ours[PARTITION]),
                int(ours[OFFSET]),
                parked.key,
                parked.value,
                tuple(header for header in parked.headers if not header[0].startswith("dead-")),
                parked.written_at_ms,
            )
            reason, service, version, at = ours[REASON], ours[SERVICE], ours[VERSION], ours[AT]
            return cls(original, reason, service, version, ours.get(BY, ""), datetime.fromisoformat(at))
        except (KeyError, ValueError) as error:
            raise PermanentError(f"{parked.topic}, offset {parked.offset} is no dead letter: {error!r}") from error


@dataclass(frozen=True)
class ReDrive:
    """That a dead letter was written to its topic again: by whom, when and why."""

    by: str
    at: datetime
    why: str


@dataclass(frozen=True)
class Parked:
    """A dead letter as it lies in its topic. `number`: its offset there, by which operators name it."""

    number: int
    letter: DeadLetter
    re_driven: ReDrive | None


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
    RECORDS.labels(letter.record.topic, "parked").inc()


def parked(settings: BrokerSettings, topic: Topic) -> Iterator[Parked]:
    """The dead letters of a topic, oldest first; one at a time, as each may be large."""
    notes = {int(ours[RE_DRIVEN]): ours for each in _records(settings, topic) if RE_DRIVEN in (ours := _ours(each))}
    driven = {
        number: ReDrive(ours[BY], datetime.fromisoformat(ours[AT]), ours[REASON]) for number, ours in notes.items()
    }
    for record in _records(settings, topic):
        if RE_DRIVEN not in _ours(record):
            yield Parked(record.offset, DeadLetter.read(record), driven.get(record.offset))


def parked_by_hand(settings: BrokerSettings, topic: Topic) -> set[tuple[int, int]]:
    """Partition and offset of the records that operators took out of a topic: whoever reads it skips them."""
    return {
        (int(ours[PARTITION]), int(ours[OFFSET]))
        for record in _records(settings, topic)
        if BY in (ours := _ours(record)) and RE_DRIVEN not in ours
    }


def left_out(settings: BrokerSettings, topic: Topic) -> set[tuple[int, int]]:
    """Partition and offset of the records of a topic that were parked, by whoever read them or by hand."""
    return {(each.letter.record.partition, each.letter.record.offset) for each in parked(settings, topic)}


def _records(settings: BrokerSettings, topic: Topic) -> Iterator[Record]:
    """All that is in the topic of dead letters now; nothing if there is no such topic."""
    name = settings.topic(topic.dead)
    reader = consumer(settings, "dead-letters", options=TELL_ENDS)
    try:
        start = beginnings(settings, reader, name)
        yield from map(Record.of_confluent, to_the_end(settings, reader, start))
    finally:
        reader.close()


def _ours(record: Record) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in record.headers if name.startswith("dead-")}


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
