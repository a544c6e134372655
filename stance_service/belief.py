"""How strongly the evidence speaks for a polarity over time: the forward pass of a two-state Markov chain.

The hidden state X(t) is an actor's true polarity on an axis, +1 or -1, in continuous event time. It switches at the
same rate r in both directions, so that P(X(t+d) = X(t)) = (1 + exp(-2 r d)) / 2 (the two-state chain, e.g. Norris,
"Markov Chains", 1997, example 2.1.1). With the prior 1/2, everything known of X after the evidence up to t is one
number, the log-odds L(t) = ln P(X=+1 | evidence) / P(X=-1 | evidence):

    predict:  L(t+d) = 2 artanh(tanh(L(t)/2) exp(-2 r d))
    update:   L(t) <- L(t) + sum of the log likelihood ratios of the day's evidence

which is the forward algorithm (Rabiner, "A tutorial on hidden Markov models", 1989, section III.A) in log-odds. An
observation of calibrated confidence c contributes the likelihood ratio c / (1 - c), bounded, see `Parameters`.

Time has a resolution of one UTC day: the evidence of a day is one update, so its order within the day is of no
matter. Log-odds are whole micronats: sums are exact in any order, and the influence of a late observation on the
far end of a long history dies out completely instead of trailing off in the last bits.
"""

from bisect import bisect_left
from functools import cached_property
from math import atanh, ceil, exp, expm1, log, tanh
from typing import Annotated, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.events import Polarity
from shared.ids import digest

MICRONATS: Final = 1_000_000
DAYS_PER_YEAR: Final = 365.2425
_MODEL: Final = "two-state-hmm-1"


class Parameters(BaseModel):
    """Of the model and of what is announced. Their `version` is recorded with every timeline and change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    switches_per_year: Annotated[float, Field(gt=0, le=12)] = 0.2
    """The rate r: an actor is expected to turn every 1/r years. One clear statement fades in about 5 years."""
    sentence_bound: Annotated[float, Field(gt=1)] = 19.0
    """The highest likelihood ratio of one observation: 19 is a confidence of 0.95."""
    day_bound: Annotated[float, Field(gt=1)] = 99.0
    """The highest likelihood ratio of all evidence of one day: reports of one day are seldom independent."""
    enter: Annotated[float, Field(gt=0.5, lt=1)] = 0.7
    """A position is taken from this probability on ..."""
    leave: Annotated[float, Field(gt=0.5, lt=1)] = 0.55
    """... and kept until its probability is under this one."""
    apart_days: Annotated[int, Field(ge=1)] = 30
    """What one story says of one polarity at times closer than this counts once."""
    quote_length: Annotated[int, Field(ge=1)] = 40
    """Evidence of at least this many letters that recurs word for word is one and the same statement."""
    revision_days: Annotated[int, Field(ge=1)] = 90
    """A boundary between positions that late news moves by less than this is no revision."""

    @model_validator(mode="after")
    def _thresholds_leave_a_gap(self) -> Self:
        if self.leave >= self.enter:
            raise ValueError(f"leave ({self.leave}) must be less than enter ({self.enter})")
        return self

    @cached_property
    def version(self) -> str:
        """Names the model and a digest of all values."""
        return f"{_MODEL}:{digest(_MODEL, self.model_dump())[:16]}"


def log_ratio(confidence: float, spread_days: int, parameters: Parameters) -> int:
    """The evidence, in micronats, of an observation whose time is known to within `spread_days`.

    It acts at the middle m of its interval. Averaged over a true time u spread evenly there,
    P(X(m) = X(u)) = (1 + s) / 2 with s = (1 - exp(-r w)) / (r w), w being the interval's length. So a confidence c
    in X(u) is one of 1/2 + (c - 1/2) s in X(m): a statement of some day of 2016 weighs almost in full, one of some
    time in twenty years a quarter. Not positive for a confidence of one half or less: that is evidence of nothing.
    """
    bounded = min(confidence, parameters.sentence_bound / (1 + parameters.sentence_bound))
    turns = parameters.switches_per_year * spread_days / DAYS_PER_YEAR
    share = -expm1(-turns) / turns if turns else 1.0
    return round(MICRONATS * 2 * atanh(2 * max(0.0, bounded - 0.5) * share))


def probability(log_odds: int) -> float:
    """Of polarity +1."""
    return round((1 + tanh(log_odds / (2 * MICRONATS))) / 2, 6)


class Belief(NamedTuple):
    """The forward message after a day's evidence."""

    log_odds: int
    polarity: Polarity | None
    faded: int | None
    """The ordinal day on which the position before this one had faded to unclear, None: it hadn't."""


