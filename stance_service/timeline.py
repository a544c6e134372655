"""Fold observations into the positions an actor held. Pure.

`belief` has the model and its formula, `evidence` says what counts and when, `ledger` and `course` keep it up to date.
Here a course becomes positions: an actor holds polarity +1 or -1 from the day its probability reaches `enter` until
the day it is under `leave`, by other evidence or by fading, and is unclear in between (hysteresis: a probability that
wavers about one threshold is one position). Positions follow each other without a gap from the first evidence on; the
last one ends in the future, on the day it will have faded if nothing more is heard.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

import msgspec
from msgspec import Struct

from shared.events import Axis, Digest, Observation, Polarity, Position, Slug, Timeline, Withdrawal, midnight
from stance_service.belief import Parameters, probability
from stance_service.evidence import Weighed
from stance_service.intervals import Interval, completed
from stance_service.ledger import ActorLedger


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
    return Timeline(
        actor=ledger.actor,
        axis=axis,
        positions=tuple(position(each) for each in known(ledger, axis)),
        recorded_at=recorded_at,
        parameters=parameters.version,
    )


def known(ledger: ActorLedger, axis: Axis) -> list[Interval]:
    """The intervals that the positions are made of."""
    evidence = ledger.axes.get(axis)
    return completed(evidence.course.intervals(), ledger.chain) if evidence else []


def position(interval: Interval) -> Position:
    """What an interval is to a reader."""
    return Position(
        polarity=interval.side or None,
        held_from=instant(interval.start),
        held_until=instant(interval.end) if interval.end else None,
        evidenced_until=instant(interval.last) if interval.last else None,
        probability=likelihood(interval),
        count=interval.count,
        observations=listed(interval),
    )


def likelihood(interval: Interval) -> float:
    """Of its polarity; of +1 when it is unclear."""
    chance = probability(interval.log_odds)
    return round(1 - chance, 6) if interval.side == -1 else chance


def listed(interval: Interval) -> tuple[Digest, ...]:
    """Its weightiest observations, in event time."""
    return tuple(item.observation.id for item in sorted(interval.heaviest, key=_by_time))


def _by_time(item: Weighed) -> tuple[int, str]:
    return item.day, item.observation.id


@lru_cache(maxsize=65_536)
def instant(day: int) -> datetime:
    """The first of a day."""
    at = date.fromordinal(day)
    return midnight(at.year, at.month, at.day)


class PositionRecord(Struct, frozen=True, gc=False):
    """`shared.events.Position` as it is written."""

    polarity: Polarity | None
    held_from: str
    held_until: str | None
    evidenced_until: str | None
    probability: float
    count: int
    observations: tuple[Digest, ...]


class _TimelineRecord(Struct, frozen=True, gc=False, tag_field="type", tag="timeline"):
    actor: Slug
    axis: Axis
    positions: list[PositionRecord]
    recorded_at: datetime
    parameters: str


_encode = msgspec.json.Encoder().encode


def encoded(ledger: ActorLedger, axis: Axis, recorded_at: datetime, parameters: Parameters) -> bytes:
    """What `timeline` returns as JSON, several times faster."""
    positions = [position_record(each) for each in known(ledger, axis)]
    return _encode(_TimelineRecord(ledger.actor, axis, positions, recorded_at, parameters.version))


@lru_cache(maxsize=16_384)
def position_record(interval: Interval) -> PositionRecord:
    """What `position` returns as it is written."""
    return PositionRecord(
        interval.side or None,
        _written(interval.start),
        _written(interval.end) if interval.end else None,
        _written(interval.last) if interval.last else None,
        likelihood(interval),
        interval.count,
        listed(interval),
    )


@lru_cache(maxsize=65_536)
def _written(day: int) -> str:
    return instant(day).isoformat().replace("+00:00", "Z")
