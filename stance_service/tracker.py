"""What is believed of the actors of one partition, and what changes. Pure; `transactions` connects it to Kafka.

The same records in the same order give the same changes and the same last timelines, however they are cut into
batches. Courses are compared record by record, except that an article that shows several things of an actor is taken
in whole first (`more`).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from shared.errors import PermanentError
from shared.events import Axis, Digest, Slug, StanceChange, Timeline
from stance_service.announcement import Circumstances, announcement
from stance_service.belief import Parameters, chain
from stance_service.changes import Turn, compare, outline
from stance_service.evidence import Weighed
from stance_service.intervals import Interval
from stance_service.ledger import ActorLedger
from stance_service.records import Entry, decode
from stance_service.timeline import encoded, timeline

Key = tuple[Slug, Axis]


@dataclass(slots=True)
class _Actor:
    ledger: ActorLedger
    announced: dict[Axis, list[Interval]] = field(default_factory=dict)
    """What subscribers were last told of, by axis: the ledger's own list as long as both are alike."""
    compared: dict[Axis, tuple[list[Interval], tuple[int, ...]]] = field(default_factory=dict)
    """What was compared last with what was announced, and left unsettled; by axis."""
    pending: dict[Axis, dict[Digest, Weighed]] = field(default_factory=dict)
    """What began or ceased to count and wasn't compared yet."""

    def is_late(self, item: Weighed) -> bool:
        """Whether something is known of a later day."""
        return item.day < self.ledger.axes[item.observation.axis].course.newest


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a batch of records brought about."""

    timelines: dict[Key, bytes]
    """Of each actor and axis that was touched, as they are after the batch, as JSON."""
    changes: list[StanceChange]
    """In order."""
    late: int
    """Observations of a time before the newest known of the same actor and axis."""


class Tracker:
    """The actors of one partition. Grows with the history, and is rebuilt from it."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._chain = chain(parameters)
        self._actors: dict[Slug, _Actor] = {}
        self._asleep: dict[Slug, list[bytes]] = {}

    def apply(self, records: Iterable[Entry]) -> Outputs:
        """Takes in records in their order on the topic. Memory has changed even if the caller fails to publish."""
        touched: dict[Key, None] = {}
        changes: list[StanceChange] = []
        late = 0
        for record in records:
            actor, moved = self._take(record)
            for item in moved:
                touched[record.actor, item.observation.axis] = None
                late += item.observation is record and actor.is_late(item)
            for circumstances, turns in self._turns(actor, record):
                changes += [announcement(turn, circumstances) for turn in turns]
        return Outputs({key: encoded(*self._known(*key)) for key in touched}, changes, late)

    def remember(self, actor: Slug, value: bytes) -> None:
        """Keeps a record that was applied before, unread until the actor is heard of again: restarts are quick."""
        self._asleep.setdefault(actor, []).append(value)

    def wake(self, actors: Iterable[Slug]) -> Iterator[Slug]:
        """Reads what is remembered of actors, one at a time; `apply` would, too. Nothing is announced again."""
        for slug in actors:
            values = self._asleep.pop(slug, None)
            if values is not None:
                self._replay(slug, values)
                yield slug

    def timeline(self, actor: Slug, axis: Axis) -> Timeline:
        """As known now; KeyError if nothing was ever known."""
        return timeline(*self._known(actor, axis))

    def recorded_at(self, actor: Slug) -> datetime | None:
        """The recorded time of what is known of an actor; None: nothing is."""
        deque(self.wake([actor]), maxlen=0)
        known = self._actors.get(actor)
        return None if known is None else known.ledger.recorded_at

    def _known(self, slug: Slug, axis: Axis) -> tuple[ActorLedger, Axis, datetime, Parameters]:
        deque(self.wake([slug]), maxlen=0)
        actor = self._actors[slug]
        recorded_at = actor.ledger.axes[axis].recorded_at
        if recorded_at is None:
            raise KeyError(axis)
        if axis in actor.pending:  # what is known now isn't announced yet
            actor.ledger.axes[axis].course.part()
        return actor.ledger, axis, recorded_at, self._parameters

    def _take(self, record: Entry) -> tuple[_Actor, Sequence[Weighed]]:
        slug = record.actor
        if slug in self._asleep:
            self._replay(slug, self._asleep.pop(slug))
        actor = self._actors.get(slug)
        if actor is None:
            actor = self._actors[slug] = _Actor(ActorLedger(slug, self._parameters))
        moved = actor.ledger.add(record)
        for item in moved:
            actor.pending.setdefault(item.observation.axis, {})[item.observation.id] = item
        return actor, moved

    def _replay(self, slug: Slug, values: Iterable[bytes]) -> None:
        try:
            for value in values:
                record = decode(value)
                actor, _ = self._take(record)
                self._turns(actor, record)
        except ValidationError as error:
            raise PermanentError(
                f"a record of {slug} that was tracked before can't be read any more: {error}"
            ) from error

    def _turns(self, actor: _Actor, record: Entry) -> list[tuple[Circumstances, list[Turn]]]:
        """What is to be announced after a record, by axis; afterwards it counts as announced."""
        found: list[tuple[Circumstances, list[Turn]]] = []
        if record.more:
            return found
        pending, actor.pending = actor.pending, {}
        for axis, items in pending.items():
            course, announced = actor.ledger.axes[axis].course, actor.announced.get(axis)
            if course.shape() is announced:
                continue
            known = course.intervals()
            compared = known, outline(announced or [], known, self._chain)
            before = actor.compared.get(axis)
            if before is not None and before[0] is known and before[1] == compared[1]:
                continue
            turns, actor.announced[axis] = compare(announced, known, self._chain)
            if turns:
                found.append((self._circumstances(actor.ledger, axis, list(items.values())), turns))
            if actor.announced[axis] is known:
                actor.compared.pop(axis, None)
            else:
                actor.compared[axis] = compared
        return found

    def _circumstances(self, ledger: ActorLedger, axis: Axis, triggers: list[Weighed]) -> Circumstances:
        if ledger.recorded_at is None:
            raise KeyError(ledger.actor)
        withdrawn = {item.observation.id for item in triggers if not ledger.counts(item)}
        return Circumstances(ledger.actor, axis, ledger.recorded_at, self._parameters.version, triggers, withdrawn)
