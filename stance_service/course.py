"""The course of an actor's position on an axis: its evidence by day, and the intervals that follow from it. Pure.

An interval lasts from the day on which a polarity is taken, or the position is unclear, to the day on which that ends.
After a change only the intervals are made anew that it reaches, and their evidence isn't gone through again unless
some of the weightiest is gone. So a change costs as much in a long history as in a short one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest
from operator import attrgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from stance_service.belief import Chain, Side
from stance_service.beliefs import Beliefs, Reach
from stance_service.evidence import Change, Weighed

LISTED: Final = 10
"""A position names at most so many observations, the weightiest: timelines stay small however long the history."""

_LAST_DAY: Final = date.max.toordinal()
_start: Final = attrgetter("start")
_count: Final = attrgetter("count")


class Interval(Struct, frozen=True, eq=False, gc=False):
    """Of one polarity, in ordinal days."""

    side: Side
    start: int
    end: int
    """0: without end. Of a course's last interval, `completed` tells."""
    last: int
    """The last day with evidence; 0: there is none."""
    log_odds: int
    """On that day; without evidence, at the start."""
    count: int
    heaviest: tuple[Weighed, ...]
    """At most `LISTED`, by weight."""


def completed(intervals: Sequence[Interval], chain: Chain) -> list[Interval]:
    """With the fading of the last one, if nothing more is heard."""
    if not intervals:
        return []
    *earlier, last = intervals
    end = chain.fades_on(last.last, last.log_odds, last.side)
    if end == 0 or end > _LAST_DAY:
        return [*earlier, last]
    return [*earlier, replace(last, end=end), _faded(last.side, end, 0, chain)]


def _faded(side: Side, start: int, end: int, chain: Chain) -> Interval:
    return Interval(0, start, end, 0, chain.leave * side, 0, ())


