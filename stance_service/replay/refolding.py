"""Fold a partition of recorded observations again, as the tracker does."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from confluent_kafka import Message

from shared import broker, topics
from shared.dead_letters import left_out
from shared.events import Slug, StanceChange
from shared.settings import BrokerSettings
from stance_service.ledger import next_recorded_at
from stance_service.observe import RefusedError
from stance_service.records import ObservationRecord
from stance_service.replay.plan import Plan
from stance_service.replay.processes import Tick
from stance_service.replay.readings import Placed, Reading, Replacements, Revision
from stance_service.restore import Intake
from stance_service.scanning import scan
from stance_service.tracker import Key, Tracker

Readings = Mapping[Revision, Reading]


@dataclass
class Refolded:
    """What a partition amounts to now."""

    changes: list[StanceChange] = field(default_factory=list)
    timelines: dict[Key, bytes] = field(default_factory=dict)
    known_from: dict[Slug, datetime | None] = field(default_factory=dict)
    """Of each actor in the range, the recorded time before it; None: nothing was known."""
    known_until: dict[Slug, datetime] = field(default_factory=dict)
    """The recorded time at its end."""
    before: list[ObservationRecord] = field(default_factory=list)
    """What the articles that were read again showed the first time."""
    count: int = 0


@dataclass(frozen=True)
class Partition:
    """Of production's observations. `actors`: only these; None: all."""

    settings: BrokerSettings
    plan: Plan
    number: int
    actors: frozenset[Slug] | None = None

    @property
    def _topic(self) -> str:
        return self.settings.topic(topics.OBSERVATIONS)

    @property
    def _keys(self) -> frozenset[bytes] | None:
        return None if self.actors is None else frozenset(actor.encode() for actor in self.actors)

    def context(self, tick: Tick) -> Iterator[Message]:
        """What is known before the range, less what was left out then."""
        start, keys = self.plan.observations[self.number][0], self._keys
        if start == 0:
            return
        parked = left_out(self.settings, topics.OBSERVATIONS)
        for messages in scan(self.settings, self._topic, {self.number: (0, start)}):
            for message in messages:
                if (self.number, message.offset()) not in parked and (keys is None or message.key() in keys):
                    yield message
            tick(len(messages))

    def recorded(self, tick: Tick) -> Iterator[Placed]:
        """What is to be taken in, as it was recorded; what can't be true is left out, as it was then."""
        intake, keys = Intake.of(self.settings, frozenset(self.plan.axes)), self._keys
        for messages in scan(self.settings, self._topic, {self.number: self.plan.observations[self.number]}):
            for message in messages:
                if keys is not None and message.key() not in keys:
                    continue
                try:
                    record = intake.read(message)
                except RefusedError:
                    continue
                if record is not None:
                    yield Placed(message.offset() or 0, record, message.value(), message.timestamp()[1])
            tick(len(messages))

    def spliced(self, recorded: Iterable[Placed], readings: Readings) -> Iterator[Placed]:
        """With what articles show now in the place of what they showed; then all of it is in memory at once."""
        if not readings:
            return iter(recorded)
        known = list(recorded)
        keys = (((each.record.article_id, each.record.revision), each.record.actor) for each in known)
        return Replacements(readings, {key for key in keys if key[0] in readings}, self._is_here).spliced(known)

    def _is_here(self, actor: Slug) -> bool:
        here = broker.partition_of(actor.encode(), len(self.plan.observations)) == self.number
        return here and (self.actors is None or actor in self.actors)


def refold(partition: Partition, readings: Readings, tick: Tick) -> Refolded:
    """The changes and last timelines of a partition."""
    tracker, refolded = Tracker(partition.plan.parameters), Refolded()
    for message in partition.context(tick):
        tracker.remember(str(message.key() or b"", "utf-8"), bytes(message.value() or b""))
    recorded = _watched(partition.recorded(tick), tracker, refolded, readings)
    outputs = tracker.apply(each.record for each in partition.spliced(recorded, readings))
    refolded.changes = outputs.changes
    refolded.timelines = outputs.timelines
    return refolded


def _watched(recorded: Iterable[Placed], tracker: Tracker, refolded: Refolded, readings: Readings) -> Iterator[Placed]:
    """Notes of each actor what time the range covers, and what was shown by articles that were read again."""
    for placed in recorded:
        record, until = placed.record, refolded.known_until.get(placed.record.actor)
        if until is None:
            until = refolded.known_from[record.actor] = tracker.recorded_at(record.actor)
        refolded.known_until[record.actor] = next_recorded_at(until, record.observed_at)
        refolded.count += 1
        if isinstance(record, ObservationRecord) and (record.article_id, record.revision) in readings:
            refolded.before.append(record)
        yield placed
