"""The tracker's loop on Kafka: read observations, publish timelines and changes, exactly once.

Everything that a batch brings about, and the offsets it was read to, are one Kafka transaction, committed under the
member's group generation (KIP-447): a zombie that lost its partitions cannot commit. What the trackers know is read
again from the topic up to the committed offsets whenever partitions are assigned, emitting nothing. Transactions
never stay open between two polls, so a rebalance always finds none.

Crash-only: whatever goes wrong ends the loop; nothing is skipped, and a restart goes on from the last commit.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from shared import access, broker, topics
from shared.chain import Heads
from shared.dead_letters import DeadLetter, Record
from shared.errors import TransientError
from shared.health import Progress, Readiness
from shared.observability import CHANGES, LATE_OBSERVATIONS, RECORDS, REFUSED_OBSERVATIONS, project_version
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS
from shared.workers import patiently
from stance_service.belief import Parameters
from stance_service.heads import recorded_heads
from stance_service.observe import RefusedError
from stance_service.polling import Poller
from stance_service.publishing import GROUP, Publisher
from stance_service.records import ObservationRecord, WithdrawalRecord
from stance_service.restore import BATCH, Intake, UnreadableObservationError, restore
from stance_service.tracker import Outputs, Tracker

RESTORE_LIMIT_MS: Final = 30 * 60 * 1000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Batch:
    """What was read, by partition, up to the first record that can't be understood."""

    events: dict[int, list[ObservationRecord | WithdrawalRecord]] = field(default_factory=dict)
    refused: list[DeadLetter] = field(default_factory=list)
    problem: UnreadableObservationError | None = None
    count: int = 0


class _StoppedError(Exception):
    """Somebody asked to stop in the midst of what takes long."""


