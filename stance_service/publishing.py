"""What the tracker publishes, in Kafka transactions."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition

from shared import broker, topics
from shared.cloudevents import to_kafka
from shared.dead_letters import DeadLetter
from shared.errors import BrokerUnavailableError, TransientError
from shared.observability import TRACK_TRANSACTION_SECONDS
from shared.settings import BrokerSettings
from shared.workers import ATTEMPT_SECONDS
from stance_service.tracker import Outputs

GROUP: Final = "tracker"
GRACE_SECONDS: Final = 1.0


class Publisher:
    """Publishes nothing before `fence`."""

    def __init__(self, settings: BrokerSettings, member: str | None) -> None:
        self._settings = settings
        self._producer = broker.producer(settings, transactional_id=f"{GROUP}-{member or uuid4()}")

    def fence(self) -> None:
        """Fences the predecessor of the same name: offsets and topics hold still only after that.

        Raises BrokerUnavailableError while the coordinator of transactions is being set up, loads or moves; then the
        next call goes on waiting for it.
        """
        try:
            self._producer.init_transactions(ATTEMPT_SECONDS)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            raise BrokerUnavailableError(f"Kafka begins no transactions yet: {error.args[0].str()}.") from error

    def commit(
        self,
        outputs: Iterable[Outputs],
        letters: Iterable[DeadLetter],
        offsets: Mapping[int, int],
        consumer: Consumer,
    ) -> None:
        """All of it and where to go on reading, or nothing; KafkaException if it is nothing."""
        producer, topic = self._producer, self._settings.topic(topics.OBSERVATIONS)
        with TRACK_TRANSACTION_SECONDS.time():
            producer.begin_transaction()
            try:
                for each in outputs:
                    self._produce_all(each)
                for letter in letters:
                    self._park(letter)
                read_to = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
                self._retried(self._send_offsets, read_to, consumer.consumer_group_metadata())
                self._retried(producer.commit_transaction)
            except KafkaException as error:
                if error.args[0].txn_requires_abort():
                    self._retried(producer.abort_transaction)
                raise

    def _produce_all(self, outputs: Outputs) -> None:
        positions, changes = self._settings.topic(topics.POSITIONS), self._settings.topic(topics.CHANGES)
        for (actor, axis), known in outputs.timelines.items():
            broker.produce(self._producer, positions, key=f"{actor}/{axis}".encode(), value=known)
        for change in outputs.changes:
            key, headers, value = to_kafka(change)
            broker.produce(self._producer, changes, key=key, value=value, headers=headers)

    def _park(self, letter: DeadLetter) -> None:
        record = letter.record
        broker.produce(
            self._producer,
            f"{record.topic}.dead",
            key=record.key,
            value=record.value,
            headers=letter.headers,
            timestamp=record.written_at_ms,
        )

    def _send_offsets(self, offsets: list[TopicPartition], members: object, seconds: float) -> None:
        """Gives up in time where librdkafka hangs for good, after a restart of the broker (its issues 5456, 5511)."""
        sent: Future[None] = Future()

        def send() -> None:
            try:
                self._producer.send_offsets_to_transaction(offsets, members, seconds)
            except KafkaException as error:
                sent.set_exception(error)
            else:
                sent.set_result(None)

        Thread(target=send, daemon=True).start()
        try:
            sent.result(seconds + GRACE_SECONDS)
        except TimeoutError:
            raise TransientError(f"tracking stopped: Kafka took no offsets for {seconds:.0f} s") from None

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
