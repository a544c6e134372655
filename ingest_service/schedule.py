"""When a source is polled again. Pure."""

from datetime import datetime, timedelta

from ingest_service.configuration import Interval

_NEWS = 0.5
_NO_NEWS = 1.5
_FAILURE = 2.0


def next_interval(last: timedelta | None, bounds: Interval, *, news: bool, failed: bool) -> timedelta:
    """Shorter after news, longer without, twice as long after a failure; `last` None: it is the first."""
    factor = _FAILURE if failed else _NEWS if news else _NO_NEWS
    return min(max((last or bounds.least) * factor, bounds.least), bounds.most)


def due(ended_at: datetime, interval: timedelta, jitter: float, not_before: datetime | None) -> datetime:
    """`jitter` from 0 to 1 spreads sources that began together, by a tenth of the interval at most."""
    regular = ended_at + interval * (1 + (jitter - 0.5) / 5)
    return max(regular, not_before) if not_before is not None else regular
