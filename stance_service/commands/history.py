"""`stance-service history`: keeps the store up to date."""

from typing import Final

from shared.health import Checks, Progress, Readiness, serving_health
from shared.observability import configure_logging
from shared.settings import BrokerSettings, HealthSettings, LogSettings
from shared.workers import connected
from stance_service import stopping
from stance_service.history.feed import Feed
from stance_service.reading import opened
from stance_service.settings import TrackerSettings

LONGEST_BATCH_SECONDS: Final = 300.0


def history() -> None:
    """Feed the bitemporal store from the topics, until stopped."""
    asked = stopping.on_signal()
    logs = LogSettings()
    configure_logging("stance-service history", logs.log_level, logs.log_format)
    settings, parameters = BrokerSettings(), TrackerSettings().parameters()
    progress, readiness = Progress("history", LONGEST_BATCH_SECONDS), Readiness("the store is not open yet")
    checks = Checks(live={"progress": progress}, ready={"history": readiness})
    with (
        serving_health(HealthSettings(), checks),
        opened(settings, parameters) as store,
        connected(settings, progress, readiness, asked) as reachable,
    ):
        readiness.missing = "the store is being brought up to date"
        Feed(reachable, store, sparing=settings.embedded).follow(asked, progress, readiness)
