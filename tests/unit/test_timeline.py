"""What positions follow from what evidence."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.events import Basis, Observation, Timeline, Withdrawal
from stance_service.belief import Parameters
from stance_service.intervals import LISTED
from stance_service.timeline import fold
from tests.stances import observation, withdrawal


def known(*records: Observation | Withdrawal, parameters: Parameters | None = None) -> Timeline:
    return fold(records, parameters)["openai", "openness"]


def spells(*records: Observation | Withdrawal) -> list[tuple[int | None, str]]:
    if not fold(records):
        return []
    return [(position.polarity, position.held_from.date().isoformat()) for position in known(*records).positions]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_one_clear_statement_establishes_a_position() -> None:
    first, faded = known(observation(+1, "2024-03-05")).positions
    assert (first.polarity, first.probability, first.held_from) == (1, 0.9, day("2024-03-05"))
    assert first.evidenced_until == first.held_from
    assert first.count == 1
    assert faded.polarity is None
    assert faded.held_from == first.held_until


def test_one_weak_statement_establishes_none() -> None:
    assert spells(observation(+1, confidence=0.6)) == [(None, "2024-03-13")]


def test_weak_statements_of_several_articles_add_up() -> None:
    weak = [observation(+1, f"2024-0{month}", article=str(month), confidence=0.65) for month in (1, 2, 3)]
    assert [polarity for polarity, _ in spells(*weak)] == [None, 1, None]


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.5])
def test_a_statement_as_likely_wrong_as_right_is_no_evidence(confidence: float) -> None:
    assert spells(observation(confidence=confidence)) == []


def test_a_position_never_heard_of_again_fades_over_years() -> None:
    held = known(observation(+1, "2016-05-01")).positions[0]
    assert held.held_until is not None
    assert timedelta(days=4 * 365) < held.held_until - held.held_from < timedelta(days=6 * 365)


def test_a_statement_against_an_old_position_turns_it() -> None:
    assert spells(observation(-1, "2016-05"), observation(+1, "2020-05", article="b"))[:2] == [
        (-1, "2016-05-16"),
        (1, "2020-05-16"),
    ]


def test_a_lone_statement_against_a_fresh_position_makes_it_unclear() -> None:
    both = spells(observation(+1, "2024-01-01"), observation(-1, "2024-02-01", article="b"))
    assert both == [(1, "2024-01-01"), (None, "2024-02-01")]


def test_contradicting_statements_of_one_day_leave_no_position() -> None:
    both = known(
        observation(+1, published="2024-03-13T08:00"), observation(-1, article="b", published="2024-03-13T20:00")
    )
    assert [position.polarity for position in both.positions] == [None]
    assert both.positions[0].probability == 0.5


def test_contradicting_statements_of_one_day_leave_an_older_position_alone() -> None:
    assert spells(
        observation(+1, "2024-01", article="old"), observation(+1, article="b"), observation(-1, article="c")
    )[:-1] == [(1, "2024-01-16")]


def test_a_wavering_probability_is_one_position() -> None:
    wavering = [observation(+1, "2024-01-01", article="first", confidence=0.8)]
    for week in range(8):
        at = (day("2024-01-05") + timedelta(weeks=week)).date().isoformat()
        wavering.append(observation(1 if week % 2 else -1, at, article=str(week), confidence=0.58))
    assert [polarity for polarity, _ in spells(*wavering)] == [1, None]


def test_what_others_allege_moves_nothing() -> None:
    own = observation(-1, "2020-01-01")
    claims = [observation(+1, "2021", article=str(n), basis=Basis.ALLEGED) for n in range(9)]
    assert known(own, *claims).positions == known(own).positions
    assert fold(claims) == {}


def test_no_number_of_reports_of_one_day_outweighs_the_bound() -> None:
    reports = [observation(+1, article=str(n), confidence=0.99) for n in range(50)]
    assert known(*reports).positions[0].probability == 0.99


def test_sentences_of_one_article_on_one_side_count_once() -> None:
    twice = known(observation(+1), observation(+1, "2024-03"), observation(+1, "2024-03-12", basis=Basis.ACTED))
    assert twice.positions[0].probability == 0.9
    assert twice.positions[0].count == 1


def test_an_article_that_tells_of_two_times_counts_for_both() -> None:
    assert [position.count for position in known(observation(+1, "2016"), observation(+1, "2018")).positions] == [2, 0]


def test_copies_of_an_article_count_once() -> None:
    copies = [observation(+1, article=str(n), duplicate_of="a", published="2024-03-14") for n in range(5)]
    assert known(observation(+1), *copies).positions == known(observation(+1)).positions


def test_a_quotation_that_recurs_counts_where_it_was_first_reported() -> None:
    words = "We will never release the weights of this model to anybody."
    told = [
        observation(-1, article="late", evidence=f"“{words}”", published="2024-03-13"),
        observation(-1, article="first", evidence=words, published="2019-02-14"),
    ]
    (position, _) = known(*told).positions
    assert (position.held_from, position.count) == (day("2019-02-14"), 1)


def test_short_words_may_recur_without_being_the_same_statement() -> None:
    yes = [observation(+1, f"202{n}-01", article=str(n), evidence="“Yes, I agree.”") for n in range(3)]
    assert known(*yes).positions[0].count == 3


def test_a_vague_time_weighs_less_than_a_known_one() -> None:
    vague = [known(observation(+1, held)).positions[0].probability for held in ("2010", "2005/2015", "19XX")]
    assert 0.9 > vague[0] > vague[1] > vague[2] > 0.5


def test_evidence_acts_at_the_middle_of_its_time() -> None:
    assert spells(observation(+1, "2016"))[0] == (1, "2016-07-01")
    assert spells(observation(+1, "2016~"))[0] == (1, "2016-07-01")


@pytest.mark.parametrize(
    ("held_at", "on"),
    [
        (None, "2024-03-13"),
        ("2024", "2024-02-06"),
        ("2031", "2024-03-13"),
        ("2024-03/..", "2024-03-07"),
        ("../2018", "2018-07-01"),
        ("9999~", "2024-03-13"),
        ("1950", "1950-07-02"),
    ],
)
def test_no_position_is_held_after_it_was_reported(held_at: str | None, on: str) -> None:
    assert spells(observation(+1, held_at, confidence=0.99))[0][1] == on


def test_a_new_revision_replaces_what_the_old_one_showed() -> None:
    corrected = observation(-1, revision=2)
    assert known(observation(+1), corrected).positions == known(corrected).positions


def test_a_later_classifier_replaces_what_the_earlier_one_read() -> None:
    better = observation(-1, classifier="test-2", observed_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert known(observation(+1), better).positions == known(better).positions


def test_a_withdrawn_article_counts_no_longer_and_its_next_revision_does() -> None:
    assert spells(observation(+1), withdrawal(revision=2)) == []
    again = observation(+1, revision=2)
    assert known(observation(+1), withdrawal(revision=2), again).positions == known(again).positions


def test_a_position_lists_its_weightiest_observations_in_event_time() -> None:
    months = [observation(+1, f"2023-{m:02}-01", article=str(m), confidence=0.78 + m / 100) for m in range(1, 13)]
    position = known(*reversed(months)).positions[0]
    assert position.count == 12
    assert position.observations == tuple(each.id for each in months[-LISTED:])


def test_parameters_are_recorded_with_the_timeline() -> None:
    slow = Parameters(switches_per_year=0.01)
    assert known(observation(), parameters=slow).parameters == slow.version != Parameters().version


def test_thresholds_without_a_gap_are_refused() -> None:
    with pytest.raises(ValueError, match=r"leave \(0.8\) must be less than enter \(0.7\)"):
        Parameters(leave=0.8)
