"""One reader of the stance changes for any number of clients."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from shared import access, broker
from shared.cloudevents import from_kafka
from shared.dead_letters import Record
from shared.errors import PermanentError, TransientError
from shared.settings import BrokerSettings
from shared.to_the_end import TELL_ENDS
from shared.topics import CHANGES
from stance_service.api.events import Change, Place
from stance_service.polling import Poller
from stance_service.scanning import ends, scan

BATCH: Final = 1000
_log = logging.getLogger(__name__)


class Subscription:
    """What comes after `place`, for one client; `ended` when it has fallen behind by more than there is room for."""

    def __init__(self, place: Place, room: int) -> None:
        self.place = place
        self.changes: asyncio.Queue[Change | None] = asyncio.Queue(room)
        self.ended = asyncio.Event()

    def offer(self, change: Change) -> None:
        """Never waits: one client holds up no other."""
        try:
            self.changes.put_nowait(change)
        except asyncio.QueueFull:
            _log.warning("a client that is %d changes behind is disconnected", self.changes.qsize())
            self.end()

    def end(self) -> None:
        """Wakes who waits for a change."""
        self.ended.set()
        with suppress(asyncio.QueueFull):
            self.changes.put_nowait(None)


class Hub:
    """Passes changes on within the event loop that it is used in; `follow` reads them in a thread of its own."""

    def __init__(self, settings: BrokerSettings, room: int) -> None:
        self._settings = settings
        self._room = room
        self._topic = settings.topic(CHANGES)
        spans = ends(settings, self._topic)
        self._place = Place(tuple(end for _, end in spans.values()))
        self._subscriptions: set[Subscription] = set()

    @property
    def partitions(self) -> int:
        """Of the topic."""
        return len(self._place.offsets)

    @property
    def clients(self) -> int:
        """How many there are now."""
        return len(self._subscriptions)

    def kept(self) -> tuple[Place, Place]:
        """The first place that a stream may be resumed at, and the last."""
        spans = ends(self._settings, self._topic).values()
        return Place(tuple(first for first, _ in spans)), Place(tuple(end for _, end in spans))

    def subscribe(self) -> Subscription:
        """From now on."""
        subscription = Subscription(self._place, self._room)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """A client has gone."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Ends all streams."""
        for each in self._subscriptions:
            each.end()

    def between(self, start: Place, end: Place) -> Iterator[list[Change]]:
        """What lies between two places; reads the topic, for a thread."""
        spans = dict(enumerate(zip(start.offsets, end.offsets, strict=True)))
        for messages in scan(self._settings, self._topic, spans):
            yield list(_changes(messages))

    def follow(self, loop: asyncio.AbstractEventLoop, stopping: Callable[[], bool], *, sparing: bool) -> None:
        """Passes on what comes, until `stopping()`. `sparing`: see `polling.Poller`."""
        consumer = broker.consumer(self._settings, "serve", options=TELL_ENDS)
        try:
            self._follow(consumer, loop, stopping, sparing=sparing)
        except KafkaException as error:
            raise TransientError(f"{self._topic} could not be read: {access.told(self._settings, error)}") from error
        finally:
            consumer.close()

    def _follow(
        self, consumer: Consumer, loop: asyncio.AbstractEventLoop, stopping: Callable[[], bool], *, sparing: bool
    ) -> None:
        places = enumerate(self._place.offsets)
        consumer.assign([TopicPartition(self._topic, number, offset) for number, offset in places])
        poller = Poller(consumer, sparing=sparing)
        while not stopping():
            found = list(_changes(poller.messages(BATCH)))
            if found:
                loop.call_soon_threadsafe(self._pass_on, found)

    def _pass_on(self, changes: list[Change]) -> None:
        for change in changes:
            self._place = self._place.past(change.partition, change.offset)
            for subscription in self._subscriptions:
                if not subscription.ended.is_set():
                    subscription.offer(change)


def _changes(messages: list[Message]) -> Iterator[Change]:
    """What is no stance change is left out, and told of in the log."""
    for message in messages:
        record = Record.of_confluent(message)
        try:
            change = from_kafka(record.headers, record.value)
        except PermanentError as error:
            _log.error("%s %d/%d is not passed on: %s", record.topic, record.partition, record.offset, error)
        else:
            yield Change(record.partition, record.offset, change, record.value or b"")
