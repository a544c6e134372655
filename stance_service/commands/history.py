"""`stance-service history`: keeps the store up to date."""

from shared import broker
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from stance_service import stopping
from stance_service.history.feed import Feed
from stance_service.reading import opened
from stance_service.settings import TrackerSettings


def history() -> None:
    """Feed the bitemporal store from the topics, until stopped."""
    asked = stopping.on_signal()
    logs = LogSettings()
    configure_logging("history", logs.log_level, logs.log_format)
    settings = BrokerSettings()
    with opened(settings, TrackerSettings().parameters()) as store, broker.running(settings) as reachable:
        Feed(reachable, store, sparing=settings.embedded).follow(asked)
