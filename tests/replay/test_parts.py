"""Ranges, replaced readings and comparisons, without a broker."""

from datetime import UTC, datetime

import pytest

from shared.events import Observation, Position, StanceChange, Timeline, Withdrawal
from shared.settings import BrokerSettings
from stance_service.belief import Parameters
from stance_service.replay import comparing, ranges
from stance_service.replay.comparing import Kind
from stance_service.replay.ranges import Asked, Bound, RangeError, bound
from stance_service.replay.readings import Placed, Reading, Replacements, ended
from stance_service.timeline import fold
from tests.alerting.changes import change
from tests.replay.articles import article
from tests.stances import article_id, later, observation, withdrawal

KEY = ("openai", "openness")


def reading(*shown: Observation, article: str = "a", revision: int = 1) -> Reading:
    return Reading(article_id=article_id(article), revision=revision, observed_at=later(0), observations=shown)


def spliced(recorded: list[Observation | Withdrawal], *readings: Reading) -> list[Observation | Withdrawal]:
    known = {((each.article_id, each.revision), each.actor) for each in recorded}
    found = {each.key: each for each in readings}
    placed = [Placed(offset, each) for offset, each in enumerate(recorded)]
    result = [each.record for each in Replacements(found, known, lambda _: True).spliced(placed)]
    return [each for each in result if isinstance(each, Observation | Withdrawal)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (None, None),
        ("2024-03-13", datetime(2024, 3, 13, tzinfo=UTC)),
        ("2024-03-13T12:00:00+02:00", datetime(2024, 3, 13, 10, tzinfo=UTC)),
        ("0/1200,3/80", {0: 1200, 3: 80}),
    ],
)
def test_a_bound_is_an_instant_or_offsets(text: str | None, meant: object) -> None:
    assert bound(text, "--from") == meant


@pytest.mark.parametrize("text", ["soon", "3", "0/x", "0/1,", "-1/3"])
def test_another_bound_is_refused_by_name(text: str) -> None:
    with pytest.raises(RangeError, match=f"--from '{text}' is neither"):
        bound(text, "--from")


@pytest.mark.parametrize(
    ("start", "is_there"),
    [(None, False), (datetime(2024, 3, 13, tzinfo=UTC), False), ({0: 3}, False), ({0: 4}, True), ({0: 4, 1: 2}, True)],
)
def test_a_range_of_which_retention_has_dropped_a_part_is_refused(
    start: Bound, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "ends", lambda *_: {0: (4, 10), 1: (0, 5)})
    monkeypatch.setattr(ranges, "offsets_at", lambda *_: {0: 4, 1: 0})
    settings, asked = BrokerSettings(), Asked("observations", start)
    if is_there:
        assert asked.resolve(settings)[0] == (4, 10)
    else:
        with pytest.raises(RangeError, match="observations, partition 0 begins only at offset 4"):
            asked.resolve(settings)


def test_what_an_article_shows_now_stands_where_it_stood() -> None:
    before, other = observation(+1, observed_at=later(1)), observation(+1, article="b", observed_at=later(2))
    now = observation(-1, classifier="test-2")
    assert spliced([before, other], reading(now)) == [now.model_copy(update={"observed_at": later(1)}), other]


def test_what_an_article_no_longer_shows_is_gone() -> None:
    other = observation(article="b")
    assert spliced([observation(), other], reading()) == [other]


def test_an_actor_not_seen_before_comes_at_its_time_of_observation() -> None:
    first, second = observation(article="b", observed_at=later(-1)), observation(article="c", observed_at=later(1))
    new = observation(actor="meta", observed_at=later(0))
    assert spliced([first, second], reading(new)) == [first, new, second]
    assert spliced([first], reading(new)) == [first, new]


def test_what_a_revision_withdrew_stays_withdrawn_when_it_is_read_again() -> None:
    old, gone = observation(+1), withdrawal("a", more=True)
    again = observation(-1, revision=2)
    assert spliced([old, gone, observation(+1, revision=2)], reading(again, revision=2)) == [old, gone, again]
    assert spliced([old, gone, observation(+1, revision=2)], reading(revision=2)) == [
        old,
        gone.model_copy(update={"more": False}),
    ]


def test_a_later_revision_withdraws_what_only_the_new_reading_shows() -> None:
    second = article("a").model_copy(update={"revision": 2})
    found = ended(reading(observation(actor="meta")), [article("a"), second])
    assert [(each.actor, each.revision) for each in found.withdrawals] == [("meta", 2)]


def positions(*records: Observation | Withdrawal, parameters: Parameters | None = None) -> tuple[Position, ...]:
    known: Timeline = fold(records, parameters)[KEY]
    return known.positions


def test_equal_positions_and_changes_do_not_differ() -> None:
    known = {KEY: positions(observation())}
    assert comparing.positions(known, known) == []
    assert comparing.changes([change("a")], [change("b")]) == [], "an id is not what a change tells"


def test_a_position_that_is_held_otherwise_is_changed_and_another_one_missing_or_added() -> None:
    recorded = {KEY: positions(observation(+1, "2020-05-01"), observation(+1, "2021-05-01", article="b"))}
    replayed = {KEY: positions(observation(+1, "2020-06-01"), observation(-1, "2022-05-01", article="b"))}
    kinds = {
        (each.recorded or each.replayed or {})["polarity"]: each.kind
        for each in comparing.positions(recorded, replayed)
    }
    assert (kinds[1], kinds[-1]) == (Kind.CHANGED, Kind.ADDED)
    back = {
        (each.recorded or each.replayed or {})["polarity"]: each.kind
        for each in comparing.positions(replayed, recorded)
    }
    assert back[-1] is Kind.MISSING


def test_a_difference_names_the_fields_and_what_it_may_come_from() -> None:
    was, now = observation(+1, confidence=0.9), observation(-1, "2016", confidence=0.8)
    (observed,) = comparing.observations([was], [now])
    assert {name: each for name, each in observed.fields.items() if name != "evidence"} == {
        "polarity": (1, -1),
        "confidence": (0.9, 0.8),
        "held_at": (None, "2016"),
    }
    told: StanceChange = change("a")
    missing = comparing.changes([told], [])
    (because,) = comparing.explained(missing, [observed], {KEY: "old"}, "new")
    assert because.kind is Kind.MISSING
    assert because.why[0] == "parameters old, now new"
    assert because.why[1].startswith("observation changed: polarity 1 → -1, confidence 0.9 → 0.8, held_at None → 2016")
    (unexplained,) = comparing.explained(missing, [], {KEY: "old"}, "old")
    assert "the code differs, or the recorded one was altered" in unexplained.why[0]
