"""`stance-service track`: observations in; positions and changes out."""

from typing import Annotated, Final

import typer

from shared.health import Checks, Progress, Readiness, serving_health
from shared.observability import configure_logging
from shared.settings import BrokerSettings, HealthSettings, LogSettings
from shared.workers import connected
from stance_service import stopping
from stance_service.axes import propositions
from stance_service.settings import ClassifierSettings, TrackerSettings
from stance_service.transactions import TransactionalLoop

LONGEST_STEP_SECONDS: Final = 120.0
"""Between two beats lie a transaction, or a part of a restore; see STANCE_KAFKA_TIMEOUT_SECONDS."""


def track(
    member: Annotated[
        str | None,
        typer.Option(help="A name of this worker's own; whoever starts under it next takes over at once."),
    ] = None,
) -> None:
    """Fold observations into positions and announce changes, exactly once, until stopped."""
    asked = stopping.on_signal()
    logs = LogSettings()
    configure_logging("stance-service track", logs.log_level, logs.log_format)
    settings, parameters = BrokerSettings(), TrackerSettings().parameters()
    axes = frozenset(propositions(ClassifierSettings()).axes)
    if member is None and settings.embedded:
        member = "0"  # the embedded broker never misses a dead worker
    progress, readiness = Progress("track", LONGEST_STEP_SECONDS), Readiness("Kafka gave no partitions yet")
    checks = Checks(live={"progress": progress}, ready={"partitions": readiness})
    with serving_health(HealthSettings(), checks), connected(settings, progress, readiness, asked) as reachable:
        TransactionalLoop(
            reachable, parameters, member, axes=axes, sparing=settings.embedded, progress=progress, readiness=readiness
        ).run(asked)
