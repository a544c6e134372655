"""`stance-service changes`: what was announced."""

from typing import Annotated

import typer
from rich.console import Console

from shared.ids import slug
from stance_service import report
from stance_service.reading import up_to_date


def changes(
    actor: Annotated[str | None, typer.Argument(help="Name or slug; all if not given.")] = None,
    axis: Annotated[str | None, typer.Option(help="This axis only.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as on the topic.")] = False,
) -> None:
    """Show the announced changes in their order, with what brought each about."""
    with up_to_date("changes") as (history, _):
        announced = history.changes(slug(actor) if actor else None, axis)
    if json:
        for change in announced:
            typer.echo(change.model_dump_json())
    else:
        Console().print(report.changes(announced))
