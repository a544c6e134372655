"""What the tracker reads: observations, and their history up to an offset."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition
from pydantic import ValidationError

from shared import broker, topics
from shared.dead_letters import Record
from shared.errors import PermanentError
from shared.events import OBSERVATION_EVENT, Observation, Withdrawal
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.polling import Poller
from stance_service.tracker import Tracker

BATCH: Final = 2_000

_log = logging.getLogger(__name__)


@dataclass(eq=False)  # frozen ones can't be given a traceback
class UnreadableObservationError(PermanentError):
    """A record of the observations cannot be understood; to skip it would falsify history."""

    topic: str
    partition: int
    offset: int
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.topic}, partition {self.partition}, offset {self.offset}: {self.reason}. "
            "Nothing from there on is tracked until this record is understood or parked."
        )


class HistoryLostError(PermanentError):
    """Observations that positions rest on are no longer on the topic."""


def decode(record: Record) -> Observation | Withdrawal:
    """What a record says; raises UnreadableObservationError."""
    if record.value is None:
        raise _unreadable(record, "it has no value")
    try:
        event = OBSERVATION_EVENT.validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _unreadable(record, f"{'.'.join(map(str, first['loc'])) or 'record'}: {first['msg']}") from error
    if record.key != event.actor.encode():
        raise _unreadable(record, f"its key is {record.key!r}, its actor {event.actor!r}")
    return event


def _unreadable(record: Record, reason: str) -> UnreadableObservationError:
    return UnreadableObservationError(record.topic, record.partition, record.offset, reason)


def restore(
    settings: BrokerSettings, parameters: Parameters, positions: Sequence[TopicPartition]
) -> dict[int, Tracker]:
    """Trackers that know the observations before the given offsets, by partition; nothing is emitted."""
    began = time.monotonic()
    trackers = {position.partition: Tracker(parameters) for position in positions}
    missing = {position.partition: position.offset for position in positions if position.offset > 0}
    topic = settings.topic(topics.OBSERVATIONS)
    consumer = broker.consumer(settings, "tracker-restore")
    count = 0
    try:
        for partition in missing:
            at = TopicPartition(topic, partition)
            first, _ = broker.watermarks(consumer, at, settings.kafka_timeout_seconds)
            if first > 0:
                raise HistoryLostError(f"{topic}, partition {partition} begins only at offset {first}")
        consumer.assign([TopicPartition(topic, partition, 0) for partition in missing])
        poller = Poller(consumer, sparing=False)
        while missing:
            count += _replay(poller.poll(BATCH), missing, trackers)
    finally:
        consumer.close()
    _log.info("restored %d observations of partitions %s in %.2f s", count, sorted(trackers), time.monotonic() - began)
    return trackers


def _replay(records: Iterable[Record], missing: dict[int, int], trackers: dict[int, Tracker]) -> int:
    """Feeds the trackers what they lack, striking out of `missing` the partitions that are complete."""
    batches: dict[int, list[Observation | Withdrawal]] = {}
    for record in records:
        end = missing.get(record.partition)
        if end is None:
            continue
        if record.offset < end:
            batches.setdefault(record.partition, []).append(decode(record))
        if record.offset >= end - 1:
            del missing[record.partition]
    for partition, batch in batches.items():
        trackers[partition].apply(batch)
    return sum(map(len, batches.values()))
