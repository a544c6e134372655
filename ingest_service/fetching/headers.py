"""What URLs, statuses and headers mean for us. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from ingest_service.fetching.errors import (
    FetchError,
    GonePageError,
    NotFoundError,
    RefusedUrlError,
    StatusError,
    UnavailableError,
)

MAX_URL = 4096
_MAX_AGE = re.compile(r"\bmax-age\s*=\s*\"?(\d{1,9})")
_TRANSIENT = frozenset({408, 425, 429})


def require_fetchable(url: str) -> httpx2.URL:
    """The URL without its fragment; raises RefusedUrlError for all that is not an http(s) page of a host."""
    if len(url) > MAX_URL:
        raise RefusedUrlError(url[:100] + "...", f"the URL has more than {MAX_URL:,} characters")
    try:
        parsed = httpx2.URL(url.strip()).copy_with(fragment=None)
        host = parsed.host  # decodes internationalised names, which may be malformed
    except (httpx2.InvalidURL, ValueError) as error:
        raise RefusedUrlError(url, f"it is no valid URL: {error}") from error
    if parsed.scheme not in {"http", "https"}:
        raise RefusedUrlError(url[:100], "only http and https URLs are fetched")
    if not host or not 0 < (parsed.port or 80) < 65536:
        raise RefusedUrlError(url, "the URL names no host, or a port that can't be")
    if parsed.userinfo:
        raise RefusedUrlError(str(parsed), "the URL has a user name or password in it")
    return parsed


def media_type(response: httpx2.Response) -> str:
    """The type that the server names, without parameters; empty if it names none."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def max_age(response: httpx2.Response) -> float | None:
    """The seconds for which the server says that the page stays as it is."""
    found = _MAX_AGE.search(response.headers.get("cache-control", "").lower())
    return float(found[1]) if found else None


def refusal(response: httpx2.Response, now: datetime) -> FetchError:
    """The error that a status without a page is."""
    url, status = str(response.request.url), response.status_code
    reason = f"the server answers {status} {response.reason_phrase}".strip()
    if status in _TRANSIENT or status >= 500:
        return UnavailableError(url, reason, retry_after(response.headers.get("retry-after", ""), now))
    if status == 410:
        return GonePageError(url, reason)
    return NotFoundError(url, reason) if status == 404 else StatusError(url, reason)


def retry_after(value: str, now: datetime) -> float | None:
    """The seconds to wait by a `Retry-After` header, which names them or a time; None if it can't be read."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - now).total_seconds())
