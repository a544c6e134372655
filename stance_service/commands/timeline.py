"""`stance-service timeline`: who stood where, since when, on what evidence."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from shared.errors import PermanentError
from shared.events import Observation, Position, Timeline, Withdrawal
from shared.ids import slug
from stance_service import report
from stance_service.axes import require_configured
from stance_service.belief import Parameters
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
    known = known_by(known_at)
    require_configured(axis)
    with up_to_date("timeline") as (history, parameters):
        who = slug(actor) if actor else None
        found = history.timelines(who, axis, known)
        if valid is not None:
            found = [_at(each, valid) for each in found]
        records = history.records(who, known)
        span = history.recorded(who)
    console = Console()
    if valid is not None or known is not None or not records:
        console.print(report.answered(who, valid, known, records, span))
    if records:
        console.print(report.timelines(found, _ledgers(records, parameters), valid or datetime.now(UTC), axis))


def known_by(text: str | None) -> datetime | None:
    """The instant of `--known-at`; raises PermanentError for one that is to come."""
    if text is None:
        return None
    known = instant(text, "--known-at", end_of_day=True)
    if known.date() > datetime.now(UTC).date():
        raise PermanentError(f"--known-at {text} lies in the future; without it there is what is known now")
    return known


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
    records: Mapping[str, Iterable[Observation | Withdrawal]], parameters: Parameters
) -> dict[str, ActorLedger]:
    ledgers: dict[str, ActorLedger] = {}
    for who, own in records.items():
        ledgers[who] = ActorLedger(who, parameters)
        for record in own:
            ledgers[who].add(record)
    return ledgers
