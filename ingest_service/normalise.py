"""A raw document to an article, pure: same document and time of reading, same article."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import py3langid
from pydantic import ValidationError

from ingest_service.clutter import article_lines
from ingest_service.head import publication_date, read_head
from ingest_service.identity import address, article_id
from ingest_service.page import EXTRACTOR, declared_charset, read_page
from ingest_service.sources import Known, KnownFrom, RawDocument
from ingest_service.text import NotTextError, blocks, clean, decode
from ingest_service.urls import NotWebError, canonical_url
from shared.errors import BadInputError
from shared.events import Article

VERSION = "stancewatch-3"
MAX_ARTICLE_BYTES = 4 * 1024 * 1024
"""Of body text; ten novels, and well below the largest Kafka record."""
_LEAST_LETTERS_FOR_LANGUAGE = 20
_ENOUGH_FOR_LANGUAGE = 400

Origin = KnownFrom | Literal["meta", "text", "fetched"]


@dataclass(frozen=True)
class Parts:
    """What a document holds, before it is known to be an article."""

    title: str
    author: str | None
    body: str
    found: Known
    published_in_text: datetime | None


def normalise(raw: RawDocument, observed_at: datetime) -> Article:
    """The article in a document, as revision 1; raises BadInputError with the reason if there is none."""
    parts = _parts(raw)
    if not parts.body:
        raise BadInputError(raw.where, "no article text is left once page furniture is removed")
    if len(parts.body.encode()) > MAX_ARTICLE_BYTES:
        raise _too_long(raw)
    url = _address(raw, parts)
    published_at, origin = _published(raw, parts, observed_at)
    try:
        return Article(
            article_id=article_id(raw.source, raw.key, url),
            revision=1,
            source=raw.source,
            url=url,
            title=parts.title,
            body=parts.body,
            language=raw.known.language or identify_language(parts.body),
            author=raw.known.author or parts.author,
            publisher=raw.known.publisher or parts.found.publisher,
            published_at=published_at,
            published_origin=origin,
            observed_at=observed_at,
            raw_digest=hashlib.sha256(raw.content).hexdigest(),
            normaliser=f"{VERSION} {EXTRACTOR}" if raw.media_type == "text/html" else VERSION,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInputError(raw.where, f"{field} {first['input']!r} is not valid: {first['msg']}") from error


def _address(raw: RawDocument, parts: Parts) -> str | None:
    """The canonical URL; what a page declares is passed over if it is none, what a source says is refused."""
    try:
        found_at = canonical_url(raw.known.url) if raw.known.url else None
    except NotWebError as error:
        raise BadInputError(raw.where, f"its url {error}") from error
    try:
        declared = canonical_url(parts.found.url) if parts.found.url else None
    except NotWebError:
        declared = None
    return address(found_at, declared)


def identify_language(text: str) -> str:
    """The ISO 639-1 code of the language a text is written in; `und` if there are too few letters to tell."""
    start = text[:_ENOUGH_FOR_LANGUAGE]
    if sum(map(str.isalpha, start)) < _LEAST_LETTERS_FOR_LANGUAGE:
        return "und"
    language: str = py3langid.classify(start)[0]
    return language


def _parts(raw: RawDocument) -> Parts:
    if not raw.content.strip():
        raise BadInputError(raw.where, "it is empty")
    if raw.media_type == "text/plain" and len(raw.content) > 2 * MAX_ARTICLE_BYTES:
        raise _too_long(raw)
    try:
        if raw.media_type == "text/html":
            return _page_parts(raw)
        return _text_parts(decode(raw.content, raw.charset), raw.known.title, Known())
    except NotTextError as error:
        raise BadInputError(raw.where, str(error)) from error


def _too_long(raw: RawDocument) -> BadInputError:
    return BadInputError(raw.where, f"its text has more than {MAX_ARTICLE_BYTES // 1024**2} MB; split it into articles")


def _page_parts(raw: RawDocument) -> Parts:
    page = read_page(decode(raw.content, raw.charset or declared_charset(raw.content)), raw.known.url)
    if page is None:
        raise BadInputError(raw.where, "no article was found in this HTML page")
    return _text_parts(page.text, raw.known.title or page.known.title, page.known)


def _text_parts(text: str, title: str | None, found: Known) -> Parts:
    grouped = blocks(clean(text))
    head = read_head(grouped, clean(title).replace("\n", " ") if title else None)
    lines = [line for block in grouped for line in block if line]
    body = "\n\n".join(article_lines(head.body))
    dated = publication_date([*lines[:30], *lines[-10:]])
    return Parts(head.title, found.author or head.author, body, found, dated or head.dated)


def _published(raw: RawDocument, parts: Parts, observed_at: datetime) -> tuple[datetime, Origin]:
    candidates: tuple[tuple[datetime | None, Origin], ...] = (
        (raw.known.published_at, raw.known.origin),
        (parts.found.published_at, "meta"),
        (parts.published_in_text, "text"),
    )
    for date, origin in candidates:
        if date is None:
            continue
        if date <= observed_at + timedelta(days=1):
            return date.astimezone(UTC), origin
        if origin in {"manifest", "submitted"}:
            raise BadInputError(raw.where, f"its publication date {date.date()} lies in the future")
    return min(raw.fetched_at or observed_at, observed_at), "fetched"
