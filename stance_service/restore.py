"""What the tracker reads: observations, and their history up to an offset."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from confluent_kafka import Message, TopicPartition

from shared import broker, topics
from shared.dead_letters import Record, left_out, parked_by_hand
from shared.errors import PermanentError
from shared.events import OBSERVATION_EVENT, Observation, Withdrawal
from shared.observability import TRACK_RESTORE_SECONDS
from shared.settings import BrokerSettings
from stance_service.incoming import UnreadableError, read
from stance_service.polling import Poller
from stance_service.records import ObservationRecord, WithdrawalRecord
from stance_service.tracker import Tracker

BATCH: Final = 10_000
"""Observations that are taken at once, at most: under load a transaction is worth its price."""

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
            "Nothing from there on is tracked until this record is understood, or taken out: "
            f"stance-service dead-letters park {topics.OBSERVATIONS.name} {self.partition} {self.offset} "
            "--by NAME --reason WHY"
        )


class HistoryLostError(PermanentError):
    """Observations that positions rest on are no longer on the topic."""


class Intake:
    """What of the observations is tracked: all but what can't be true and what operators took out."""

    def __init__(self, axes: Collection[str] | None, parked: Collection[tuple[int, int]]) -> None:
        self._axes = axes
        self._parked = parked

    @classmethod
    def of(cls, settings: BrokerSettings, axes: Collection[str] | None) -> Self:
        """As operators have it now."""
        return cls(axes, parked_by_hand(settings, topics.OBSERVATIONS))

    def read(self, message: Message) -> ObservationRecord | WithdrawalRecord | None:
        """What a message says; None: it was taken out. Raises RefusedError or UnreadableObservationError."""
        partition, offset = message.partition() or 0, message.offset() or 0
        if (partition, offset) in self._parked:
            return None
        try:
            return read(message.key(), message.value(), message.timestamp()[1], self._axes)
        except UnreadableError as error:
            raise UnreadableObservationError(message.topic() or "", partition, offset, str(error)) from error


def decode(record: Record) -> Observation | Withdrawal:
    """The same of a record, as an event, of any axis."""
    try:
        read(record.key, record.value, record.written_at_ms, None)
    except UnreadableError as error:
        raise UnreadableObservationError(record.topic, record.partition, record.offset, str(error)) from error
    return OBSERVATION_EVENT.validate_json(record.value or b"")


def restore(
    settings: BrokerSettings,
    trackers: Mapping[int, Tracker],
    positions: Mapping[int, int],
    beat: Callable[[], None],
) -> None:
    """Lets trackers know the observations before the given offsets, by partition; nothing is emitted.

    `beat` is called again and again meanwhile.
    """
    began = time.monotonic()
    missing = {partition: offset for partition, offset in positions.items() if offset > 0}
    topic = settings.topic(topics.OBSERVATIONS)
    consumer = broker.consumer(settings, "tracker-restore")
    try:
        for partition in missing:
            first, _ = broker.watermarks(consumer, TopicPartition(topic, partition), settings.kafka_timeout_seconds)
            if first > 0:
                raise HistoryLostError(f"{topic}, partition {partition} begins only at offset {first}")
        parked = left_out(settings, topics.OBSERVATIONS) if missing else set()
        consumer.assign([TopicPartition(topic, partition, 0) for partition in missing])
        poller = Poller(consumer, sparing=False)
        while missing:
            beat()
            _remember(poller.messages(BATCH), missing, trackers, parked)
    finally:
        consumer.close()
    seconds = time.monotonic() - began
    TRACK_RESTORE_SECONDS.observe(seconds)
    _log.info("restored partitions %s up to %s in %.2f s", sorted(positions), sorted(positions.items()), seconds)


def _remember(
    messages: Iterable[Message],
    missing: dict[int, int],
    trackers: Mapping[int, Tracker],
    parked: Collection[tuple[int, int]],
) -> None:
    """Tells the trackers what they lack, striking out of `missing` the partitions that are complete."""
    for message in messages:
        partition, offset = message.partition() or 0, message.offset() or 0
        end = missing.get(partition)
        if end is None:
            continue
        key, value = message.key(), message.value()
        if offset < end and (partition, offset) not in parked and key is not None and value is not None:
            trackers[partition].remember(str(key, "utf-8"), bytes(value))
        if offset >= end - 1:
            del missing[partition]
