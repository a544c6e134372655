"""What is shown of timelines and changes."""

import io
from datetime import UTC, datetime

from rich.console import Console, RenderableType

from shared.events import Basis, Observation, Withdrawal
from stance_service import report
from stance_service.belief import Parameters
from stance_service.ledger import ActorLedger
from stance_service.timeline import fold
from stance_service.tracker import Tracker
from tests.stances import observation, withdrawal

TODAY = datetime(2026, 1, 1, tzinfo=UTC)


def printed(renderable: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(renderable)
    return out.getvalue()


def shown(*records: Observation | Withdrawal, today: datetime = TODAY, axis: str | None = None) -> str:
    ledgers: dict[str, ActorLedger] = {}
    for record in records:
        ledgers.setdefault(record.actor, ActorLedger(record.actor, Parameters())).add(record)
    return printed(report.timelines(fold(records).values(), ledgers, today, axis))


def test_positions_are_shown_with_their_evidence() -> None:
    text = shown(observation(-1, "2016", article="old"), observation(+1, published="2024-03-13", evidence="Open it."))
    assert "2016 – 2021-06-15  against openness" in text
    assert "2024-03-13 – today  for openness  8" in text
    assert "2024-03-13  stated 0.90" in text
    assert "Open it." in text
    assert "— Article a, 2024-03-13" in text


def test_what_was_told_before_is_marked() -> None:
    assert "told before, not counted again" in shown(observation(+1), observation(+1, basis=Basis.ACTED))


def test_allegations_are_shown_as_such_even_where_nothing_else_is_known() -> None:
    text = shown(observation(-1, basis=Basis.ALLEGED, axis="profit"))
    assert "alleged by a-critic: against profit, 2024-03-13, 0.90; moves nothing" in text
    assert "today" not in text


def test_what_was_withdrawn_is_not_shown() -> None:
    assert shown(observation(), withdrawal()) == "Nothing is known.\n"


def test_an_axis_can_be_chosen_and_a_new_one_has_words() -> None:
    records = observation(+1, axis="openness"), observation(-1, axis="remote_work")
    text = shown(*records, axis="remote_work")
    assert "against remote_work" in text
    assert "for openness" not in text


def test_a_text_that_looks_like_markup_is_shown_as_it_is() -> None:
    assert "[red]Open[/red] it [all]." in shown(observation(evidence="[red]Open[/red] it [all]."))


def test_changes_are_shown_in_order_with_their_causes() -> None:
    records = observation(-1, "2016-05", article="old"), observation(+1), withdrawal("a")
    text = printed(report.changes(Tracker(Parameters()).apply(records).changes))
    assert "1. established  openai, openness: against openness  from 2016-05-16, 90%" in text
    assert "2. shift  openai, openness: against openness → for openness  from 2024-03-13, 8" in text
    assert "3. revision  openai, openness: for openness → unclear" in text
    assert "withdrawn" in text
    assert printed(report.changes([])) == "Nothing was announced.\n"
