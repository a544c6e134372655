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
from stance_service.belief import Chain, Parameters, chain
from stance_service.changes import Turn, compare, outline
from stance_service.course import Course
from stance_service.evidence import Weighed
from stance_service.intervals import Interval
from stance_service.ledger import ActorLedger
from stance_service.records import Entry, decode
from stance_service.timeline import encoded, timeline

Key = tuple[Slug, Axis]


@dataclass(slots=True)
class _Subject:
    """An actor on an axis, and what subscribers know of it."""

    axis: Axis
    course: Course
    announced: list[Interval] | None = None
    """What subscribers were last told of: the course's own list as long as both are alike; None: nothing yet."""
    compared: tuple[list[Interval], tuple[int, ...]] | None = None
    """What was compared last with what was announced, and left unsettled."""
    pending: dict[Digest, Weighed] = field(default_factory=dict)
    """What began or ceased to count and wasn't compared yet."""

    def turns(self, chain: Chain) -> list[Turn]:
        """What is to be announced now; afterwards it counts as announced."""
        announced = self.announced
        if self.course.shape() is announced:
            return []
        known = self.course.intervals()
        outlined = outline(announced or [], known, chain)
        if self.compared is not None and self.compared[0] is known and self.compared[1] == outlined:
            return []
        turns, self.announced = compare(announced, known, chain)
        self.compared = None if self.announced is known else (known, outlined)
        return turns


@dataclass(slots=True)
class _Actor:
    ledger: ActorLedger
    subjects: dict[Axis, _Subject] = field(default_factory=dict)
    unsettled: list[_Subject] = field(default_factory=list)
    """Those with something pending, in the order in which it came."""

    def take(self, record: Entry) -> Sequence[Weighed]:
        """The own observations that now begin or cease to count."""
        moved = self.ledger.add(record)
        for item in moved:
            axis = item.observation.axis
            subject = self.subjects.get(axis)
            if subject is None:
                subject = self.subjects[axis] = _Subject(axis, self.ledger.axes[axis].course)
            if not subject.pending:
                self.unsettled.append(subject)
            subject.pending[item.observation.id] = item
        return moved

    def is_late(self, item: Weighed) -> bool:
        """Whether something is known of a later day."""
        return item.day < self.subjects[item.observation.axis].course.newest


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
            actor = self._actor(record.actor)
            for item in actor.take(record):
                touched[record.actor, item.observation.axis] = None
                late += item.observation is record and actor.is_late(item)
            if not record.more:
                for circumstances, turns in self._turns(actor):
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
        subject = actor.subjects[axis]
        if subject.pending:  # what is known now isn't announced yet
            subject.course.part()
        return actor.ledger, axis, recorded_at, self._parameters

    def _actor(self, slug: Slug) -> _Actor:
        if slug in self._asleep:
            self._replay(slug, self._asleep.pop(slug))
        actor = self._actors.get(slug)
        if actor is None:
            actor = self._actors[slug] = _Actor(ActorLedger(slug, self._parameters))
        return actor

    def _replay(self, slug: Slug, values: Iterable[bytes]) -> None:
        actor = self._actor(slug)
        try:
            for value in values:
                record = decode(value)
                actor.take(record)
                if not record.more:
                    self._turns(actor)
        except ValidationError as error:
            raise PermanentError(
                f"a record of {slug} that was tracked before can't be read any more: {error}"
            ) from error

    def _turns(self, actor: _Actor) -> list[tuple[Circumstances, list[Turn]]]:
        """What is to be announced, by axis; afterwards it counts as announced."""
        found: list[tuple[Circumstances, list[Turn]]] = []
        unsettled, actor.unsettled = actor.unsettled, []
        for subject in unsettled:
            triggers, subject.pending = subject.pending, {}
            turns = subject.turns(self._chain)
            if turns:
                found.append((self._circumstances(actor.ledger, subject.axis, list(triggers.values())), turns))
        return found

    def _circumstances(self, ledger: ActorLedger, axis: Axis, triggers: list[Weighed]) -> Circumstances:
        if ledger.recorded_at is None:
            raise KeyError(ledger.actor)
        withdrawn = {item.observation.id for item in triggers if not ledger.counts(item)}
        return Circumstances(ledger.actor, axis, ledger.recorded_at, self._parameters.version, triggers, withdrawn)
