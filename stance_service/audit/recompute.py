"""What the observations of one partition amount to, by the code that tracks them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.events import StanceChange
from stance_service.belief import Parameters
from stance_service.records import Entry
from stance_service.tracker import Outputs, Tracker

BATCH: Final = 10_000


@dataclass
class Recomputed:
    """Changes and timelines as they have to be recorded."""

    changes: list[StanceChange] = field(default_factory=list)
    """In order, without their places in chains."""
    settled: int = 0
    """So many of them must be recorded; the others come from observations that may not have been tracked yet."""
    sources: list[int] = field(default_factory=list)
    """The offsets of the observations that brought those others about."""
    timelines: dict[str, bytes] = field(default_factory=dict)
    """Of each actor and axis, by the key of its record: they must be recorded, or one from a later observation."""
    later: set[str] = field(default_factory=set)
    """The keys that observations concern which may not have been tracked yet."""
    agreeing: set[str] = field(default_factory=set)
    """Those of them under which one of the timelines is recorded that follow from these observations."""


def recompute(
    entries: Iterable[tuple[int, Entry]], settled: int, parameters: Parameters, recorded: Mapping[str, bytes]
) -> Recomputed:
    """From observations and their offsets. `settled`: the tracker had read up to there before `recorded` was read."""
    tracker, found = Tracker(parameters), Recomputed()
    batch: list[Entry] = []
    for offset, entry in entries:
        if offset < settled:
            batch.append(entry)
            if len(batch) == BATCH:
                _settle(found, tracker.apply(batch))
                batch.clear()
            continue
        if batch:
            _settle(found, tracker.apply(batch))
            batch.clear()
        outputs = tracker.apply([entry])
        found.changes += outputs.changes
        found.sources += [offset] * len(outputs.changes)
        for key, known in _by_key(outputs).items():
            found.later.add(key)
            if recorded.get(key) == known:
                found.agreeing.add(key)
    if batch:
        _settle(found, tracker.apply(batch))
    return found


def _settle(found: Recomputed, outputs: Outputs) -> None:
    found.changes += outputs.changes
    found.settled = len(found.changes)
    found.timelines |= _by_key(outputs)


def _by_key(outputs: Outputs) -> dict[str, bytes]:
    return {f"{actor}/{axis}": known for (actor, axis), known in outputs.timelines.items()}
