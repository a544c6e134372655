"""From the topics of the tracker to the history."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from confluent_kafka import Consumer, KafkaException, TopicPartition
from pydantic import ValidationError

from shared import access, broker, topics
from shared.cloudevents import from_kafka
from shared.dead_letters import Record, parked_by_hand
from shared.errors import PermanentError, TransientError
from shared.events import Observation, StanceChange, Timeline, Withdrawal
from shared.health import Progress, Readiness
from shared.observability import RECORDS
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS
from stance_service.history.store import Entry, History
from stance_service.observe import RefusedError
from stance_service.polling import Poller
from stance_service.restore import BATCH, decode

_TOPICS = (topics.OBSERVATIONS, topics.POSITIONS, topics.CHANGES)

_log = logging.getLogger(__name__)


class Feed:
    """Reads the topics from where the store left off. The store says where that is, so no consumer group does.

    `sparing`: see `polling.Poller`.
    """

    def __init__(self, settings: BrokerSettings, history: History, *, sparing: bool = False) -> None:
        self._settings = settings
        self._sparing = sparing
        self._history = history
        self._names = {settings.topic(topic): topic for topic in _TOPICS}
        self._parked: set[tuple[str, int, int]] = set()

    def catch_up(self) -> None:
        """Returns when all that is committed now is stored."""
        with self._poller() as (poller, partitions):
            while not partitions <= poller.ended:
                self._store(poller.poll(BATCH))

    def follow(self, stopping: Callable[[], bool], progress: Progress, readiness: Readiness) -> None:
        """Stores what comes, until `stopping()`. `readiness` is told when all that was there is stored."""
        with self._poller() as (poller, partitions):
            while not stopping():
                progress.beat()
                self._store(poller.poll(BATCH))
                if readiness.missing and partitions <= poller.ended:
                    readiness.missing = None

    @contextmanager
    def _poller(self) -> Iterator[tuple[Poller, set[tuple[str, int]]]]:
        consumer = broker.consumer(self._settings, "history", options=TELL_ENDS)
        try:
            self._parked = {
                (name, *place) for name, topic in self._names.items() for place in parked_by_hand(self._settings, topic)
            }
            positions = self._positions(consumer)
            consumer.assign(positions)
            yield Poller(consumer, sparing=self._sparing), {(each.topic, each.partition) for each in positions}
        except KafkaException as error:
            raise TransientError(f"the history could not be read: {access.told(self._settings, error)}") from error
        finally:
            consumer.close()

    def _positions(self, consumer: Consumer) -> list[TopicPartition]:
        """Where to go on; from the beginning if the topics are others than those the store was fed from."""
        timeout = self._settings.kafka_timeout_seconds
        stored = self._history.progress()
        positions: list[TopicPartition] = []
        for name in self._names:
            for partition in consumer.list_topics(name, timeout).topics[name].partitions:
                offset = stored.get((name, partition), 0)
                _, end = broker.watermarks(consumer, TopicPartition(name, partition), timeout)
                if offset > end:
                    _log.warning("%s, partition %d has been made anew; rebuilding the history", name, partition)
                    self._history.clear()
                    return self._positions(consumer)
                positions.append(TopicPartition(name, partition, offset))
        return positions

    def _store(self, records: list[Record]) -> None:
        if records:
            self._history.write(list(self._entries(records)))
            for topic, count in Counter(record.topic for record in records).items():
                RECORDS.labels(topic, "stored").inc(count)

    def _entries(self, records: Iterable[Record]) -> Iterator[Entry]:
        for record in records:
            if (record.topic, record.partition, record.offset) not in self._parked:
                with suppress(RefusedError):  # the tracker left it out, too
                    yield Entry(record, self._event(record))

    def _event(self, record: Record) -> Observation | Withdrawal | Timeline | StanceChange:
        topic = self._names[record.topic]
        if topic is topics.OBSERVATIONS:
            return decode(record)
        try:
            if topic is topics.CHANGES:
                return from_kafka(record.headers, record.value)
            return Timeline.model_validate_json(record.value or b"")
        except (ValidationError, PermanentError) as error:
            where = f"{record.topic}, partition {record.partition}, offset {record.offset}"
            raise PermanentError(f"{where}: {error}") from error
