"""`stance-service history`: keeps the store up to date."""

from typing import Final

from stance_service.history.feed import Feed
from stance_service.reading import opened
from stance_service.settings import TrackerSettings
from stance_service.working import working

LONGEST_BATCH_SECONDS: Final = 300.0


def history() -> None:
    """Feed the bitemporal store from the topics, until stopped."""
    with (
        working("history", LONGEST_BATCH_SECONDS, "the store is not open yet") as worker,
        opened(worker.settings, TrackerSettings().parameters()) as store,
        worker.connected() as reachable,
    ):
        worker.readiness.missing = "the store is being brought up to date"
        Feed(reachable, store, sparing=worker.settings.embedded).follow(worker.asked, worker.progress, worker.readiness)
