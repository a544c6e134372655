"""The evidence on an axis that counts, by day; and how much of it an interval has. Pure.

An interval's evidence is told by what differs from an interval before, and gone through again only if some of the
weightiest is gone.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from operator import attrgetter
from typing import Final

from stance_service.evidence import Weighed
from stance_service.intervals import LISTED, Interval

_count: Final = attrgetter("count")


class Counted:
    """`days`: the ordinal days with evidence, in order, as they are kept elsewhere."""

    def __init__(self, days: Sequence[int]) -> None:
        self._days = days
        self._items: dict[int, list[Weighed]] = {}
        self.gone: list[Weighed] = []
        self.new: list[Weighed] = []
        """What counts no longer, and what does now, since the intervals before."""

    def holds(self, item: Weighed) -> bool:
        """Whether an observation counts."""
        return item in self._items.get(item.day, ())

    def add(self, item: Weighed) -> None:
        """It counts."""
        self._items.setdefault(item.day, []).append(item)
        _note(item, self.new, self.gone)

    def remove(self, item: Weighed) -> bool:
        """It counts no longer; whether its day has other evidence."""
        items = self._items[item.day]
        items.remove(item)
        if not items:
            del self._items[item.day]
        _note(item, self.gone, self.new)
        return bool(items)

    def settle(self) -> None:
        """The intervals are up to date."""
        self.gone, self.new = [], []

    def tally(self, start: int, last: int, old: Sequence[Interval]) -> tuple[int, tuple[Weighed, ...]]:
        """How much evidence there is of some days, and the weightiest: by what differs from an interval before."""
        base = old[0] if len(old) == 1 else max(old, key=_count, default=None)
        if base is None or base.last < start or base.start > last:
            return self._tally_anew(start, last)
        first, end = base.start, base.last
        if start == first and last == end and not self.gone:
            return with_more([item for item in self.new if first <= item.day <= end], base.count, base.heaviest)
        gained = [item for item in self.new if first <= item.day <= end and start <= item.day <= last]
        lost = [item for item in self.gone if first <= item.day <= end]
        if start < first:
            gained += self._on(start, min(last, first - 1))
        elif start > first:
            lost += [item for item in self._on(first, min(end, start - 1)) if item not in self.new]
        if last > end:
            gained += self._on(max(start, end + 1), last)
        elif last < end:
            lost += [item for item in self._on(max(first, last + 1), end) if item not in self.new]
        heaviest = base.heaviest
        if lost:
            heaviest = tuple(item for item in heaviest if item not in lost)
            if len(heaviest) < len(base.heaviest) < base.count:
                return self._tally_anew(start, last)
        return with_more(gained, base.count - len(lost), heaviest)

    def _tally_anew(self, start: int, last: int) -> tuple[int, tuple[Weighed, ...]]:
        items = list(self._on(start, last))
        return len(items), tuple(nsmallest(LISTED, items, key=_by_weight))

    def _on(self, first: int, last: int) -> Iterator[Weighed]:
        if first <= last:
            days = self._days
            for index in range(bisect_left(days, first), bisect_right(days, last)):
                yield from self._items[days[index]]


def _note(item: Weighed, where: list[Weighed], opposite: list[Weighed]) -> None:
    if item in opposite:
        opposite.remove(item)
    else:
        where.append(item)


def with_more(gained: Sequence[Weighed], count: int, heaviest: tuple[Weighed, ...]) -> tuple[int, tuple[Weighed, ...]]:
    """The count and the weightiest, given both without what was gained."""
    for item in gained:
        if len(heaviest) < LISTED or item.weight >= heaviest[-1].weight:
            at = bisect_left(heaviest, _by_weight(item), key=_by_weight)
            heaviest = (*heaviest[:at], item, *heaviest[at : LISTED - 1]) if at < LISTED else heaviest
    return count + len(gained), heaviest


def _by_weight(item: Weighed) -> tuple[int, int, str]:
    return -item.weight, item.day, item.observation.id
