"""Sitemaps, news sitemaps and their indexes, plain or compressed. Pure."""

import gzip
import io
import zlib
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from ingest_service.syndication.dates import instant
from ingest_service.syndication.feed import MAX_FIELD, line
from ingest_service.syndication.xml import Element, name, read_xml, text
from shared.errors import BadInputError

MAX_ENTRIES = 50_000
"""By the protocol, of one sitemap."""


@dataclass(frozen=True)
class Entry:
    """A page, or a sitemap of an index. `version` differs when it has changed, as far as the publisher tells."""

    url: str
    version: str = ""
    changed_at: datetime | None = None
    title: str | None = None
    publisher: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True)
class Sitemap:
    """What could be read of a sitemap; `defects` says what could not."""

    pages: tuple[Entry, ...] = ()
    sitemaps: tuple[Entry, ...] = ()
    defects: tuple[str, ...] = ()


def read_sitemap(content: bytes, charset: str | None, url: str, max_bytes: int) -> Sitemap:
    """What can be read of a sitemap; raises BadInputError if it is none, or larger than `max_bytes` once unpacked."""
    if content.startswith(b"\x1f\x8b"):
        content = _unpacked(content, url, max_bytes)
    document = read_xml(content, charset, url, base=url)
    kind = name(document.root)
    if kind not in {"urlset", "sitemapindex"}:
        raise BadInputError(url, f"it is no sitemap: its first element is <{kind[:50]}>")
    entries = [_entry(element) for element in islice(document.root, MAX_ENTRIES) if name(element) in {"url", "sitemap"}]
    found = tuple({entry.url: entry for entry in entries if entry.url}.values())
    defects = [f"it is not well-formed, and may be incomplete ({document.defect})"] if document.defect else []
    if len(document.root) > MAX_ENTRIES:
        defects.append(f"it has more than {MAX_ENTRIES:,} entries; the first ones are read")
    return Sitemap(
        pages=found if kind == "urlset" else (),
        sitemaps=found if kind == "sitemapindex" else (),
        defects=tuple(defects),
    )


def _entry(element: Element) -> Entry:
    fields = {name(child): child for child in element}
    news = {name(child): child for child in fields.get("news:news", ())}
    publication = {name(child): child for child in news.get("news:publication", ())}
    changed, published = text(fields.get("lastmod")), text(news.get("news:publication_date"))
    return Entry(
        url=text(fields.get("loc")),
        version=(changed or published)[:MAX_FIELD],
        changed_at=instant(changed),
        title=line(text(news.get("news:title"))),
        publisher=line(text(publication.get("news:name"))),
        published_at=instant(published),
    )


def _unpacked(content: bytes, url: str, max_bytes: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(url, f"it can't be decompressed: {error}") from error
    if len(unpacked) > max_bytes:
        raise BadInputError(url, f"it is larger than {max_bytes:,} bytes once decompressed")
    return unpacked
