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
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from shared.edtf import EARLIEST, bounds
from shared.events import Polarity
from stance_service.belief import Chain, Parameters
from stance_service.records import Shown

_WORDS: Final = re.compile(r"\w+")
_ASCII_WORDS: Final = "".join(chr(n).lower() if _WORDS.match(chr(n)) and n < 128 else " " for n in range(256)).encode()
_A_YEAR: Final = 366
_OPEN: Final = EARLIEST.toordinal()


class Weighed(Struct, frozen=True, eq=False, gc=False):
    """An observation with its place in event time, in ordinal days, and its weight in micronats."""

    observation: Shown
    polarity: Polarity
    start: int
    end: int
    day: int
    """The middle: there it errs least, see `belief.log_ratio`."""
    weight: int
    quote: bytes | None
    """Tells the words and the polarity of evidence that is long enough to be taken for a quotation."""
    story: str
    """The article that this one copies, or itself. `duplicate_of` names the first of a family of copies."""


def weigh(observation: Shown, chain: Chain) -> Weighed:
    """Places an observation; one that speaks of no time, or of a time after its publication, at its publication."""
    start, end = held_days(observation)
    return Weighed(
        observation,
        observation.polarity,
        start,
        end,
        (start + end - 1) // 2,
        chain.log_ratio(observation.confidence, end - start - 1),
        _quote(observation, chain.parameters.quote_length),
        observation.duplicate_of or observation.article_id,
    )


def _quote(observation: Shown, least: int) -> bytes | None:
    text = observation.evidence.text
    if text.isascii():  # the same, an order of magnitude faster
        words = b" ".join(text.encode().translate(_ASCII_WORDS).split())
        length = len(words)
    else:
        folded = " ".join(_WORDS.findall(text.casefold()))
        words, length = folded.encode(), len(folded)
    if length < least:
        return None
    return blake2b(words, digest_size=16, salt=b"+" if observation.polarity == 1 else b"-").digest()


def held_days(observation: Shown) -> tuple[int, int]:
    """The first ordinal day on which the position may have been held, and the first after; one day at least.

    What an article reports was held before its publication. Of a time open towards the past ("until 2018") the last
    year counts.
    """
    published = observation.published_at.toordinal()
    if observation.held_at is None:
        return published, published + 1
    first, after = _days(observation.held_at)
    end = min(after, published + 1)
    start = end - _A_YEAR if first == _OPEN else first
    return (start, end) if 1 <= start < end else (published, published + 1)


@lru_cache(maxsize=65_536)
def _days(held_at: str) -> tuple[int, int]:
    earliest, latest = bounds(held_at)
    return earliest.toordinal(), _first_day_after(latest)


def _first_day_after(at: datetime) -> int:
    return (at - timedelta(microseconds=1)).toordinal() + 1


class Change(Struct, frozen=True, gc=False):
    """What a change of the observations did to those that count."""

    gone: Sequence[Weighed]
    new: Sequence[Weighed]


_NOTHING: Final = Change((), ())
_Story: TypeAlias = tuple[Polarity, str]


class Independent:
    """The observations of one axis that count as independent evidence.

    Most stories and quotations have one observation: a list is made only for those that have more.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._apart = parameters.apart_days
        self._quotes: dict[bytes, Weighed | list[Weighed]] = {}
        self._stories: dict[_Story, Weighed | list[Weighed]] = {}

    def add(self, item: Weighed) -> Change:
        """Counts one more observation."""
        if item.weight <= 0:
            return _NOTHING
        if item.quote is None:
            return self._move(None, item)
        known = self._quotes.get(item.quote)
        if known is None:
            self._quotes[item.quote] = item
            return self._move(None, item)
        group = _listed(known)
        first = group[0]
        insort(group, item, key=_when)
        self._quotes[item.quote] = group
        return self._move(first, group[0])

    def remove(self, item: Weighed) -> Change:
        """Counts an observation added before no more."""
        if item.weight <= 0:
            return _NOTHING
        if item.quote is None:
            return self._move(item, None)
        group = _listed(self._quotes[item.quote])
        first = group[0]
        group.remove(item)
        _keep(self._quotes, item.quote, group)
        return self._move(first, group[0] if group else None)

    def _move(self, old: Weighed | None, new: Weighed | None) -> Change:
        """Another observation stands for its quotation; settles the stories of both anew."""
        if old is new:
            return _NOTHING
        if old is None and new is not None and (story := (new.polarity, new.story)) not in self._stories:
            self._stories[story] = new
            return Change((), (new,))
        gone: list[Weighed] = []
        came: list[Weighed] = []
        for story in {(item.polarity, item.story): None for item in (old, new) if item is not None}:
            group = _listed(self._stories.get(story, []))
            before = self._counted(group)
            if old is not None and (old.polarity, old.story) == story:
                group.remove(old)
            if new is not None and (new.polarity, new.story) == story:
                insort(group, new, key=_how_clear)
            after = self._counted(group)
            _keep(self._stories, story, group)
            gone += [item for item in before if item not in after]
            came += [item for item in after if item not in before]
        return Change(gone, came)

    def _counted(self, group: Sequence[Weighed]) -> list[Weighed]:
        found: list[Weighed] = []
        for item in group:
            if all(self._are_apart(item, other) for other in found):
                found.append(item)
        return found

    def _are_apart(self, one: Weighed, other: Weighed) -> bool:
        return max(one.start, other.start) - min(one.end, other.end) >= self._apart


def _listed(known: Weighed | list[Weighed]) -> list[Weighed]:
    return [known] if isinstance(known, Weighed) else known


_Key = TypeVar("_Key")


def _keep(groups: dict[_Key, Weighed | list[Weighed]], key: _Key, group: list[Weighed]) -> None:
    if not group:
        groups.pop(key, None)
    else:
        groups[key] = group[0] if len(group) == 1 else group


def _when(item: Weighed) -> tuple[int, int, bool, int, str]:
    return item.end, item.start, item.observation.duplicate_of is not None, -item.weight, item.observation.id


def _how_clear(item: Weighed) -> tuple[int, bool, int, str]:
    return -item.weight, item.observation.duplicate_of is not None, item.day, item.observation.id
