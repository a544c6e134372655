"""`stance-service track`: observations in; positions and changes out."""

from typing import Annotated

import typer

from shared import broker
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from stance_service import stopping
from stance_service.settings import TrackerSettings
from stance_service.transactions import TransactionalLoop


def track(
    member: Annotated[
        str | None,
        typer.Option(help="A name of this worker's own; whoever starts under it next takes over at once."),
    ] = None,
) -> None:
    """Fold observations into positions and announce changes, exactly once, until stopped."""
    asked = stopping.on_signal()
    logs = LogSettings()
    configure_logging("track", logs.log_level, logs.log_format)
    settings, parameters = BrokerSettings(), TrackerSettings().parameters()
    if member is None and settings.embedded:
        member = "0"  # the embedded broker never misses a dead worker
    with broker.running(settings) as reachable:
        TransactionalLoop(reachable, parameters, member, sparing=settings.embedded).run(asked)
