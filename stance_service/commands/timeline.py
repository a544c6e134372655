"""`stance-service timeline`: who stood where, since when, on what evidence."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from shared.errors import PermanentError
from shared.events import Position, Timeline
from shared.ids import slug
from stance_service import report
from stance_service.belief import Parameters
from stance_service.history import History
from stance_service.ledger import ActorLedger
from stance_service.reading import up_to_date


def timeline(
    actor: Annotated[str | None, typer.Argument(help="Name or slug; all if not given.")] = None,
    axis: Annotated[str | None, typer.Option(help="This axis only.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Only the position held then: a date, or a time with its zone.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="As it was known then: a date (to the end of that day), or a time with its zone.")
    ] = None,
) -> None:
    """Show positions with their evidence, and what others allege."""
    valid = instant(as_of, "--as-of") if as_of else None
    known = instant(known_at, "--known-at", end_of_day=True) if known_at else None
    with up_to_date("timeline") as (history, parameters):
        who = slug(actor) if actor else None
        found = history.timelines(who, axis, known)
        if valid is not None:
            found = [_at(each, valid) for each in found]
        ledgers = _ledgers(history, parameters, who, known)
    Console().print(report.timelines(found, ledgers, valid or datetime.now(UTC), axis))


def instant(text: str, option: str, *, end_of_day: bool = False) -> datetime:
    """An instant from an option, UTC unless it says otherwise; a date is its first instant, or its last."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise PermanentError(f"{option} {text!r} is neither a date such as 2024-03-13 nor a time") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if end_of_day and len(text) == len("2024-03-13"):
        at += timedelta(days=1) - timedelta(microseconds=1)
    return at.astimezone(UTC)


def _at(known: Timeline, valid: datetime) -> Timeline:
    holding = [each for each in known.positions if each.held_from <= valid and _lasts(each, valid)]
    return known.model_copy(update={"positions": tuple(holding)})


def _lasts(position: Position, valid: datetime) -> bool:
    return position.held_until is None or valid < position.held_until


def _ledgers(
    history: History, parameters: Parameters, actor: str | None, known_at: datetime | None
) -> dict[str, ActorLedger]:
    ledgers: dict[str, ActorLedger] = {}
    for who, records in history.records(actor, known_at).items():
        ledgers[who] = ActorLedger(who, parameters)
        for record in records:
            ledgers[who].add(record)
    return ledgers
