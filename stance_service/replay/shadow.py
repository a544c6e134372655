"""Topics of a replay's own, beside production's: what was taken in, and what the tracker makes of it.

They are made as production's are, under another prefix, and can be read by every command with that prefix. The plan
of the replay and what articles showed are kept with them, so that a replay that was stopped goes on where it was.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Producer

from shared import broker
from shared.errors import PermanentError, TransientError
from shared.settings import BrokerSettings
from shared.topics import ALL_TOPICS, Topic
from stance_service.replay.plan import Plan
from stance_service.replay.readings import Reading, Revision
from stance_service.scanning import ends, scan

NOTES: Final = Topic(
    "replay.v1", "the plan of a replay, and what articles showed", "plan, or article", 1, consumed=False
)
_PLAN: Final = b"plan"


class ShadowError(PermanentError):
    """Topics can't be a replay's."""


@dataclass(frozen=True)
class Shadow:
    """Of production, by the settings that reach its own topics."""

    settings: BrokerSettings

    @classmethod
    def of(cls, production: BrokerSettings, prefix: str) -> "Shadow":
        """Raises ShadowError for a prefix that is production's."""
        if prefix == production.kafka_topic_prefix:
            raise ShadowError(f"--into {prefix!r}: that is production's own prefix; choose another, such as replay.")
        return cls(BrokerSettings.model_validate({**production.model_dump(), "kafka_topic_prefix": prefix}))

    def begin(self, plan: Plan) -> Plan:
        """Makes the topics, or goes on with those of the same plan; gives the plan that was made first."""
        settings, wanted = self.settings, (*ALL_TOPICS, NOTES)
        known = broker.inspector(settings).list_topics(timeout=settings.kafka_timeout_seconds).topics
        existing = [settings.topic(each) for each in wanted if settings.topic(each) in known]
        if existing and settings.topic(NOTES) not in existing:
            raise ShadowError(
                f"--into {settings.kafka_topic_prefix}: {', '.join(existing)} exist and are no replay's; "
                "choose another prefix"
            )
        broker.create_topics(settings, wanted)
        for key, value in self._notes():
            if key == _PLAN:
                return self._continued(Plan.model_validate_json(value), plan)
        self._note([(_PLAN, plan.model_dump_json().encode())])
        return plan

    def _continued(self, begun: Plan, asked: Plan) -> Plan:
        differing = asked.differences(begun)
        if differing:
            raise ShadowError(
                f"--into {self.settings.kafka_topic_prefix} was begun as another replay: {', '.join(differing)} "
                "are not the same. Ask as then to go on with it, or choose another prefix"
            )
        return begun

    def readings(self) -> dict[Revision, Reading]:
        """What articles showed so far."""
        found = (Reading.model_validate_json(value) for key, value in self._notes() if key != _PLAN)
        return {each.key: each for each in found}

    def keep(self, readings: Iterable[Reading]) -> None:
        """Returns when they can't be lost any more."""
        self._note(
            (f"{each.article_id}/{each.revision}".encode(), each.model_dump_json().encode()) for each in readings
        )

    def _notes(self) -> Iterator[tuple[bytes, bytes]]:
        topic = self.settings.topic(NOTES)
        for messages in scan(self.settings, topic, ends(self.settings, topic)):
            yield from ((bytes(each.key() or b""), bytes(each.value() or b"")) for each in messages)

    def _note(self, notes: Iterable[tuple[bytes, bytes]]) -> None:
        writer = Writer(self.settings, NOTES)
        for key, value in notes:
            writer.write(key, value)
        writer.finish()


class Writer:
    """To one topic of a shadow."""

    def __init__(self, settings: BrokerSettings, topic: Topic) -> None:
        self._topic = settings.topic(topic)
        self._seconds = settings.kafka_timeout_seconds
        self._producer: Producer = broker.producer(settings)
        self._failures: list[str] = []

    def write(self, key: bytes, value: bytes, **more: Any) -> None:
        """Soon; see `finish`."""
        broker.produce(self._producer, self._topic, value=value, key=key, on_delivery=self._note, **more)

    def finish(self) -> None:
        """Returns when all is there; raises TransientError if it isn't in time."""
        if self._producer.flush(self._seconds) or self._failures:
            raise TransientError(f"{self._topic} did not take it all: {(self._failures or ['no answer in time'])[0]}")

    def _note(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(str(error))
