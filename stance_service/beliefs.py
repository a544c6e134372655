"""The beliefs after each day with evidence, kept up to date at the cost of the days that a change reaches. Pure."""

from bisect import bisect_left

from msgspec import Struct

from stance_service.belief import PRIOR, Belief, Chain


class Reach(Struct, frozen=True, gc=False):
    """What changes of the evidence do to the beliefs: those from index `first` up to `end` are `new` ones."""

    first: int
    end: int
    new: list[Belief]
    low: int
    high: int
    """The first and the last day whose evidence or belief changed."""
    reshaped: bool
    """A side begins, ends or fades on another day than before."""


class Beliefs:
    """Of one axis. After changes, `accept` what is `due` before reading."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._weights: dict[int, int] = {}
        self._beliefs: list[Belief | None] = []
        self._low = self._high = 0
        self._reshaped = False
        self.days: list[int] = []
        """The ordinal days with evidence, in order."""

    def after(self, index: int) -> Belief:
        """The belief after the evidence of a day, by its place in `days`."""
        belief = self._beliefs[index]
        if belief is None:
            raise LookupError(f"the belief of day {self.days[index]} was asked for before it was accepted")
        return belief

    def add(self, day: int, weight: int) -> None:
        """More evidence of a day, or less of it, in micronats."""
        known = self._weights.get(day)
        if known is None:
            at = bisect_left(self.days, day)
            self.days.insert(at, day)
            self._beliefs.insert(at, None)
            self._weights[day] = weight
        else:
            self._weights[day] = known + weight
        self._mark(day)

    def drop(self, day: int) -> None:
        """The day has no evidence any more."""
        at = bisect_left(self.days, day)
        self._reshaped |= self._begins(at)
        del self.days[at], self._beliefs[at], self._weights[day]
        self._mark(day)

    def known_before(self, index: int) -> int:
        """The last place before `index` whose belief was accepted: what is due may add days."""
        index -= 1
        while self._beliefs[index] is None:
            index -= 1
        return index

    def due(self) -> Reach | None:
        """What the changes amount to; None: nothing changed."""
        if not self._high:
            return None
        low, high = self._low, self._high
        first = bisect_left(self.days, low)
        new, reshaped = self._forward(first, high)
        end = first + len(new)
        return Reach(first, end, new, low, max(high, self.days[end - 1]) if new else high, reshaped)

    def accept(self, reach: Reach) -> None:
        """Brings all beliefs up to date with what was due."""
        self._beliefs[reach.first : reach.end] = reach.new
        self._low = self._high = 0
        self._reshaped = False

    def _mark(self, day: int) -> None:
        if self._high == 0:
            self._low = self._high = day
        elif day < self._low:
            self._low = day
        elif day > self._high:
            self._high = day

    def _forward(self, first: int, high: int) -> tuple[list[Belief], bool]:
        days, beliefs, weights, step = self.days, self._beliefs, self._weights, self._chain.step
        new: list[Belief] = []
        reshaped = self._reshaped
        before, belief = (days[first - 1], self.after(first - 1)) if first else (days[0] if days else 0, PRIOR)
        for index in range(first, len(days)):
            day, known, side = days[index], beliefs[index], belief[1]
            belief = step(belief, day - before, day, weights[day])
            if known is None:
                reshaped = reshaped or index == 0 or belief[1] != side or belief[2] != 0
            elif known == belief:
                if day > high:
                    break
            elif known[1] != belief[1] or known[2] != belief[2]:
                reshaped = True
            new.append(belief)
            before = day
        return new, reshaped

    def _begins(self, index: int) -> bool:
        """Whether an interval may begin on a day."""
        belief, earlier = self._beliefs[index], self._beliefs[index - 1] if index else None
        return belief is None or earlier is None or belief[2] != 0 or belief[1] != earlier[1]
