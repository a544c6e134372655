"""Fold observations into the positions an actor held. Pure.

`belief` has the model and its formula, `evidence` says what counts and when, `ledger` keeps it up to date. Here
beliefs become positions: an actor holds polarity +1 or -1 from the day its probability reaches `enter` until the day
it is under `leave`, by other evidence or by fading, and is unclear in between (hysteresis: a probability that wavers
about one threshold is one position). Positions follow each other without a gap from the first evidence on; the last
one ends in the future, on the day it will have faded if nothing more is heard.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import nsmallest
from typing import Final

from shared.events import Axis, Observation, Polarity, Position, Slug, Timeline, Withdrawal, midnight
from stance_service.belief import Parameters, fades_on, probability
from stance_service.evidence import Weighed
from stance_service.ledger import ActorLedger, AxisLedger

LISTED: Final = 10
"""A position names at most so many observations, the weightiest: timelines stay small however long the history."""

_LAST_DAY = date.max.toordinal()


def fold(
    records: Iterable[Observation | Withdrawal], parameters: Parameters | None = None
) -> dict[tuple[Slug, Axis], Timeline]:
    """The timelines that a set of records amounts to, by actor and axis, in alphabetical order; no empty ones.

    Neither order nor repetition matters. `recorded_at` is the highest `observed_at` of the actor.
    """
    parameters = parameters or Parameters()
    ledgers: dict[Slug, ActorLedger] = {}
    recorded: dict[Slug, datetime] = {}
    for record in records:
        actor = record.actor
        recorded[actor] = max(recorded.get(actor, record.observed_at), record.observed_at)
        if actor not in ledgers:
            ledgers[actor] = ActorLedger(actor, parameters)
        ledgers[actor].add(record)
    known = {
        (actor, axis): timeline(ledgers[actor], axis, recorded[actor], parameters)
        for actor in sorted(ledgers)
        for axis in sorted(ledgers[actor].axes)
    }
    return {key: each for key, each in known.items() if each.positions}


def timeline(ledger: ActorLedger, axis: Axis, recorded_at: datetime, parameters: Parameters) -> Timeline:
    """All positions of the ledger's actor on an axis."""
    evidence = ledger.axes.get(axis)
    return Timeline(
        actor=ledger.actor,
        axis=axis,
        positions=tuple(_positions(evidence, parameters)) if evidence else (),
        recorded_at=recorded_at,
        parameters=parameters.version,
    )


@dataclass(slots=True)
class _Interval:
    polarity: Polarity | None
    start: int
    chance: float
    """Of +1 at the last observation, or at the start when there is none."""
    days: list[int] = field(default_factory=list)
    end: int | None = None


def _positions(evidence: AxisLedger, parameters: Parameters) -> Iterator[Position]:
    for interval in _intervals(evidence, parameters):
        items = [item for day in interval.days for item in evidence.counted_on(day)]
        heaviest = nsmallest(LISTED, items, key=_by_weight)
        yield Position(
            polarity=interval.polarity,
            held_from=_instant(interval.start),
            held_until=None if interval.end is None else _instant(interval.end),
            evidenced_until=_instant(interval.days[-1]) if interval.days else None,
            probability=round(1 - interval.chance, 6) if interval.polarity == -1 else interval.chance,
            count=len(items),
            observations=tuple(item.observation.id for item in sorted(heaviest, key=_by_time)),
        )


def _intervals(evidence: AxisLedger, parameters: Parameters) -> list[_Interval]:
    found: list[_Interval] = []
    messages = evidence.messages()
    for day, belief in messages:
        if belief.faded is not None:
            _fade(found, belief.faded, parameters)
        if not found or found[-1].polarity != belief.polarity:
            if found:
                found[-1].end = day
            found.append(_Interval(belief.polarity, day, 0.5))
        found[-1].days.append(day)
        found[-1].chance = probability(belief.log_odds)
    if messages:
        end = fades_on(*messages[-1], parameters)
        if end is not None and end <= _LAST_DAY:
            _fade(found, end, parameters)
    return found


def _fade(intervals: list[_Interval], day: int, parameters: Parameters) -> None:
    chance = parameters.leave if intervals[-1].polarity == 1 else 1 - parameters.leave
    intervals[-1].end = day
    intervals.append(_Interval(None, day, round(chance, 6)))


def _by_weight(item: Weighed) -> tuple[int, int, str]:
    return -item.weight, item.day, item.observation.id


def _by_time(item: Weighed) -> tuple[int, str]:
    return item.day, item.observation.id


def _instant(day: int) -> datetime:
    at = date.fromordinal(day)
    return midnight(at.year, at.month, at.day)
