"""`stance-service export`: tables and networks for other programs."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from shared.ids import slug
from stance_service.axes import require_configured
from stance_service.belief import Parameters
from stance_service.exports import tables
from stance_service.exports.formats import NETWORK_FORMATS, TABLE_FORMATS, ExportError, Write
from stance_service.exports.tables import TABLES, Row, Wanted
from stance_service.history import History
from stance_service.reading import KnownAt, instant, known_by, up_to_date

Table = Literal["observations", "positions", "changes", "edges"]


def export(
    table: Annotated[Table, typer.Argument(help="What to export; edges are for network programs.")],
    *,
    form: Annotated[str, typer.Option("--format", help="csv, jsonl, parquet; of edges also graphml and dna.")] = "csv",
    out: Annotated[Path, typer.Option(help="File to write.")],
    actor: Annotated[str | None, typer.Option(help="This actor only, by name or slug.")] = None,
    axis: Annotated[str | None, typer.Option(help="This axis only.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Positions held then; observations and changes until then: a date or a time.")
    ] = None,
    known_at: KnownAt = None,
) -> None:
    """Write a table or a network of what is known."""
    write = _write(table, form)
    require_configured(axis)
    wanted = Wanted(axis, instant(as_of, "--as-of", end_of_day=table != "positions") if as_of else None)
    known, who = known_by(known_at), slug(actor) if actor else None
    with up_to_date("export") as (history, parameters):
        rows = list(_rows(table, history, parameters, who, known=known, wanted=wanted))
        if who is not None and not rows and history.recorded(who) is None:
            raise ExportError(f"--actor {actor}: nothing is known of {who}; stance-service timeline shows all actors")
    _put(write, rows, table, out)
    typer.echo(f"{len(rows)} {table} in {out}")


def _write(table: Table, form: str) -> Write:
    allowed = {**TABLE_FORMATS, **(NETWORK_FORMATS if table == "edges" else {})}
    if form not in allowed:
        raise ExportError(f"--format {form}: {table} are written as {', '.join(allowed)}")
    return allowed[form]


def _rows(
    table: Table, history: History, parameters: Parameters, actor: str | None, *, known: datetime | None, wanted: Wanted
) -> Iterator[Row]:
    match table:
        case "positions":
            return tables.positions(history.timelines(actor, wanted.axis, known), wanted)
        case "changes":
            return tables.changes(history.changes(actor, wanted.axis, known), wanted)
        case "observations":
            return tables.observations(history.records(actor, known), parameters, wanted)
        case "edges":
            return tables.edges(tables.observations(history.records(actor, known), parameters, wanted))


def _put(write: Write, rows: list[Row], table: Table, out: Path) -> None:
    """Whole or not at all."""
    draft = out.with_name(f"{out.name}.part")
    try:
        write(rows, TABLES[table], draft)
        draft.replace(out)
    except OSError as error:
        raise ExportError(f"--out {out}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
