"""All that is known of one actor: its observations, which of them count, and the beliefs that follow. Pure.

A ledger may be filled in any order; what it holds depends on the set of records alone, except for `recorded_at`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from shared.events import Axis, Basis, Digest, Observation, Slug, Withdrawal
from stance_service.belief import Belief, Beliefs, Parameters
from stance_service.evidence import Independent, Weighed, weigh

_TICK = timedelta(microseconds=1)


def next_recorded_at(before: datetime | None, observed_at: datetime) -> datetime:
    """When a record of an actor counts as known, `before` being that instant of the record before it.

    The highest `observed_at` so far, except that each record has an instant of its own: one that isn't later than
    those before it is recorded a microsecond after them. So what was known at an instant has one answer for ever.
    """
    return observed_at if before is None else max(observed_at, before + _TICK)


@dataclass(slots=True)
class _Article:
    """What one article showed of the actor. Only the highest revision counts, read by its latest classifier."""

    revision: int = 1
    observations: dict[Digest, Observation] = field(default_factory=dict)
    withdrawals: set[int] = field(default_factory=set)
    counting: frozenset[Digest] = frozenset()

    def should_count(self) -> frozenset[Digest]:
        current = [item for item in self.observations.values() if item.revision == self.revision]
        if not current:
            return frozenset()
        latest = max(current, key=attrgetter("observed_at", "classifier")).classifier
        return frozenset(item.id for item in current if item.classifier == latest)


class AxisLedger:
    """The evidence on one axis and the beliefs that follow from it."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._independent = Independent(parameters)
        self._beliefs = Beliefs(parameters)
        self._weighed: dict[Digest, Weighed] = {}
        self._days: dict[int, dict[Digest, Weighed]] = {}

    def add(self, observation: Observation) -> None:
        item = self._weighed[observation.id] = weigh(observation, self._parameters)
        self._apply(*self._independent.add(item))

    def remove(self, observation: Observation) -> None:
        self._apply(*self._independent.remove(self._weighed.pop(observation.id)))

    def messages(self) -> list[tuple[int, Belief]]:
        """Each ordinal day with evidence, in order, and the belief after it."""
        return self._beliefs.messages()

    def is_evidence(self, id_: Digest) -> bool:
        """Whether an observation counts as evidence of its own: others may say the same, or it says too little."""
        item = self._weighed.get(id_)
        return item is not None and id_ in self._days.get(item.day, {})

    def counted_on(self, day: int) -> Iterable[Weighed]:
        """The observations that count as evidence of a day."""
        return self._days[day].values()

    def observation(self, id_: Digest) -> Observation | None:
        """One that was added and not removed since."""
        item = self._weighed.get(id_)
        return None if item is None else item.observation

    def _apply(self, gone: list[Weighed], new: list[Weighed]) -> None:
        for item in gone:
            del self._days[item.day][item.observation.id]
        for item in new:
            self._days.setdefault(item.day, {})[item.observation.id] = item
        for day in {item.day for item in (*gone, *new)}:
            items = self._days[day]
            self._beliefs.put(day, sum(item.polarity * item.weight for item in items.values()) if items else None)
            if not items:
                del self._days[day]


class ActorLedger:
    """One actor on all axes."""

    def __init__(self, actor: Slug, parameters: Parameters) -> None:
        self.actor = actor
        self.recorded_at: datetime | None = None
        """Of the last record that was no repeat, see `next_recorded_at`. None: there was none yet."""
        self._parameters = parameters
        self._axes: dict[Axis, AxisLedger] = {}
        self._articles: dict[Digest, _Article] = {}

    @property
    def axes(self) -> Mapping[Axis, AxisLedger]:
        """Those with own observations, in the order in which they came up."""
        return self._axes

    def add(self, record: Observation | Withdrawal) -> list[Observation]:
        """Adds a record; the own observations that now begin or cease to count. A repeat changes nothing."""
        if record.actor != self.actor:
            raise ValueError(f"a record about {record.actor} in the ledger of {self.actor}")
        article = self._articles.setdefault(record.article_id, _Article())
        if isinstance(record, Observation):
            if record.id in article.observations:
                return []
            article.observations[record.id] = record
        elif record.revision in article.withdrawals:
            return []
        else:
            article.withdrawals.add(record.revision)
        article.revision = max(article.revision, record.revision)
        self.recorded_at = next_recorded_at(self.recorded_at, record.observed_at)
        return self._settle(article)

    def _settle(self, article: _Article) -> list[Observation]:
        before, after = article.counting, article.should_count()
        article.counting = after
        changed = [article.observations[each] for each in sorted(before ^ after)]
        own = [item for item in changed if item.basis is not Basis.ALLEGED]
        for observation in own:
            axis = self._axes.get(observation.axis)
            if axis is None:
                axis = self._axes[observation.axis] = AxisLedger(self._parameters)
            if observation.id in after:
                axis.add(observation)
            else:
                axis.remove(observation)
        return own

    def counting(self) -> list[Observation]:
        """All observations, alleged ones too, that no later revision, withdrawal or classifier has put aside."""
        return [article.observations[id_] for article in self._articles.values() for id_ in sorted(article.counting)]

    def counts(self, observation: Observation) -> bool:
        """Whether no later revision, withdrawal or classifier has put an observation aside."""
        article = self._articles.get(observation.article_id)
        return article is not None and observation.id in article.counting
