"""When a source may be asked again, as far as it says so itself."""

from collections.abc import Collection
from datetime import datetime, timedelta

from ingest_service.sources import NOT_BEFORE, Memory

_LONGEST = timedelta(days=1)


def wait(memory: Memory, now: datetime, seconds: float | None, silent_hours: Collection[int] = ()) -> None:
    """Remember until when nothing is new: for `seconds`, and then for as long as the hours (UTC) are silent ones."""
    at = now + min(timedelta(seconds=min(seconds or 0.0, 1e9)), _LONGEST)
    for _ in range(24):
        if at.hour in silent_hours:
            at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    memory.put(NOT_BEFORE, at.isoformat())
