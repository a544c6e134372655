"""The course of an actor's position on an axis: its evidence by day, and the intervals that follow from it. Pure.

An interval lasts from the day on which a polarity is taken, or the position is unclear, to the day on which that ends.
After a change only the intervals are made anew that it reaches, and what they say of their evidence is brought up to
date only when somebody asks. So a change costs as much in a long history as in a short one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from stance_service.belief import Chain, Side
from stance_service.beliefs import Beliefs, Reach
from stance_service.counted import Counted, with_more
from stance_service.evidence import Change, Weighed
from stance_service.intervals import Interval, faded

_start: Final = attrgetter("start")


class Course:
    """Of one actor on one axis."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._beliefs = Beliefs(chain)
        self._counted = Counted(self._beliefs.days)
        self._intervals: list[Interval] = []
        self._stale: dict[int, list[Weighed]] = {}
        """The places of intervals that are not up to date, and the evidence that they have gained."""

    def change(self, change: Change) -> None:
        """Some observations count no longer, others do now."""
        if change.gone:
            self._freshen()
        for item in change.new:
            self._counted.add(item)
            self._beliefs.add(item.day, item.polarity * item.weight)
        for item in change.gone:
            if self._counted.remove(item):
                self._beliefs.add(item.day, -item.polarity * item.weight)
            else:
                self._beliefs.drop(item.day)

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
        elif self._counted.gone:
            self._update(reach)
        else:
            self._outdate(reach)
        self._counted.settle()
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
        return self._counted.holds(item)

    @property
    def newest(self) -> int:
        """The last day with evidence; 0: there is none."""
        return self._beliefs.days[-1] if self._beliefs.days else 0

    def _outdate(self, reach: Reach) -> None:
        """Nothing begins elsewhere, and evidence was only gained: what follows from it can wait."""
        newest = len(self._intervals) - 1
        if reach.low >= self._intervals[newest].start:  # most news is
            self._stale.setdefault(newest, []).extend(self._counted.new)
            return
        for place in range(self._place(reach.low), self._place(reach.high) + 1):
            self._stale.setdefault(place, [])
        for item in self._counted.new:
            self._stale[self._place(item.day)].append(item)

    def _freshen(self) -> None:
        """Brings intervals up to date, but for changes that are due."""
        for place, gained in self._stale.items():
            old = self._intervals[place]
            if old.last:
                last = self._beliefs.known_before(self._days_before(place + 1))
                count, heaviest = with_more(gained, old.count, old.heaviest)
                day, (log_odds, _, _) = self._beliefs.days[last], self._beliefs.after(last)
                self._intervals[place] = Interval(old.side, old.start, old.end, day, log_odds, count, heaviest)
        self._stale.clear()

    def _update(self, reach: Reach) -> None:
        """Nothing begins elsewhere; the evidence and the last day of some intervals may be others."""
        for place in range(self._place(reach.low), self._place(reach.high) + 1):
            old = self._intervals[place]
            if old.last:
                last = self._days_before(place + 1) - 1
                self._intervals[place] = self._interval(old.side, old.start, old.end, last, (old,))

    def _place(self, day: int) -> int:
        """The place of the interval that a day is in."""
        return bisect_right(self._intervals, day, key=_start) - 1

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
            return faded(run.before, run.start, end, self._chain)
        return self._interval(run.side, run.start, end, run.last, old)

    def _interval(self, side: Side, start: int, end: int, last: int, old: Sequence[Interval]) -> Interval:
        """Given the place of its last day with evidence, and the intervals that were there before."""
        day = self._beliefs.days[last]
        count, heaviest = self._counted.tally(start, day, old)
        return Interval(side, start, end, day, self._beliefs.after(last)[0], count, heaviest)


@dataclass(slots=True)
class _Run:
    """Days of one polarity in a row."""

    side: Side
    start: int
    last: int | None = None
    """The place of the last with evidence."""
    before: Side = 0
    """The polarity that faded."""
