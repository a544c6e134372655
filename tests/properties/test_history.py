"""What the store holds of whatever comes in."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.events import Observation, Timeline, Withdrawal
from stance_service.history import History
from tests.history_entries import published
from tests.properties.strategies import histories, moments

Record = Observation | Withdrawal


def known(history: History, at: datetime) -> list[Timeline]:
    return history.timelines(known_at=at)


@given(histories, moments, st.integers(0, 24))
def test_answers_about_the_past_never_change(seen: list[Record], asked: datetime, cut: int) -> None:
    history = History("sqlite://")
    try:
        history.write(published(seen[:cut]))
        recorded = [each.recorded_at for each in history.timelines(known_at=asked + timedelta(days=1))]
        instants = [at for at in {asked, *recorded} if all(at <= end for end in ends(seen[:cut], seen[cut:]))]
        before = [known(history, at) for at in instants]
        history.write(published(seen))
        assert [known(history, at) for at in instants] == before
    finally:
        history.close()


def ends(seen: list[Record], coming: list[Record]) -> list[datetime]:
    """Until when all is recorded, for every actor of whom more will come: the highest `observed_at` so far."""
    highest: dict[str, datetime] = {}
    for record in seen:
        highest[record.actor] = max(highest.get(record.actor, record.observed_at), record.observed_at)
    unknown = [record.observed_at - timedelta(seconds=1) for record in coming if record.actor not in highest]
    return [*highest.values(), *unknown]


@given(histories)
def test_the_store_recalls_what_the_tracker_published(seen: list[Record]) -> None:
    history = History("sqlite://")
    try:
        history.write(published(seen))
        for timeline in history.timelines():
            assert history.timelines(timeline.actor, timeline.axis, timeline.recorded_at) == [timeline]
    finally:
        history.close()
