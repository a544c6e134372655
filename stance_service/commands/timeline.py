"""`stance-service timeline`: who stood where, since when, on what evidence."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from shared.events import Observation, Position, Timeline, Withdrawal
from shared.ids import slug
from stance_service import report
from stance_service.axes import require_configured
from stance_service.belief import Parameters
from stance_service.ledger import ActorLedger
from stance_service.reading import KnownAt, instant, known_by, up_to_date


def timeline(
    actor: Annotated[str | None, typer.Argument(help="Name or slug; all if not given.")] = None,
    axis: Annotated[str | None, typer.Option(help="This axis only.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Only the position held then: a date, or a time with its zone.")
    ] = None,
    known_at: KnownAt = None,
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