class TransactionalLoop:
    """One worker. `member` names it for good: its successor fences it and takes its partitions over at once.

    Without a name a fresh one is made up; then a dead worker's partitions wait for the broker to miss it.
    `axes`: those configured, observations of others are refused; None: none are. `sparing`: see `polling.Poller`.
    `progress` is beaten at every turn, `readiness` told of assignments.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        parameters: Parameters,
        member: str | None = None,
        *,
        axes: Collection[str] | None = None,
        sparing: bool = False,
        progress: Progress | None = None,
        readiness: Readiness | None = None,
    ) -> None:
        self._settings = settings
        self._parameters = parameters
        self._topic = settings.topic(topics.OBSERVATIONS)
        self._member = member
        self._axes = axes
        self._intake = Intake(axes, ())
        self._sparing = sparing
        self._progress = progress or Progress("track", RESTORE_LIMIT_MS / 1000)
        self._readiness = readiness or Readiness("Kafka gave no partitions yet")
        self._stopping: Callable[[], bool] = lambda: False
        self._trackers: dict[int, Tracker] = {}
        self._heads: dict[int, Heads] = {}
        self._next: dict[int, int] = {}
        self._given_up: dict[int, tuple[int, Tracker, Heads]] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """Those that are this worker's now."""
        return frozenset(self._next)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Works until `stopping()`; raises StanceError for what a supervisor or an operator has to see."""
        self._stopping = stopping
        try:
            publisher = Publisher(self._settings, self._member)
            patiently(publisher.fence, self._progress, stopping)
            consumer = self._subscribe()
            try:
                poller = Poller(consumer, sparing=self._sparing)
                while not stopping():
                    self._progress.beat()
                    self._turn(poller.messages(BATCH), consumer, publisher)
            finally:
                consumer.close()
        except _StoppedError:
            _log.info("stopped before its partitions were taken over")
        except KafkaException as error:
            raise TransientError(f"tracking stopped: {access.told(self._settings, error)}") from error

    def _beat(self) -> None:
        """Within a step: nothing of it is published yet, so it may be given up."""
        if self._stopping():
            raise _StoppedError
        self._progress.beat()

    def _subscribe(self) -> Consumer:
        options: dict[str, object] = {
            "partition.assignment.strategy": "range",  # the embedded broker gets stuck in cooperative rebalances
            "max.poll.interval.ms": RESTORE_LIMIT_MS,
        }
        consumer = broker.consumer(
            self._settings,
            GROUP,
            member=self._member,
            options=options | (TELL_ENDS if self._sparing else {}),
        )
        consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        return consumer

    def _turn(self, messages: Iterable[Message], consumer: Consumer, publisher: Publisher) -> None:
        batch = self._read(messages)
        outputs = []
        for partition, events in batch.events.items():
            for _ in self._trackers[partition].wake(event.actor for event in events):
                self._beat()
            found = self._trackers[partition].apply(events)
            outputs.append(replace(found, changes=self._heads[partition].link(found.changes)))
        if batch.count:
            publisher.commit(outputs, batch.refused, self._next, consumer)
            self._measure(batch, outputs)
        if batch.problem is not None:
            raise batch.problem

    def _read(self, messages: Iterable[Message]) -> _Batch:
        batch = _Batch()
        for message in messages:
            partition, offset = message.partition() or 0, message.offset() or 0
            # There may still be records of partitions that were given up while they were collected.
            if partition not in self._trackers or offset < self._next[partition]:
                continue
            try:
                event = self._intake.read(message)
            except UnreadableObservationError as problem:
                batch.problem = problem
                break
            except RefusedError as error:
                event = None
                batch.refused.append(self._letter(message, error))
            if event is not None:
                batch.events.setdefault(partition, []).append(event)
            self._next[partition] = offset + 1
            batch.count += 1
        return batch

    def _letter(self, message: Message, error: RefusedError) -> DeadLetter:
        record = Record.of_confluent(message)
        _log.error("parked %s %d/%d: %s", record.topic, record.partition, record.offset, error)
        REFUSED_OBSERVATIONS.labels(error.field).inc()
        return DeadLetter(record, str(error), "stance-service track", project_version())

    def _measure(self, batch: _Batch, outputs: Iterable[Outputs]) -> None:
        RECORDS.labels(self._topic, "tracked").inc(batch.count - len(batch.refused))
        RECORDS.labels(self._topic, "parked").inc(len(batch.refused))
        for each in outputs:
            LATE_OBSERVATIONS.inc(each.late)
            for change in each.changes:
                CHANGES.labels(change.kind.value).inc()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._stopping():  # also while the consumer closes, when nothing can be asked any more
            raise _StoppedError
        try:
            self._take_over(consumer, partitions)
        except KafkaException as error:  # leaving a callback, it would become what no handler catches
            raise TransientError(f"tracking stopped: {access.told(self._settings, error)}") from error

    def _take_over(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        timeout = self._settings.kafka_timeout_seconds
        committed = broker.committed(consumer, partitions, timeout) if partitions else []
        positions = [TopicPartition(self._topic, each.partition, max(each.offset, 0)) for each in committed]
        # What was known of a partition when it was given up still holds if nobody has gone on from there.
        kept = {at.partition: self._given_up[at.partition] for at in positions if self._knows(at)}
        unknown = [at for at in positions if at.partition not in kept]
        self._given_up = {}
        trackers = {partition: tracker for partition, (_, tracker, _) in kept.items()}
        heads = {partition: heads for partition, (_, _, heads) in kept.items()}
        self._intake = Intake.of(self._settings, self._axes)
        if unknown:
            trackers |= {at.partition: Tracker(self._parameters) for at in unknown}
            restore(self._settings, trackers, _offsets(unknown), self._beat)
            heads |= recorded_heads(self._settings, _offsets(unknown), self._beat)
        self._trackers, self._heads, self._next = trackers, heads, _offsets(positions)
        consumer.assign(positions)
        self._readiness.missing = None

    def _knows(self, at: TopicPartition) -> bool:
        given_up = self._given_up.get(at.partition)
        return given_up is not None and given_up[0] == at.offset

    def _revoked(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._readiness.missing = "partitions are being shared out anew"
        self._given_up = {
            number: (self._next[number], tracker, self._heads[number]) for number, tracker in self._trackers.items()
        }
        self._trackers, self._heads, self._next = {}, {}, {}
        consumer.unassign()


def _offsets(positions: Iterable[TopicPartition]) -> dict[int, int]:
    return {at.partition: at.offset for at in positions}
