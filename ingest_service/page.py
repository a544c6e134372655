"""The article in an HTML page, by trafilatura. Pure: nothing is fetched."""

from dataclasses import dataclass
from datetime import UTC, datetime

import trafilatura

from ingest_service.sources import Known


@dataclass(frozen=True)
class Page:
    """Text with one paragraph a line, and what the page's metadata says."""

    text: str
    known: Known


def read_page(content: bytes | str, url: str | None) -> Page | None:
    """The article, or None if the page has none."""
    document = trafilatura.bare_extraction(
        content, url=url, with_metadata=True, include_comments=False, include_tables=True, deduplicate=False
    )
    if document is None or isinstance(document, dict) or not (document.text or "").strip():
        return None
    known = Known(
        title=document.title or None,
        url=document.url if (document.url or "").startswith(("http://", "https://")) else None,
        author=document.author or None,
        publisher=document.sitename or None,
        published_at=datetime.fromisoformat(document.date).replace(tzinfo=UTC) if document.date else None,
    )
    return Page("\n\n".join((document.text or "").split("\n")), known)
