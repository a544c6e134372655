"""The topic of articles, read and written with one client."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final, TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from pydantic import ValidationError

from shared import broker
from shared.errors import BrokerUnavailableError
from shared.events import ARTICLE_EVENT, Article, Retraction
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS, to_the_end
from shared.topics import ARTICLES

_SECONDS: Final = 0.1
_TURN_SECONDS: Final = 2.0
_SILENT: Final = frozenset({KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})
_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A record for a topic, or one that is on it; `topic` without the prefix."""

    topic: str
    key: bytes
    value: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class Place:
    """Where the broker put a record."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Read:
    """A record of the topic of articles; `event` None: it is none, and was logged."""

    partition: int
    offset: int
    event: Article | Retraction | None


class Topic:
    """Raises BrokerUnavailableError when Kafka does not answer in time. One thread at a time, `stop` excepted."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._name = settings.topic(ARTICLES)
        self._timeout = settings.kafka_timeout_seconds
        self._stopped = Event()
        self._inspector = broker.inspector(settings)
        self._consumer: Consumer | None = None
        self._producer: Producer | None = None

    def stop(self) -> None:
        """From another thread: wait for Kafka no longer."""
        self._stopped.set()

    def close(self) -> None:
        """Give the connections back."""
        if self._consumer is not None:
            self._consumer.close()
        self._drop_producer()

    def identity(self) -> str:
        """Changes when the topic is deleted and made again, or the address is that of another cluster."""

        def ask(seconds: float) -> str:
            described = self._inspector.describe_topics(TopicCollection([self._name]), request_timeout=seconds)
            cluster = self._inspector.list_topics(self._name, seconds).cluster_id
            return f"{cluster} {self._name} {described[self._name].result().topic_id}"

        return self._answer("describe its topics", ask)

    def ends(self) -> dict[int, int]:
        """The offset after the last record, by partition."""
        known = self._answer("list its topics", lambda seconds: self._reader().list_topics(self._name, seconds))
        return {partition: self._end(partition) for partition in known.topics[self._name].partitions}

    def read(self, start: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Read]:
        """What lies between."""
        unread = [partition for partition, end in ends.items() if start.get(partition, 0) < end]
        if not unread:
            return
        reader = self._reader()
        places = [TopicPartition(self._name, partition, start.get(partition, 0)) for partition in unread]
        try:
            for message in to_the_end(self._settings, reader, places, self._stopped.is_set):
                yield self._event(message)
        finally:
            reader.unassign()

    def write(self, entries: Sequence[Entry]) -> list[Place]:
        """Returns where they are once the broker has all of them; raises if it may not have one.

        Writing them again is harmless to readers: an article has the same id and revision again.
        """
        if not entries:
            return []
        places: list[Place] = []
        failed: list[KafkaError] = []

        def settle(error: KafkaError | None, message: Message) -> None:
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if error is not None or topic is None or partition is None or offset is None:
                failed.append(error or KafkaError(KafkaError._FAIL))
            else:
                places.append(Place(topic.removeprefix(self._settings.kafka_topic_prefix), partition, offset))

        try:
            self._send(entries, settle)
        except (KafkaException, BufferError) as error:
            self._drop_producer()
            raise _unavailable("take articles", error) from error
        if failed or len(places) < len(entries):
            self._drop_producer()
            raise _unavailable("acknowledge articles", failed[0] if failed else "no answer in time")
        return places

    def _send(self, entries: Sequence[Entry], settle: Callable[[KafkaError | None, Message], None]) -> None:
        if self._producer is None:
            self._producer = broker.producer(self._settings)
        for entry in entries:
            topic = self._settings.kafka_topic_prefix + entry.topic
            headers: list[tuple[str, str | bytes | None]] = [("content-type", entry.content_type.encode())]
            self._producer.produce(topic, entry.value, entry.key, headers=headers, on_delivery=settle)
            self._producer.poll(0)
        deadline = time.monotonic() + self._timeout
        while self._producer.flush(_SECONDS) and time.monotonic() < deadline and not self._stopped.is_set():
            pass

    def _drop_producer(self) -> None:
        """What was not acknowledged must not arrive later, when it may have been published anew."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(_SECONDS)
            self._producer = None

    def _reader(self) -> Consumer:
        if self._consumer is None:
            self._consumer = broker.consumer(self._settings, "ingest", options=TELL_ENDS)
        return self._consumer

    def _end(self, partition: int) -> int:
        place = TopicPartition(self._name, partition)
        return self._answer("tell its offsets", lambda seconds: broker.watermarks(self._reader(), place, seconds))[1]

    def _answer(self, what: str, ask: Callable[[float], T]) -> T:
        """Ask in short turns, for `stop` to be heeded."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return ask(_TURN_SECONDS)
            except KafkaException as error:
                if not error.args[0].retriable() and error.args[0].code() not in _SILENT:
                    raise _unavailable(what, error) from error
                if time.monotonic() > deadline or self._stopped.is_set():
                    raise _unavailable(what, error) from error

    def _event(self, message: Message) -> Read:
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        try:
            return Read(partition, offset, ARTICLE_EVENT.validate_json(message.value() or b""))
        except ValidationError as failure:
            _log.warning("%s, partition %d, offset %d is no article: %s", self._name, partition, offset, failure)
            return Read(partition, offset, None)


def _unavailable(what: str, error: object) -> BrokerUnavailableError:
    return BrokerUnavailableError(f"Kafka does not {what}: {error}")
