"""From the topic of stance changes to the outbox. A change is acknowledged when its deliveries are recorded."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from aiokafka.errors import CommitFailedError
from confluent_kafka import KafkaException
from faststream.kafka import KafkaBroker, KafkaMessage

from shared import access, broker
from shared.cloudevents import from_kafka
from shared.dead_letters import Record
from shared.errors import PermanentError, TransientError
from shared.events import StanceChange
from shared.faststream_broker import faststream_reader
from shared.ids import digest
from shared.observability import RECORDS
from shared.settings import BrokerSettings
from shared.topics import CHANGES
from stance_service.alerts.dispatch import Park, utc_now
from stance_service.alerts.outbox import Delivery, Outbox
from stance_service.alerts.rules import Rule, Tags, Told

GROUP: Final = "alert"

_log = logging.getLogger(__name__)


class Subscriber:
    """Matches changes with rules. `failure` is what it stopped at: FastStream would go on with the next record."""

    def __init__(
        self, outbox: Outbox, rules: Iterable[Rule], tags: Tags, park: Park, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._outbox = outbox
        self._rules = tuple(rules)
        self._tags = tags
        self._park = park
        self._clock = clock
        self.failure: Exception | None = None

    def subscribe(self, faststream: KafkaBroker, settings: BrokerSettings, member: str | None = None) -> None:
        """Declare the subscription; it begins when the broker is started."""
        declare(faststream, settings, self._handle, member)

    async def take(self, record: Record) -> None:
        """Record what is to be sent of a change; park a record that holds none."""
        try:
            change = from_kafka(record.headers, record.value)
        except PermanentError as error:
            await self._park(record, str(error))
            return
        wanting = [rule for rule in self._rules if rule.wants(change, self._tags)]
        telling = [each for each in wanting if not each.repeats(change, self._outbox.told(each.name, change))]
        self._outbox.add(record, deliveries(change, telling, self._clock()), Told.by(change))
        RECORDS.labels(record.topic, "alerted").inc()

    async def _handle(self, message: KafkaMessage) -> None:
        if self.failure is not None:
            return
        try:
            await self.take(Record.of_aiokafka(message.raw_message))
            await message.ack()
        except CommitFailedError as error:
            _log.warning("a change was not committed and will be read again, which changes nothing: %s", error)
        except Exception as error:
            self.failure = error


def deliveries(change: StanceChange, rules: Iterable[Rule], now: datetime) -> Iterator[Delivery]:
    """What is to be sent of a change that comes now, by the rules that tell it."""
    for rule in rules:
        due_at = rule.due(now)
        notice = change.id
        if rule.digest_minutes is not None:
            notice = digest("digest", {"rule": rule.name, "due_at": due_at.isoformat()})
        for channel in sorted(rule.channels):
            yield Delivery(channel, change.id, notice, rule.name, due_at)


def declare(
    faststream: KafkaBroker, settings: BrokerSettings, handler: Callable[..., object], member: str | None = None
) -> None:
    """The subscription to stance changes, as `docs/asyncapi.json` describes it."""
    faststream.subscriber(
        settings.topic(CHANGES),
        title="alert",
        description="`stance-service alert` matches stance changes with rules and delivers them to channels.",
        decoder=_as_it_is,
        **faststream_reader(settings, GROUP, member),
    )(handler)


async def _as_it_is(message: KafkaMessage) -> bytes:
    """FastStream's own decoder fails before the handler does, and then the record would be passed over."""
    return message.body


def begin(settings: BrokerSettings, start: str) -> None:
    """Commit where a new group begins, so that nothing is missed whatever happens before its first change."""
    reader = broker.consumer(settings, GROUP)
    try:
        broker.commit_start(reader, settings.topic(CHANGES), settings.kafka_timeout_seconds, at_end=start == "now")
    except KafkaException as error:
        raise TransientError(f"the group {GROUP} could not begin: {access.told(settings, error)}") from error
    finally:
        reader.close()