def fades_on(day: int, belief: Belief, parameters: Parameters) -> int | None:
    """The first day after `day` on which the position is unclear if nothing more comes; None: it is unclear."""
    if belief.polarity is None:
        return None
    strength = abs(tanh(belief.log_odds / (2 * MICRONATS)))
    years = log(strength / (2 * parameters.leave - 1)) / (2 * parameters.switches_per_year)
    return day + max(1, ceil(years * DAYS_PER_YEAR))


def _step(before: tuple[int, Belief] | None, day: int, weight: int, parameters: Parameters) -> Belief:
    polarity, faded, log_odds = None, None, 0
    if before is not None:
        polarity = before[1].polarity
        ends = fades_on(*before, parameters)
        if ends is not None and ends < day:
            polarity, faded = None, ends
        decay = exp(-2 * parameters.switches_per_year * (day - before[0]) / DAYS_PER_YEAR)
        log_odds = round(2 * MICRONATS * atanh(tanh(before[1].log_odds / (2 * MICRONATS)) * decay))
    bound = round(MICRONATS * log(parameters.day_bound))
    log_odds += max(-bound, min(bound, weight))
    return Belief(log_odds, _held(log_odds, polarity, parameters), faded)


def _held(log_odds: int, polarity: Polarity | None, parameters: Parameters) -> Polarity | None:
    for side in (1, -1):
        share = (1 + side * tanh(log_odds / (2 * MICRONATS))) / 2
        if share >= parameters.enter or (polarity == side and share >= parameters.leave):
            return 1 if side == 1 else -1
    return None


class Beliefs:
    """The beliefs after each day with evidence, kept up to date at the cost of the days that a change reaches."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._weights: dict[int, int] = {}
        self._days: list[int] = []
        self._beliefs: list[Belief | None] = []
        self._dirty: tuple[int, int] | None = None

    def put(self, day: int, weight: int | None) -> None:
        """Sets the summed evidence of an ordinal day, in micronats; None: the day has no evidence any more."""
        at = bisect_left(self._days, day)
        known = at < len(self._days) and self._days[at] == day
        if weight is None:
            if known:
                del self._days[at], self._beliefs[at], self._weights[day]
        else:
            if not known:
                self._days.insert(at, day)
                self._beliefs.insert(at, None)
            self._weights[day] = weight
        low, high = self._dirty or (day, day)
        self._dirty = min(low, day), max(high, day)

    def messages(self) -> list[tuple[int, Belief]]:
        """Each day with evidence, in order, and the belief after it."""
        self._refresh()
        return [(day, belief) for day, belief in zip(self._days, self._beliefs, strict=True) if belief is not None]

    def _refresh(self) -> None:
        if self._dirty is None:
            return
        low, high = self._dirty
        at = bisect_left(self._days, low)
        earlier = self._beliefs[at - 1] if at else None
        before = (self._days[at - 1], earlier) if earlier is not None else None
        for index in range(at, len(self._days)):
            day = self._days[index]
            belief = _step(before, day, self._weights[day], self._parameters)
            if day > high and belief == self._beliefs[index]:
                break
            self._beliefs[index] = belief
            before = (day, belief)
        self._dirty = None
