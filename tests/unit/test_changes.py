"""What is announced, and what is not."""

import pytest

from shared.events import Basis, ChangeKind, Observation, Position, StanceChange, Withdrawal
from stance_service.belief import Parameters
from stance_service.tracker import Tracker
from tests.stances import later, observation, withdrawal

ESTABLISHED, SHIFT, REVISION = ChangeKind.ESTABLISHED, ChangeKind.SHIFT, ChangeKind.REVISION


def announced(*records: Observation | Withdrawal) -> list[StanceChange]:
    return Tracker(Parameters()).apply(records).changes


def kinds(*records: Observation | Withdrawal) -> list[tuple[ChangeKind, int | None, int | None]]:
    return [(change.kind, _polarity(change.before), _polarity(change.after)) for change in announced(*records)]


def _polarity(position: Position | None) -> int | None:
    return position.polarity if position else None


FOR_2020 = observation(+1, "2020-03-01", article="for 2020")
AGAINST_2016 = observation(-1, "2016-03-01", article="against 2016")
AGAINST_2023 = observation(-1, "2023-09-01", article="against 2023", confidence=0.95)


def test_the_first_clear_position_is_established_with_what_shows_it() -> None:
    (change,) = announced(FOR_2020)
    assert (change.kind, change.before) == (ESTABLISHED, None)
    assert change.after is not None
    assert (change.after.polarity, change.effective_at) == (1, change.after.held_from)
    assert change.detected_at == FOR_2020.observed_at
    assert change.parameters == Parameters().version
    (cause,) = change.causes
    assert (cause.observation, cause.evidence, cause.title) == (FOR_2020.id, FOR_2020.evidence.text, FOR_2020.title)


def test_a_newer_position_of_the_other_polarity_is_a_shift() -> None:
    established, shift = announced(FOR_2020, AGAINST_2023)
    assert (established.kind, shift.kind) == (ESTABLISHED, SHIFT)
    assert shift.before is not None
    assert shift.before.polarity == 1
    assert [cause.observation for cause in shift.causes] == [AGAINST_2023.id]


def test_a_shift_names_the_evidence_that_built_up_to_it() -> None:
    weak = [observation(-1, f"2023-0{n}-01", article=str(n), confidence=0.65) for n in (6, 7, 8)]
    *_, shift = announced(FOR_2020, *weak)
    assert shift.kind is SHIFT
    assert weak[2].id in [cause.observation for cause in shift.causes]


@pytest.mark.parametrize(
    "confirming",
    [
        observation(+1, "2022-01-01", article="b"),
        observation(+1, "2014-01-01", article="b"),
        observation(+1, "2019-11", article="b"),
        observation(+1, "2020-03-01", article="b"),
        observation(+1, "2020-03-01", article="b", duplicate_of="for 2020"),
    ],
)
def test_evidence_that_confirms_announces_nothing(confirming: Observation) -> None:
    assert kinds(FOR_2020, confirming) == [(ESTABLISHED, None, 1)]


def test_a_position_that_comes_back_after_it_had_faded_announces_nothing() -> None:
    assert kinds(observation(+1, "2010-01-01"), observation(+1, "2023-01-01", article="b")) == [(ESTABLISHED, None, 1)]


def test_what_others_allege_announces_nothing() -> None:
    assert kinds(*(observation(article=str(n), basis=Basis.ALLEGED) for n in range(9))) == []


def test_a_position_that_wavers_announces_nothing() -> None:
    doubts = [
        observation(1 if n % 2 else -1, f"2020-03-{2 + n:02}", article=str(n), confidence=0.62) for n in range(12)
    ]
    assert kinds(FOR_2020, *doubts) == [(ESTABLISHED, None, 1)]


def test_a_position_that_wavers_on_the_day_it_was_established_announces_nothing() -> None:
    doubts = [observation(-1 if n % 2 else 1, "2020-03-01", article=str(n), confidence=0.6) for n in range(1, 9)]
    assert kinds(FOR_2020, *doubts) == [(ESTABLISHED, None, 1)]


def test_a_position_contradicted_on_its_own_day_is_taken_back() -> None:
    assert kinds(FOR_2020, observation(-1, "2020-03-01", article="b")) == [(ESTABLISHED, None, 1), (REVISION, 1, None)]


def test_late_news_of_an_older_other_position_is_a_revision() -> None:
    _, revision = announced(FOR_2020, AGAINST_2016)
    assert (revision.kind, revision.before) == (REVISION, None)
    assert revision.after is not None
    assert (revision.after.polarity, revision.effective_at) == (-1, revision.after.held_from)


