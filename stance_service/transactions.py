"""The tracker's loop on Kafka: read observations, publish timelines and changes, exactly once.

Everything that a batch brings about, and the offsets it was read to, are one Kafka transaction, committed under the
member's group generation (KIP-447): a zombie that lost its partitions cannot commit. What the trackers know is read
again from the topic up to the committed offsets whenever partitions are assigned, emitting nothing. Transactions
never stay open between two polls, so a rebalance always finds none.

Crash-only: whatever goes wrong ends the loop; nothing is skipped, and a restart goes on from the last commit.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from shared import broker, topics
from shared.cloudevents import to_kafka
from shared.dead_letters import Record
from shared.errors import TransientError
from shared.events import Observation, Withdrawal
from shared.health import Progress, Readiness
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.polling import END_OF_PARTITION, POLL_SECONDS, Poller
from stance_service.restore import BATCH, UnreadableObservationError, decode, restore
from stance_service.tracker import Outputs, Tracker

GROUP: Final = "tracker"
RESTORE_LIMIT_MS: Final = 30 * 60 * 1000


class TransactionalLoop:
    """One worker. `member` names it for good: its successor fences it and takes its partitions over at once.

    Without a name a fresh one is made up; then a dead worker's partitions wait for the broker to miss it.
    `sparing`: see `polling.Poller`. `progress` is beaten at every turn, `readiness` told of assignments.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        parameters: Parameters,
        member: str | None = None,
        *,
        sparing: bool = False,
        progress: Progress | None = None,
        readiness: Readiness | None = None,
    ) -> None:
        self._settings = settings
        self._parameters = parameters
        self._topic = settings.topic(topics.OBSERVATIONS)
        self._member = member
        self._sparing = sparing
        self._progress = progress or Progress("track", RESTORE_LIMIT_MS / 1000)
        self._readiness = readiness or Readiness("Kafka gave no partitions yet")
        self._trackers: dict[int, Tracker] = {}
        self._next: dict[int, int] = {}
        self._given_up: dict[int, tuple[int, Tracker]] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """Those that are this worker's now."""
        return frozenset(self._next)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Works until `stopping()`; raises StanceError for what a supervisor or an operator has to see."""
        producer = broker.producer(self._settings, transactional_id=f"{GROUP}-{self._member or uuid4()}")
        try:
            # Fence before anything is read: offsets and topics hold still only after that.
            producer.init_transactions(self._settings.kafka_timeout_seconds)
            consumer = self._subscribe()
            try:
                poller = Poller(consumer, sparing=self._sparing)
                while not stopping():
                    self._progress.beat()
                    self._turn(poller.poll(BATCH), consumer, producer)
            finally:
                consumer.close()
        except KafkaException as error:
            raise TransientError(f"tracking stopped: {error.args[0].str()}") from error

    def _subscribe(self) -> Consumer:
        options: dict[str, object] = {
            "partition.assignment.strategy": "range",  # the embedded broker gets stuck in cooperative rebalances
            "max.poll.interval.ms": RESTORE_LIMIT_MS,
        }
        consumer = broker.consumer(
            self._settings,
            GROUP,
            member=self._member,
            options=options | (END_OF_PARTITION if self._sparing else {}),
        )
        consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        return consumer

    def _turn(self, records: Iterable[Record], consumer: Consumer, producer: Producer) -> None:
        batches, problem = self._decode([record for record in records if self._is_new(record)])
        outputs = [self._trackers[partition].apply(batch) for partition, batch in batches.items()]
        if batches:
            self._commit(consumer, producer, outputs)
        if problem is not None:
            raise problem

    def _is_new(self, record: Record) -> bool:
        # A batch may still hold records of partitions that were given up while it was collected.
        return record.partition in self._trackers and record.offset >= self._next[record.partition]

    def _decode(
        self, records: Iterable[Record]
    ) -> tuple[dict[int, list[Observation | Withdrawal]], UnreadableObservationError | None]:
        """What the records say by partition, up to the first that cannot be understood."""
        batches: dict[int, list[Observation | Withdrawal]] = {}
        for record in records:
            try:
                event = decode(record)
            except UnreadableObservationError as problem:
                return batches, problem
            batches.setdefault(record.partition, []).append(event)
            self._next[record.partition] = record.offset + 1
        return batches, None

    def _commit(self, consumer: Consumer, producer: Producer, outputs: list[Outputs]) -> None:
        producer.begin_transaction()
        try:
            for each in outputs:
                self._publish(producer, each)
            offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in self._next.items()]
            self._retried(producer.send_offsets_to_transaction, offsets, consumer.consumer_group_metadata())
            self._retried(producer.commit_transaction)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                self._retried(producer.abort_transaction)
            raise

    def _publish(self, producer: Producer, outputs: Outputs) -> None:
        positions, changes = self._settings.topic(topics.POSITIONS), self._settings.topic(topics.CHANGES)
        for known in outputs.timelines:
            key = f"{known.actor}/{known.axis}".encode()
            _produce(producer, positions, key=key, value=known.model_dump_json().encode())
        for change in outputs.changes:
            key, headers, value = to_kafka(change)
            _produce(producer, changes, key=key, value=value, headers=headers)

    def _retried(self, step: Callable[..., Any], *arguments: object) -> None:
        """A step of the transaction, again while the client says that the same call may yet succeed."""
        deadline = time.monotonic() + self._settings.kafka_timeout_seconds
        while True:
            try:
                step(*arguments, max(0.1, deadline - time.monotonic()))
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise
            else:
                return

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(consumer, partitions)
        except KafkaException as error:  # leaving a callback, it would become what no handler catches
            raise TransientError(f"tracking stopped: {error.args[0].str()}") from error

    def _take_over(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        committed = consumer.committed(partitions, self._settings.kafka_timeout_seconds) if partitions else []
        for each in committed:
            if each.error is not None:
                raise KafkaException(each.error)
        positions = [TopicPartition(self._topic, each.partition, max(each.offset, 0)) for each in committed]
        # What was known of a partition when it was given up still holds if nobody has gone on from there.
        kept = {at.partition: self._given_up[at.partition] for at in positions if self._knows(at)}
        unknown = [at for at in positions if at.partition not in kept]
        self._given_up = {}
        self._trackers = {partition: tracker for partition, (_, tracker) in kept.items()}
        if unknown:
            self._trackers |= restore(self._settings, self._parameters, unknown, self._progress.beat)
        self._next = {at.partition: at.offset for at in positions}
        consumer.assign(positions)
        self._readiness.missing = None

    def _knows(self, at: TopicPartition) -> bool:
        given_up = self._given_up.get(at.partition)
        return given_up is not None and given_up[0] == at.offset

    def _revoked(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._readiness.missing = "partitions are being shared out anew"
        self._given_up = {number: (self._next[number], tracker) for number, tracker in self._trackers.items()}
        self._trackers, self._next = {}, {}
        consumer.unassign()


def _produce(producer: Producer, topic: str, **record: Any) -> None:
    while True:
        try:
            producer.produce(topic, **record)
        except BufferError:
            producer.poll(POLL_SECONDS)
        else:
            return
