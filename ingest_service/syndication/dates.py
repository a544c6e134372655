"""Dates as feeds and sitemaps write them. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_SITES = datetime(1991, 8, 6, tzinfo=UTC)
"""The web's first page; what is older is a mistake, most often zero."""


def instant(value: str) -> datetime | None:
    """A time by RFC 822 or ISO 8601; without a zone it is UTC. None if it can't be read."""
    value = value.strip()[:64]
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(value)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        return at if at >= _FIRST_SITES else None
    return None
