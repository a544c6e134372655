"""Which observations on an axis count, when, and how much. Pure.

One statement can reach the tracker many times: several sentences of an article, copies of the article, a quotation
that recurs for years. Counted each time, it would outweigh everything else. So, for each polarity,

1. evidence that recurs word for word counts where it was said first, and
2. what one story (an article and its copies) says counts once, by its weightiest observation, unless the times it
   speaks of lie `apart_days` apart.

Both rules choose by a total order, so the outcome depends on the set of observations alone.
"""

import re
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.edtf import EARLIEST, bounds
from shared.events import Observation, Polarity
from stance_service.belief import Parameters, log_ratio

_WORDS = re.compile(r"\w+")
_A_YEAR = 366


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """An own observation with its place in event time, in ordinal days, and its weight in micronats."""

    observation: Observation
    start: int
    end: int
    weight: int
    quote: str | None

    @property
    def polarity(self) -> Polarity:
        return self.observation.polarity

    @property
    def day(self) -> int:
        """The middle: there it errs least, see `belief.log_ratio`."""
        return (self.start + self.end - 1) // 2

    @property
    def story(self) -> str:
        """The article that this one copies, or itself. `duplicate_of` names the first of a family of copies."""
        return self.observation.duplicate_of or self.observation.article_id


def weigh(observation: Observation, parameters: Parameters) -> Weighed:
    """Places an observation; one that speaks of no time, or of a time after its publication, at its publication."""
    start, end = held_days(observation)
    words = " ".join(_WORDS.findall(observation.evidence.text.casefold()))
    return Weighed(
        observation,
        start,
        end,
        log_ratio(observation.confidence, end - start - 1, parameters),
        words if len(words) >= parameters.quote_length else None,
    )


def held_days(observation: Observation) -> tuple[int, int]:
    """The first ordinal day on which the position may have been held, and the first after; one day at least.

    What an article reports was held before its publication. Of a time open towards the past ("until 2018") the last
    year counts.
    """
    published = observation.published_at.toordinal()
    if observation.held_at is None:
        return published, published + 1
    earliest, latest = bounds(observation.held_at)
    end = min(_first_day_after(latest), published + 1)
    start = end - _A_YEAR if earliest == EARLIEST else earliest.toordinal()
    return (start, end) if 1 <= start < end else (published, published + 1)


def _first_day_after(at: datetime) -> int:
    return (at - timedelta(microseconds=1)).toordinal() + 1


class Change(NamedTuple):
    """What a change of the observations did to those that count."""

    gone: list[Weighed]
    new: list[Weighed]


class Independent:
    """The observations of one axis that count as independent evidence."""

    def __init__(self, parameters: Parameters) -> None:
        self._apart = parameters.apart_days
        self._quotes: dict[tuple[Polarity, str], list[Weighed]] = {}
        self._stories: dict[tuple[Polarity, str], list[Weighed]] = {}
        self._counted: dict[tuple[Polarity, str], list[Weighed]] = {}

    def add(self, item: Weighed) -> Change:
        """Counts one more observation."""
        if item.weight <= 0:
            return Change([], [])
        if item.quote is None:
            return self._move(None, item)
        group = self._quotes.setdefault((item.polarity, item.quote), [])
        first = group[0] if group else None
        insort(group, item, key=_when)
        return self._move(first, group[0])

    def remove(self, item: Weighed) -> Change:
        """Counts an observation added before no more."""
        if item.weight <= 0:
            return Change([], [])
        if item.quote is None:
            return self._move(item, None)
        group = self._quotes[item.polarity, item.quote]
        first = group[0]
        group.remove(item)
        if not group:
            del self._quotes[item.polarity, item.quote]
        return self._move(first, group[0] if group else None)

    def _move(self, old: Weighed | None, new: Weighed | None) -> Change:
        """Another observation stands for its quotation; settles the stories of both anew."""
        if old is new:
            return Change([], [])
        if old is not None:
            self._stories[old.polarity, old.story].remove(old)
        if new is not None:
            insort(self._stories.setdefault((new.polarity, new.story), []), new, key=_how_clear)
        touched = {(item.polarity, item.story): None for item in (old, new) if item is not None}
        settled = Change([], [])
        for story in touched:
            self._settle(story, settled)
        return settled

    def _settle(self, story: tuple[Polarity, str], into: Change) -> None:
        before = self._counted.pop(story, [])
        after: list[Weighed] = []
        for item in self._stories[story]:
            if all(self._are_apart(item, other) for other in after):
                after.append(item)
        if after:
            self._counted[story] = after
        else:
            del self._stories[story]
        into.gone.extend(_without(before, after))
        into.new.extend(_without(after, before))

    def _are_apart(self, one: Weighed, other: Weighed) -> bool:
        return max(one.start, other.start) - min(one.end, other.end) >= self._apart


def _without(items: Iterable[Weighed], others: list[Weighed]) -> list[Weighed]:
    return [item for item in items if all(item is not other for other in others)]


def _when(item: Weighed) -> tuple[int, int, bool, int, str]:
    return item.end, item.start, item.observation.duplicate_of is not None, -item.weight, item.observation.id


def _how_clear(item: Weighed) -> tuple[int, bool, int, str]:
    return -item.weight, item.observation.duplicate_of is not None, item.day, item.observation.id
