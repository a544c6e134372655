"""Which article a document is, and whether it has changed. Pure."""

import re
import unicodedata

from ingest_service.urls import looks_like_article, page_key, same_site
from shared.events import Article
from shared.ids import digest

_WORDS = re.compile(r"\w+|[?%§$€£¥]")
_COUNTER = re.compile(r"[(\[]\s*\d[\d.,\s]*(?:[^\W\d]+\s*)?[)\]]\s*\Z")
"""`Acme opens up (27 comments)`."""


def article_id(source: str, key: str, url: str | None) -> str:
    """The URL decides; without one, the source and the document's key in it. Raises NotWebError."""
    if url:
        return digest("article", {"page": page_key(url)})
    return digest("article", {"source": source, "key": key})


def address(found_at: str | None, declared: str | None) -> str | None:
    """The URL that identifies a page: the one it declares (`rel=canonical`, `og:url`), if that is to be believed.

    Templates declare the home page or a section by mistake, and copies the site they were taken from: those are
    pages of their own.
    """
    if declared is None or found_at is None:
        return found_at or declared
    believable = same_site(found_at, declared) and (looks_like_article(declared) or not looks_like_article(found_at))
    return declared if believable else found_at


def fingerprint(article: Article) -> str:
    """Equal for revisions that say the same: same words, title, language and day of publication.

    Blanks, paragraphs, punctuation and typography say nothing, nor does a date that is only that of our reading or of
    a line such as `Updated 5 minutes ago`; such lines themselves are furniture, and no part of an article.
    """
    dated = article.published_origin not in {"fetched", "text"}
    return digest(
        "fingerprint",
        {
            "title": _words(_COUNTER.sub("", article.title)),
            "body": _words(article.body),
            "language": article.language,
            "published_on": article.published_at.date().isoformat() if dated else None,
        },
    )


def _words(text: str) -> str:
    return " ".join(_WORDS.findall(unicodedata.normalize("NFKC", text).casefold()))
