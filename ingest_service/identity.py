"""Which article a document is, and whether it has changed. Pure."""

from datetime import UTC
from urllib.parse import urlsplit, urlunsplit

from shared.events import Article
from shared.ids import digest


def article_id(source: str, key: str, url: str | None) -> str:
    """The URL decides; without one, the source and the document's key in it."""
    if url:
        return digest("article", {"url": canonical_url(url)})
    return digest("article", {"source": source, "key": key})


def canonical_url(url: str) -> str:
    """The URL without what does not change the page: scheme and host in lower case, no fragment."""
    parts = urlsplit(url.strip())
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, parts.query, ""))


def fingerprint(article: Article) -> str:
    """Equal for revisions that say the same. When the date is only that of our reading, it says nothing."""
    dated = article.published_origin != "fetched"
    return digest(
        "fingerprint",
        {
            "title": article.title,
            "body": article.body,
            "language": article.language,
            "author": article.author,
            "url": article.url,
            "published_at": article.published_at.astimezone(UTC).isoformat() if dated else None,
        },
    )