class Course:
    """Of one actor on one axis."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._beliefs = Beliefs(chain)
        self._items: dict[int, list[Weighed]] = {}
        self._intervals: list[Interval] = []
        self._gone: list[Weighed] = []
        self._new: list[Weighed] = []
        self._stale: dict[int, list[Weighed]] = {}
        """The places of intervals that are not up to date, and the evidence that they have gained."""

    def change(self, change: Change) -> None:
        """Some observations count no longer, others do now."""
        if change.gone:
            self._freshen()
        for item in change.new:
            self._items.setdefault(item.day, []).append(item)
            self._beliefs.add(item.day, item.polarity * item.weight)
            _note(item, self._new, self._gone)
        for item in change.gone:
            items = self._items[item.day]
            items.remove(item)
            if items:
                self._beliefs.add(item.day, -item.polarity * item.weight)
            else:
                del self._items[item.day]
                self._beliefs.drop(item.day)
            _note(item, self._gone, self._new)

    def shape(self) -> list[Interval]:
        """All intervals with evidence, and the unclear ones between them, as to where they begin and their polarities.

        The same list as before, its members replaced, as long as no interval begins on another day or is of another
        polarity. Otherwise a new one; then the old one stays as it was before the changes.
        """
        reach = self._beliefs.due()
        if reach is None:
            return self._intervals
        if reach.reshaped:
            self._freshen()
        self._beliefs.accept(reach)
        if reach.reshaped:
            self._rebuild(reach)
        elif self._gone:
            self._update(reach)
        else:
            self._outdate(reach)
        self._gone, self._new = [], []
        return self._intervals

    def intervals(self) -> list[Interval]:
        """The shape, each interval up to date in all respects; the last has no end yet."""
        shape = self.shape()
        self._freshen()
        return shape

    def part(self) -> None:
        """Leaves the list that was given out as it was before the latest changes, and goes on with another."""
        self._freshen()
        self._intervals = list(self._intervals)

    def holds(self, item: Weighed) -> bool:
        """Whether an observation counts."""
        return item in self._items.get(item.day, ())

    @property
    def newest(self) -> int:
        """The last day with evidence; 0: there is none."""
        return self._beliefs.days[-1] if self._beliefs.days else 0

    def _outdate(self, reach: Reach) -> None:
        """Nothing begins elsewhere, and evidence was only gained: what follows from it can wait."""
        for place in self._reached(reach):
            self._stale.setdefault(place, [])
        for item in self._new:
            self._stale[self._place(item.day)].append(item)

    def _freshen(self) -> None:
        """Brings intervals up to date, but for changes that are due."""
        for place, gained in self._stale.items():
            old = self._intervals[place]
            if old.last:
                last = self._beliefs.known_before(self._days_before(place + 1))
                count, heaviest = _with(gained, old.count, old.heaviest)
                day, (log_odds, _, _) = self._beliefs.days[last], self._beliefs.after(last)
                self._intervals[place] = Interval(old.side, old.start, old.end, day, log_odds, count, heaviest)
        self._stale.clear()

    def _update(self, reach: Reach) -> None:
        """Nothing begins elsewhere; the evidence and the last day of some intervals may be others."""
        for place in self._reached(reach):
            old = self._intervals[place]
            if old.last:
                last = self._days_before(place + 1) - 1
                self._intervals[place] = self._interval(old.side, old.start, old.end, last, (old,))

    def _reached(self, reach: Reach) -> range:
        """The places of intervals with new evidence or new beliefs."""
        days, low, high = self._beliefs.days, reach.low, reach.high
        if reach.new:
            low, high = min(low, days[reach.first]), max(high, days[reach.end - 1])
        return range(self._place(low), self._place(high) + 1)

    def _place(self, day: int) -> int:
        """The place of the interval that a day is in."""
        intervals = self._intervals
        if day >= intervals[-1].start:  # most news is
            return len(intervals) - 1
        return bisect_right(intervals, day, key=_start) - 1

    def _days_before(self, place: int) -> int:
        """How many days with evidence come before an interval."""
        days, intervals = self._beliefs.days, self._intervals
        return bisect_left(days, intervals[place].start) if place < len(intervals) else len(days)

    def _rebuild(self, reach: Reach) -> None:
        days, old = self._beliefs.days, self._intervals
        since = bisect_right(old, days[reach.first - 1], key=_start) - 1 if reach.first else 0
        upto = bisect_right(old, days[reach.end], key=_start) if reach.end < len(days) else len(old)
        self._intervals = [*old[:since], *self._anew(reach, old[since:upto]), *old[upto:]]

    def _anew(self, reach: Reach, old: Sequence[Interval]) -> Iterator[Interval]:
        """The intervals of the days whose beliefs are new, and of the day before them and the day after."""
        days, after = self._beliefs.days, self._beliefs.after
        run = _Run(old[0].side, old[0].start, reach.first - 1) if reach.first else None
        for index in range(reach.first, min(reach.end + 1, len(days))):
            _, side, faded = after(index)
            if run and faded:
                yield self._ended(run, faded, old)
                run = _Run(0, faded, None, run.side)
            if run and side != run.side:
                yield self._ended(run, days[index], old)
                run = None
            run = run or _Run(side, days[index])
            run.last = index
        if run and reach.end < len(days):
            run.last = bisect_left(days, old[-1].last)
            yield self._ended(run, old[-1].end, old)
        elif run:
            yield self._ended(run, 0, old)

    def _ended(self, run: "_Run", end: int, old: Sequence[Interval]) -> Interval:
        if run.last is None:
            return _faded(run.before, run.start, end, self._chain)
        return self._interval(run.side, run.start, end, run.last, old)

    def _interval(self, side: Side, start: int, end: int, last: int, old: Sequence[Interval]) -> Interval:
        """Given the place of its last day with evidence, and the intervals that were there before."""
        day = self._beliefs.days[last]
        count, heaviest = self._tally(start, day, old)
        return Interval(side, start, end, day, self._beliefs.after(last)[0], count, heaviest)

    def _tally(self, start: int, last: int, old: Sequence[Interval]) -> tuple[int, tuple[Weighed, ...]]:
        """How much evidence there is of some days, and the weightiest: by what differs from an interval before."""
        base = old[0] if len(old) == 1 else max(old, key=_count, default=None)
        if base is None or base.last < start or base.start > last:
            return self._tally_anew(start, last)
        first, end = base.start, base.last
        if start == first and last == end and not self._gone:
            return _with([item for item in self._new if first <= item.day <= end], base.count, base.heaviest)
        gained = [item for item in self._new if first <= item.day <= end and start <= item.day <= last]
        lost = [item for item in self._gone if first <= item.day <= end]
        if start < first:
            gained += self._on(start, min(last, first - 1))
        elif start > first:
            lost += [item for item in self._on(first, min(end, start - 1)) if item not in self._new]
        if last > end:
            gained += self._on(max(start, end + 1), last)
        elif last < end:
            lost += [item for item in self._on(max(first, last + 1), end) if item not in self._new]
        heaviest = base.heaviest
        if lost:
            heaviest = tuple(item for item in heaviest if item not in lost)
            if len(heaviest) < len(base.heaviest) < base.count:
                return self._tally_anew(start, last)
        return _with(gained, base.count - len(lost), heaviest)

    def _tally_anew(self, start: int, last: int) -> tuple[int, tuple[Weighed, ...]]:
        items = list(self._on(start, last))
        return len(items), tuple(nsmallest(LISTED, items, key=_by_weight))

    def _on(self, first: int, last: int) -> Iterator[Weighed]:
        if first <= last:
            days = self._beliefs.days
            for index in range(bisect_left(days, first), bisect_right(days, last)):
                yield from self._items[days[index]]


@dataclass(slots=True)
class _Run:
    """Days of one polarity in a row."""

    side: Side
    start: int
    last: int | None = None
    """The place of the last with evidence."""
    before: Side = 0
    """The polarity that faded."""


def _note(item: Weighed, where: list[Weighed], opposite: list[Weighed]) -> None:
    if item in opposite:
        opposite.remove(item)
    else:
        where.append(item)


def _with(gained: Sequence[Weighed], count: int, heaviest: tuple[Weighed, ...]) -> tuple[int, tuple[Weighed, ...]]:
    for item in gained:
        if len(heaviest) < LISTED or item.weight >= heaviest[-1].weight:
            at = bisect_left(heaviest, _by_weight(item), key=_by_weight)
            heaviest = (*heaviest[:at], item, *heaviest[at : LISTED - 1]) if at < LISTED else heaviest
    return count + len(gained), heaviest


def _by_weight(item: Weighed) -> tuple[int, int, str]:
    return -item.weight, item.day, item.observation.id