def test_late_news_of_a_turn_between_two_like_positions_is_a_revision() -> None:
    against = [observation(-1, f"2018-0{n}-01", article=str(n)) for n in (1, 2, 3)]
    found = kinds(observation(+1, "2015-01-01"), observation(+1, "2023-01-01", article="b"), *against)
    assert found == [(ESTABLISHED, None, 1), (REVISION, 1, -1)]


def test_late_news_in_a_spell_that_was_unclear_for_a_while_is_a_revision() -> None:
    doubted = [
        observation(+1, "2010-01-01", article="0"),
        observation(-1, "2010-01-20", article="1"),
        observation(+1, "2010-03-01", article="weak", confidence=0.62),
        observation(+1, "2010-09-01", article="2"),
        observation(+1, "2016-01-01", article="3"),
    ]
    against = [observation(-1, f"2013-0{n}-01", article=f"late {n}") for n in (1, 2, 3)]
    assert kinds(*doubted, *against) == [(ESTABLISHED, None, 1), (REVISION, 1, -1)]


def test_late_news_that_outvotes_evidence_of_years_is_a_revision() -> None:
    records = [
        observation(-1, "2014-01-01", article="0"),
        observation(-1, "2018-01-01", article="1"),
        observation(+1, "2022-01-01", article="2"),
        *(observation(+1, f"2016-0{n}-01", article=f"late {n}", confidence=0.95) for n in range(1, 5)),
        *(observation(+1, f"2018-01-{n:02}", article=f"later {n}", confidence=0.95) for n in range(2, 6)),
        observation(+1, "2017-12-31", article="latest", confidence=0.95),
    ]
    assert kinds(*records)[:2] == [(ESTABLISHED, None, -1), (SHIFT, -1, 1)]
    assert REVISION in [kind for kind, _, _ in kinds(*records)[2:]]


def test_a_retraction_of_all_evidence_takes_the_position_back_and_says_why() -> None:
    *_, revision = announced(FOR_2020, withdrawal("for 2020", observed_at=later(5)))
    assert (revision.kind, revision.after, revision.probability) == (REVISION, None, 0.5)
    assert revision.before is not None
    assert revision.effective_at == revision.before.held_from
    assert revision.detected_at == later(5)
    assert [(cause.observation, cause.withdrawn) for cause in revision.causes] == [(FOR_2020.id, True)]


def test_a_retraction_of_the_newest_position_brings_the_older_one_back() -> None:
    found = kinds(AGAINST_2016, FOR_2020, withdrawal("for 2020"))
    assert found == [(ESTABLISHED, None, -1), (SHIFT, -1, 1), (REVISION, 1, -1)]


def test_a_retraction_of_one_of_several_witnesses_announces_nothing() -> None:
    assert kinds(FOR_2020, observation(+1, "2020-04-01", article="b"), withdrawal("b")) == [(ESTABLISHED, None, 1)]


def test_a_corrected_article_that_says_the_same_announces_nothing() -> None:
    corrected = observation(+1, "2020-03-01", article="for 2020", revision=2)
    assert kinds(FOR_2020, withdrawal("for 2020", more=True), corrected) == [(ESTABLISHED, None, 1)]


def test_a_corrected_article_that_says_the_opposite_is_a_revision() -> None:
    corrected = observation(-1, "2020-03-01", article="for 2020", revision=2)
    assert kinds(FOR_2020, corrected) == [(ESTABLISHED, None, 1), (REVISION, 1, -1)]


def test_an_article_is_taken_in_whole_before_anything_is_announced() -> None:
    mixed = [observation(+1, more=True), observation(-1)]
    assert kinds(*mixed) == []
    told = [observation(-1, "2016", more=True), observation(+1, "2020")]
    assert kinds(*told) == [(ESTABLISHED, None, -1), (SHIFT, -1, 1)]
    apart = [each.model_copy(update={"more": False}) for each in reversed(told)]
    assert kinds(*apart) == [(ESTABLISHED, None, 1), (REVISION, None, -1)]


def test_each_axis_and_each_actor_changes_on_its_own() -> None:
    records = [observation(+1), observation(-1, axis="profit"), observation(-1, actor="meta")]
    assert [(change.actor, change.axis) for change in announced(*records)] == [
        ("openai", "openness"),
        ("openai", "profit"),
        ("meta", "openness"),
    ]


def test_the_same_records_give_the_same_ids_and_no_two_changes_share_one() -> None:
    records = (FOR_2020, withdrawal("for 2020"), observation(+1, "2020-03-01", article="b"), withdrawal("b"))
    ids = [change.id for change in announced(*records)]
    assert len(ids) == len(set(ids)) == 4
    assert ids == [change.id for change in announced(*records)]
