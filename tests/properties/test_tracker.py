"""What holds of announcements whatever comes in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.events import Axis, ChangeKind, Observation, Polarity, Slug, StanceChange, Withdrawal
from stance_service.belief import Parameters
from stance_service.timeline import fold
from stance_service.tracker import Tracker
from tests.properties.strategies import histories

Record = Observation | Withdrawal


@given(histories, st.sets(st.integers(0, 24)))
def test_batches_leave_changes_and_timelines_alike(seen: list[Record], cuts: set[int]) -> None:
    whole = Tracker(Parameters()).apply(seen)
    tracker = Tracker(Parameters())
    edges = [0, *sorted(cut for cut in cuts if cut < len(seen)), len(seen)]
    latest: dict[tuple[Slug, Axis], bytes] = {}
    changes: list[StanceChange] = []
    for start, end in pairwise(edges):
        part = tracker.apply(seen[start:end])
        changes += part.changes
        latest |= part.timelines
    assert changes == whole.changes
    assert latest == whole.timelines


@given(histories)
def test_a_timeline_is_encoded_as_it_is(seen: list[Record]) -> None:
    tracker = Tracker(Parameters())
    for key, written in tracker.apply(seen).timelines.items():
        assert written == tracker.timeline(*key).model_dump_json().encode()


@given(histories, histories)
def test_a_restarted_tracker_goes_on_as_one_that_never_stopped(before: list[Record], after: list[Record]) -> None:
    restarted, went_on = Tracker(Parameters()), Tracker(Parameters())
    went_on.apply(before)
    for record in before:
        restarted.remember(record.actor, record.model_dump_json().encode())
    assert restarted.apply(after) == went_on.apply(after)


@given(histories)
def test_a_tracker_knows_what_the_fold_knows(seen: list[Record]) -> None:
    tracker = Tracker(Parameters())
    known = {key: tracker.timeline(*key).positions for key in tracker.apply(seen).timelines}
    assert {key: positions for key, positions in known.items() if positions} == {
        key: each.positions for key, each in fold(seen).items()
    }


@given(histories)
def test_repeats_announce_nothing(seen: list[Record]) -> None:
    whole = [each.model_copy(update={"more": False}) for each in seen]
    tracker = Tracker(Parameters())
    tracker.apply(whole)
    again = tracker.apply(whole)
    assert again.changes == []
    assert again.timelines == {}


@given(histories)
def test_nobody_is_established_twice_without_being_taken_back(seen: list[Record]) -> None:
    told: dict[tuple[str, str], Polarity | None] = {}
    for change in Tracker(Parameters()).apply(seen).changes:
        key = change.actor, change.axis
        if change.kind is ChangeKind.ESTABLISHED:
            assert told.get(key) is None
            told[key] = _after(change)
        elif change.kind is ChangeKind.SHIFT:
            assert _after(change) is not None
            told[key] = _after(change)
        elif _after(change) is None:
            told[key] = None


def _after(change: StanceChange) -> Polarity | None:
    return change.after.polarity if change.after else None


@given(histories)
def test_recorded_time_only_moves_forward_and_every_change_has_an_id_of_its_own(seen: list[Record]) -> None:
    changes = Tracker(Parameters()).apply(seen).changes
    assert len({change.id for change in changes}) == len(changes)
    latest: dict[str, StanceChange] = {}
    for change in changes:
        before = latest.get(change.actor)
        assert before is None or before.detected_at <= change.detected_at
        latest[change.actor] = change
