"""What holds of the fold whatever comes in, in whatever order."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.events import Axis, Basis, Observation, Position, Slug, Withdrawal
from stance_service.belief import Parameters
from stance_service.ledger import ActorLedger
from stance_service.timeline import fold, timeline
from tests.properties.strategies import histories, observations

Record = Observation | Withdrawal
Held = dict[tuple[Slug, Axis], tuple[Position, ...]]


def held(records: list[Record]) -> Held:
    return {key: known.positions for key, known in fold(records).items()}


@given(histories, st.randoms(use_true_random=False))
def test_arrival_order_leaves_positions_alike(seen: list[Record], random: Random) -> None:
    assert fold(random.sample(seen, len(seen))) == fold(seen)


@given(histories, st.randoms(use_true_random=False))
def test_repeats_leave_positions_alike(seen: list[Record], random: Random) -> None:
    repeated = seen + random.choices(seen, k=len(seen)) if seen else []
    assert fold(repeated) == fold(seen)


@given(histories, st.randoms(use_true_random=False))
def test_a_ledger_kept_up_to_date_equals_one_filled_at_once(seen: list[Record], random: Random) -> None:
    parameters = Parameters()
    ledgers: dict[Slug, ActorLedger] = {}
    for record in seen:
        ledger = ledgers.setdefault(record.actor, ActorLedger(record.actor, parameters))
        ledger.add(record)
        if random.random() < 0.5:  # else several changes are settled together
            for axis in ledger.axes:
                timeline(ledger, axis, record.observed_at, parameters)
    kept = {
        (actor, axis): timeline(ledger, axis, seen[0].observed_at, parameters).positions
        for actor, ledger in ledgers.items()
        for axis in ledger.axes
    }
    assert {key: positions for key, positions in kept.items() if positions} == held(seen)


@given(histories)
def test_a_withdrawn_article_is_as_if_it_had_never_been_seen(seen: list[Record]) -> None:
    gone = {(each.actor, each.article_id): each.revision for each in seen if isinstance(each, Withdrawal)}
    for each in seen:
        if isinstance(each, Withdrawal):
            key = (each.actor, each.article_id)
            gone[key] = max(gone[key], each.revision)
    never: list[Record] = [
        each
        for each in seen
        if isinstance(each, Observation) and each.revision >= gone.get((each.actor, each.article_id), 0)
    ]
    assert held(seen) == held(never)


@given(histories)
def test_what_others_allege_moves_nothing(seen: list[Record]) -> None:
    # A revision or a classifier that finds nothing but allegations does replace what the one before it found.
    alike = [each.model_copy(update={"classifier": "any"}) for each in seen if each.revision == 1]
    own = [each for each in alike if not (isinstance(each, Observation) and each.basis is Basis.ALLEGED)]
    assert held(alike) == held(own)


@given(histories)
def test_positions_follow_each_other_without_a_gap(seen: list[Record]) -> None:
    for known in fold(seen).values():
        for earlier, later in pairwise(known.positions):
            assert earlier.held_until == later.held_from
            assert earlier.held_from < later.held_from
            assert earlier.polarity != later.polarity
        for position in known.positions:
            assert len(position.observations) == min(position.count, 10)
            assert (position.count == 0) == (position.evidenced_until is None)
            if position.polarity is not None:
                assert position.probability >= Parameters().leave


@given(st.lists(observations, max_size=12))
def test_the_opposite_of_all_evidence_gives_the_opposite_positions(seen: list[Observation]) -> None:
    opposite = [each.model_copy(update={"polarity": -each.polarity}) for each in seen]
    assert [
        [(each.polarity, each.held_from, each.held_until) for each in known.positions] for known in fold(seen).values()
    ] == [
        [(each.polarity and -each.polarity, each.held_from, each.held_until) for each in known.positions]
        for known in fold(opposite).values()
    ]
