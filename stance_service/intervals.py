"""How long an actor held a polarity on an axis, and what that rests on. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from stance_service.belief import Chain, Side
from stance_service.evidence import Weighed

LISTED: Final = 10
"""A position names at most so many observations, the weightiest: timelines stay small however long the history."""

_LAST_DAY: Final = date.max.toordinal()


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
    return [*earlier, replace(last, end=end), faded(last.side, end, 0, chain)]


def faded(side: Side, start: int, end: int, chain: Chain) -> Interval:
    """The unclear time after a position of some side, without evidence."""
    return Interval(0, start, end, 0, chain.leave * side, 0, ())
