"""What was recorded of the positions and changes that a replay brings about."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from confluent_kafka import Message
from pydantic import ValidationError

from shared.cloudevents import from_kafka
from shared.dead_letters import Record
from shared.errors import PermanentError
from shared.events import Slug, StanceChange, Timeline
from shared.settings import BrokerSettings
from shared.topics import CHANGES, POSITIONS, Topic
from stance_service.replay.comparing import Key
from stance_service.scanning import ends, scan


@dataclass
class Recorded:
    """Of the actors of a replay, within the time that it covers."""

    changes: list[StanceChange] = field(default_factory=list)
    timelines: dict[Key, Timeline] = field(default_factory=dict)
    """The last ones."""
    went_on: set[Key] = field(default_factory=set)
    """Whose last timeline knows more than the replay: they can't be compared."""

    @property
    def parameters(self) -> dict[Key, str]:
        """Under which each was recorded."""
        under = {(each.actor, each.axis): each.parameters for each in self.changes}
        return under | {key: each.parameters for key, each in self.timelines.items()}


def recorded(
    settings: BrokerSettings, known_from: Mapping[Slug, datetime | None], known_until: Mapping[Slug, datetime]
) -> Recorded:
    """Reads both topics; raises PermanentError if a record there is none of ours."""
    found = Recorded()
    for message in _all(settings, CHANGES, known_until):
        change = _change(message)
        start, end = known_from.get(change.actor), known_until[change.actor]
        if change.detected_at <= end and (start is None or change.detected_at > start):
            found.changes.append(change)
    for message in _all(settings, POSITIONS, known_until):
        timeline = _timeline(message)
        found.timelines[timeline.actor, timeline.axis] = timeline
    for key, timeline in list(found.timelines.items()):
        if timeline.recorded_at > known_until[key[0]]:
            found.went_on.add(key)
            del found.timelines[key]
    return found


def _all(settings: BrokerSettings, topic: Topic, actors: Collection[Slug]) -> Iterator[Message]:
    name = settings.topic(topic)
    for messages in scan(settings, name, ends(settings, name)):
        for message in messages:
            if str(message.key() or b"", "utf-8").partition("/")[0] in actors:
                yield message


def _change(message: Message) -> StanceChange:
    record = Record.of_confluent(message)
    try:
        return from_kafka(record.headers, record.value)
    except PermanentError as error:
        raise PermanentError(f"{record.topic} {record.partition}/{record.offset}: {error}") from error


def _timeline(message: Message) -> Timeline:
    try:
        return Timeline.model_validate_json(message.value() or b"")
    except ValidationError as error:
        where = f"{message.topic()} {message.partition()}/{message.offset()}"
        raise PermanentError(f"{where} is no timeline: {error}") from error
