"""What an operator does to records by hand: take one out of a topic, drive dead letters again. All of it is audited.

Both are written to the topic of dead letters, with who, when and why, and so stay on record for ever.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from shared import access
from shared.broker import consumer, producer
from shared.dead_letters import (
    AT,
    BY,
    RE_DRIVEN,
    REASON,
    DeadLetter,
    Parked,
    Record,
    ReDrive,
    park,
    parked,
    parked_by_hand,
)
from shared.errors import PermanentError, TransientError
from shared.observability import project_version
from shared.settings import BrokerSettings
from shared.topics import Topic

RE_DRIVEN_FROM: Final = "re-driven-from"
RE_DRIVEN_BY: Final = "re-driven-by"
RE_DRIVEN_AT: Final = "re-driven-at"
RE_DRIVEN_WHY: Final = "re-driven-why"
_OURS: Final = (RE_DRIVEN_FROM, RE_DRIVEN_BY, RE_DRIVEN_AT, RE_DRIVEN_WHY)
ANSWER_SECONDS: Final = 30.0


def park_by_hand(
    settings: BrokerSettings, topic: Topic, partition: int, offset: int, *, reason: str, by: str, service: str
) -> DeadLetter:
    """Take a record out of a topic: from its next start on, whoever keeps to `parked_by_hand` skips it.

    Raises PermanentError if there is no such record, or if it is parked already.
    """
    if (partition, offset) in parked_by_hand(settings, topic):
        raise PermanentError(f"{settings.topic(topic)}, partition {partition}, offset {offset} is parked already")
    record = _record(settings, TopicPartition(settings.topic(topic), partition, offset))
    letter = DeadLetter(record, reason, service, project_version(), by)
    park(producer(settings), letter)
    return letter


def re_drive(
    settings: BrokerSettings, topic: Topic, wanted: Callable[[Parked], bool], *, by: str, why: str
) -> Collection[int]:
    """Write the wanted letters to their topic again, except those driven before; the numbers of those written.

    Letter and note are one transaction, under one id: a crash, or two operators at once, drive nothing twice.
    """
    try:
        writer = producer(settings, transactional_id=f"re-drive-{topic.name}")
        writer.init_transactions(ANSWER_SECONDS)
        chosen = {each.number for each in parked(settings, topic) if each.re_driven is None and wanted(each)}
        for each in parked(settings, topic):
            if each.number in chosen:
                _drive(writer, each, settings.topic(topic.dead), ReDrive(by, datetime.now(UTC), why))
    except KafkaException as error:
        raise TransientError(
            f"driving letters of {settings.topic(topic.dead)} again stopped: {access.told(settings, error)}. "
            "Those driven are noted; run the command again for the rest."
        ) from error
    return sorted(chosen)


def _drive(writer: Producer, parked: Parked, dead_topic: str, drive: ReDrive) -> None:
    record, at = parked.letter.record, drive.at.isoformat()
    origin = [
        (RE_DRIVEN_FROM, f"{dead_topic}/{parked.number}".encode()),
        (RE_DRIVEN_BY, drive.by.encode()),
        (RE_DRIVEN_AT, at.encode()),
        (RE_DRIVEN_WHY, drive.why.encode()),
    ]
    note = [
        (RE_DRIVEN, str(parked.number).encode()),
        (BY, drive.by.encode()),
        (AT, at.encode()),
        (REASON, drive.why.encode()),
    ]
    headers = [*(header for header in record.headers if header[0] not in _OURS), *origin]
    writer.begin_transaction()
    writer.produce(record.topic, record.value, record.key, headers=list(headers))
    writer.produce(dead_topic, None, record.key, headers=list(note))
    writer.commit_transaction(ANSWER_SECONDS)


def _record(settings: BrokerSettings, place: TopicPartition) -> Record:
    """The record at exactly this place; raises PermanentError if there is none."""
    where = f"{place.topic}, partition {place.partition}, offset {place.offset}"
    reader = consumer(settings, "dead-letters", options={"enable.partition.eof": True})
    try:
        known = reader.list_topics(place.topic, ANSWER_SECONDS).topics[place.topic]
        if place.partition not in known.partitions:
            raise PermanentError(f"there is no {where}: the topic has {len(known.partitions)} partitions")
        reader.assign([place])
        message = reader.poll(ANSWER_SECONDS)
        if message is None:
            raise TransientError(f"{where} can't be read: no answer for {ANSWER_SECONDS:.0f} s")
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise TransientError(f"{where} can't be read: {access.told(settings, KafkaException(error))}")
        if error is not None or message.offset() != place.offset:
            raise PermanentError(f"there is no record at {where}")
        return Record.of_confluent(message)
    except KafkaException as error:
        raise TransientError(f"{where} can't be read: {access.told(settings, error)}") from error
    finally:
        reader.close()
