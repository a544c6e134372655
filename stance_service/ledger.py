"""All that is known of one actor: its observations, which of them count, and the course that follows. Pure.

A ledger may be filled in any order; what it holds depends on the set of records alone, except for `recorded_at`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from shared.events import Axis, Basis, Digest, Slug
from stance_service.belief import Chain, Parameters, chain
from stance_service.course import Course
from stance_service.evidence import Independent, Weighed, weigh
from stance_service.records import OBSERVED, Entry, Shown

_TICK = timedelta(microseconds=1)


def next_recorded_at(before: datetime | None, observed_at: datetime) -> datetime:
    """When a record of an actor counts as known, `before` being that instant of the record before it.

    The highest `observed_at` so far, except that each record has an instant of its own: one that isn't later than
    those before it is recorded a microsecond after them. So what was known at an instant has one answer for ever.
    """
    return observed_at if before is None or observed_at > before else before + _TICK


class _Article(Struct, eq=False, gc=False):
    """What one article showed of the actor. Only the highest revision counts, read by its latest classifier."""

    revision: int
    items: tuple[Weighed, ...] = ()
    counting: tuple[Weighed, ...] = ()
    withdrawals: tuple[int, ...] = ()

    def should_count(self) -> tuple[Weighed, ...]:
        current = [item for item in self.items if item.observation.revision == self.revision]
        if len(current) < 2:
            return tuple(current)
        latest = max(current, key=_when_read).observation.classifier
        return tuple(item for item in current if item.observation.classifier == latest)


class AxisLedger:
    """The evidence on one axis and the course that follows from it."""

    def __init__(self, chain: Chain) -> None:
        self.course = Course(chain)
        self.recorded_at: datetime | None = None
        """Of the last record that touched the axis."""
        self._independent = Independent(chain.parameters)

    def add(self, item: Weighed) -> None:
        self.course.change(self._independent.add(item))

    def remove(self, item: Weighed) -> None:
        self.course.change(self._independent.remove(item))


class ActorLedger:
    """One actor on all axes."""

    def __init__(self, actor: Slug, parameters: Parameters) -> None:
        self.actor = actor
        self.recorded_at: datetime | None = None
        """Of the last record that was no repeat, see `next_recorded_at`. None: there was none yet."""
        self.chain = chain(parameters)
        self._axes: dict[Axis, AxisLedger] = {}
        self._articles: dict[Digest, _Article] = {}

    @property
    def axes(self) -> Mapping[Axis, AxisLedger]:
        """Those with own observations, in the order in which they came up."""
        return self._axes

    def add(self, record: Entry) -> Sequence[Weighed]:
        """Adds a record; the own observations that now begin or cease to count. A repeat changes nothing."""
        if record.actor != self.actor:
            raise ValueError(f"a record about {record.actor} in the ledger of {self.actor}")
        article = self._articles.get(record.article_id)
        if not isinstance(record, OBSERVED):
            if article is None:
                article = self._articles[record.article_id] = _Article(record.revision)
            elif record.revision in article.withdrawals:
                return ()
            article.withdrawals += (record.revision,)
            return self._settle(article, record)
        if article is None:
            counting = (weigh(record, self.chain),)
            self._articles[record.article_id] = _Article(record.revision, counting, counting)
            return self._move(record, (), counting)
        if any(item.observation.id == record.id for item in article.items):
            return ()
        article.items += (weigh(record, self.chain),)
        return self._settle(article, record)

    def _settle(self, article: _Article, record: Entry) -> Sequence[Weighed]:
        article.revision = max(article.revision, record.revision)
        before, after = article.counting, article.should_count()
        article.counting = after
        return self._move(
            record, [item for item in before if item not in after], [item for item in after if item not in before]
        )

    def _move(self, record: Entry, ceased: Sequence[Weighed], began: Sequence[Weighed]) -> Sequence[Weighed]:
        self.recorded_at = next_recorded_at(self.recorded_at, record.observed_at)
        moved = sorted((*ceased, *began), key=_id) if ceased or len(began) > 1 else began
        own = [item for item in moved if item.observation.basis is not Basis.ALLEGED]
        for item in own:
            axis = self._axes.get(item.observation.axis)
            if axis is None:
                axis = self._axes[item.observation.axis] = AxisLedger(self.chain)
            if item in began:
                axis.add(item)
            else:
                axis.remove(item)
            axis.recorded_at = self.recorded_at
        return own

    def counting(self) -> list[Shown]:
        """All observations, alleged ones too, that no later revision, withdrawal or classifier has put aside."""
        return [item.observation for article in self._articles.values() for item in sorted(article.counting, key=_id)]

    def counts(self, item: Weighed) -> bool:
        """Whether no later revision, withdrawal or classifier has put an observation aside."""
        article = self._articles.get(item.observation.article_id)
        return article is not None and item in article.counting

    def is_evidence(self, observation: Shown) -> bool:
        """Whether an observation counts as evidence of its own: others may say the same, or it says too little."""
        article, axis = self._articles.get(observation.article_id), self._axes.get(observation.axis)
        if article is None or axis is None:
            return False
        return any(item.observation.id == observation.id and axis.course.holds(item) for item in article.items)


def _when_read(item: Weighed) -> tuple[datetime, str]:
    return item.observation.observed_at, item.observation.classifier


def _id(item: Weighed) -> str:
    return item.observation.id
