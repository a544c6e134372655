"""`ingest-service sources`: how the sources have been doing."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ingest_service import build
from ingest_service.configuration import read_configuration
from ingest_service.settings import IngestSettings
from ingest_service.state import Round
from shared.errors import PermanentError
from shared.settings import BrokerSettings

_DAY = timedelta(days=1)
_UNBROKEN = 250
"""Columns, where no terminal sets them."""


def sources(
    sources: Annotated[Path | None, typer.Option(help="YAML file of sources; else STANCE_INGEST_SOURCES.")] = None,
) -> None:
    """Show for each source when it last succeeded and is due again, its last day, and its last error."""
    path = sources or IngestSettings().sources
    if path is None:
        raise PermanentError("set STANCE_INGEST_SOURCES, or give --sources")
    entries = read_configuration(path).sources
    state = build.open_state(BrokerSettings())
    now = build.now()
    table = Table("source", "kind", "last success", "due", "polls", "failed", "published", "rejected", "last error")
    for entry in entries:
        table.add_row(entry.name, entry.kind, *told(state.rounds(entry.name), now))
    state.close()
    console = Console()
    if not console.is_terminal:
        console.width = _UNBROKEN
    console.print(table, "Polls, failures and articles are those of the last 24 hours.", highlight=False)


def told(rounds: list[Round], now: datetime) -> list[str]:
    """What the table says of a source, given its rounds, the oldest first."""
    if not rounds:
        return ["never", "now", "0", "0", "0", "0", ""]
    last = rounds[-1]
    success = next((each.ended_at for each in reversed(rounds) if each.error is None), None)
    recent = [each for each in rounds if each.ended_at > now - _DAY]
    return [
        _instant(success) if success is not None else "never",
        _instant(last.due_at) if last.due_at > now else "now",
        str(len(recent)),
        str(sum(each.error is not None for each in recent)),
        str(sum(each.published for each in recent)),
        str(sum(each.rejected for each in recent)),
        next((each.error for each in reversed(rounds) if each.error is not None), ""),
    ]


def _instant(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%SZ")
