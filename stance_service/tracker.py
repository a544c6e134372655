"""What is believed of the actors of one partition, and what changes. Pure; `transactions` connects it to Kafka.

The same records in the same order give the same changes and the same last timelines, however they are cut into
batches. Timelines are compared record by record, except that an article that shows several things of an actor is taken
in whole first (`more`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.events import Axis, Digest, Observation, Slug, StanceChange, Timeline, Withdrawal
from stance_service.belief import Parameters
from stance_service.changes import Circumstances, compare
from stance_service.ledger import ActorLedger
from stance_service.timeline import timeline


@dataclass(slots=True)
class _Actor:
    ledger: ActorLedger
    announced: dict[Axis, Timeline] = field(default_factory=dict)
    """What subscribers were last told of, by axis."""
    pending: dict[Axis, dict[Digest, Observation]] = field(default_factory=dict)
    """What began or ceased to count and wasn't compared yet."""

    @property
    def recorded_at(self) -> datetime:
        """Of the last record; there is one as soon as anything counts."""
        assert self.ledger.recorded_at is not None
        return self.ledger.recorded_at


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a batch of records brought about: each timeline as it is after the batch, each change, in order."""

    timelines: list[Timeline]
    changes: list[StanceChange]


class Tracker:
    """The actors of one partition. Grows with the history, and is rebuilt from it by the same `apply`."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._actors: dict[Slug, _Actor] = {}

    def apply(self, records: Iterable[Observation | Withdrawal]) -> Outputs:
        """Takes in records in their order on the topic. Memory has changed even if the caller fails to publish."""
        touched: dict[tuple[Slug, Axis], datetime] = {}
        changes: list[StanceChange] = []
        for record in records:
            actor = self._actors.get(record.actor)
            if actor is None:
                actor = self._actors[record.actor] = _Actor(ActorLedger(record.actor, self._parameters))
            for observation in actor.ledger.add(record):
                actor.pending.setdefault(observation.axis, {})[observation.id] = observation
                touched[record.actor, observation.axis] = actor.recorded_at
            if actor.pending and not record.more:
                changes += self._announce(actor)
        timelines = [self._timeline(self._actors[actor], axis, at) for (actor, axis), at in touched.items()]
        return Outputs(timelines, changes)

    def _timeline(self, actor: _Actor, axis: Axis, recorded_at: datetime) -> Timeline:
        return timeline(actor.ledger, axis, recorded_at, self._parameters)

    def _announce(self, actor: _Actor) -> list[StanceChange]:
        changes: list[StanceChange] = []
        for axis, pending in actor.pending.items():
            triggers = list(pending.values())
            circumstances = Circumstances(
                triggers,
                {each.id for each in triggers if not actor.ledger.counts(each)},
                actor.ledger.axes[axis].observation,
            )
            known = self._timeline(actor, axis, actor.recorded_at)
            comparison = compare(actor.announced.get(axis), known, circumstances, self._parameters)
            if comparison.announced is not None:
                actor.announced[axis] = comparison.announced
            changes += comparison.changes
        actor.pending = {}
        return changes
