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

from functools import cached_property, lru_cache
from math import atanh, ceil, exp, expm1, log, tanh
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.ids import digest

MICRONATS: Final = 1_000_000
DAYS_PER_YEAR: Final = 365.2425
_MODEL: Final = "two-state-hmm-1"
_TWICE: Final = 2 * MICRONATS
_KEPT: Final = 65_536

Side: TypeAlias = Literal[1, 0, -1]
"""The polarity that a probability amounts to; 0: unclear."""


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
    return round(_TWICE * atanh(2 * max(0.0, bounded - 0.5) * share))


def probability(log_odds: int) -> float:
    """Of polarity +1."""
    return round((1 + tanh(log_odds / _TWICE)) / 2, 6)


Belief: TypeAlias = tuple[int, Side, int]
"""The forward message after a day's evidence: log-odds, the side held, and the ordinal day on which the position before
this one had faded to unclear (0: it hadn't). Bare tuples: there is one for each day of each history."""

PRIOR: Final[Belief] = (0, 0, 0)


class Chain:
    """The formulas above for given parameters."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.leave = _least_log_odds(parameters.leave)
        """A polarity is kept down to these log-odds."""
        self._enter = _least_log_odds(parameters.enter)
        self._bound = round(MICRONATS * log(parameters.day_bound))
        self._left = 2 * parameters.leave - 1
        self._a_year = 2 * parameters.switches_per_year
        self._decays: dict[int, float] = {}
        self._ratios: dict[tuple[float, int], int] = {}

    def log_ratio(self, confidence: float, spread_days: int) -> int:
        """See `log_ratio`."""
        known = self._ratios.get((confidence, spread_days))
        if known is None:
            if len(self._ratios) >= _KEPT:
                self._ratios.clear()
            known = self._ratios[confidence, spread_days] = log_ratio(confidence, spread_days, self.parameters)
        return known

    def step(self, before: Belief, gap: int, day: int, weight: int) -> Belief:
        """The belief after the evidence of `day`, given the one `gap` days before."""
        log_odds, side, faded = before
        decay = self._decays.get(gap)
        if decay is None:
            decay = self._decays[gap] = exp(-self._a_year * gap / DAYS_PER_YEAR)
        strength = tanh(log_odds / _TWICE) * decay
        faded = 0
        if side and -self._left < strength < self._left:
            ends = self.fades_on(day - gap, log_odds, side)
            if ends < day:
                side, faded = 0, ends
        bound = self._bound
        log_odds = round(_TWICE * atanh(strength)) + (
            weight if -bound <= weight <= bound else bound if weight > 0 else -bound
        )
        if log_odds >= self._enter or (side == 1 and log_odds >= self.leave):
            return log_odds, 1, faded
        if log_odds <= -self._enter or (side == -1 and log_odds <= -self.leave):
            return log_odds, -1, faded
        return log_odds, 0, faded

    def fades_on(self, day: int, log_odds: int, side: Side) -> int:
        """The first day after `day` on which a position is unclear if nothing more comes; 0: it is unclear."""
        if side == 0:
            return 0
        years = log(abs(tanh(log_odds / _TWICE)) / self._left) / self._a_year
        return day + max(1, ceil(years * DAYS_PER_YEAR))


@lru_cache(maxsize=16)
def chain(parameters: Parameters) -> Chain:
    """The one for these parameters: it keeps what is costly to compute again."""
    return Chain(parameters)


def _least_log_odds(chance: float) -> int:
    """The fewest micronats that amount to a probability of at least `chance`."""
    found = round(_TWICE * atanh(2 * chance - 1)) - 2
    while (1 + tanh(found / _TWICE)) / 2 < chance:
        found += 1
    return found
