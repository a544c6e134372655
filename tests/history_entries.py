"""Entries of a history, as if they had been read from the topics."""

from collections.abc import Sequence

from shared.dead_letters import Record
from shared.events import Observation, StanceChange, Timeline, Withdrawal
from stance_service.belief import Parameters
from stance_service.history import Entry
from stance_service.tracker import Tracker

Event = Observation | Withdrawal | Timeline | StanceChange


def entries(topic: str, events: Sequence[Event], start: int = 0) -> list[Entry]:
    """The events one after the other on a partition."""
    return [
        Entry(Record(topic, 0, start + offset, None, None, written_at_ms=start + offset), event)
        for offset, event in enumerate(events)
    ]


def published(records: Sequence[Observation | Withdrawal]) -> list[Entry]:
    """The records, and what a tracker that takes them one by one publishes."""
    tracker = Tracker(Parameters())
    timelines: list[Timeline] = []
    changes: list[StanceChange] = []
    for record in records:
        outputs = tracker.apply([record])
        timelines += [Timeline.model_validate_json(each) for each in outputs.timelines.values()]
        changes += outputs.changes
    return [*entries("observations", records), *entries("positions", timelines), *entries("changes", changes)]
