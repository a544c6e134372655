"""What sitemaps say."""

import gzip
from datetime import UTC, datetime

import pytest

from ingest_service.syndication.sitemap import Entry, read_sitemap
from shared.errors import BadInputError

URL = "https://news.example/sitemap.xml"
LIMIT = 1_000_000
NEWS = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://news.example/1?a=1&amp;b=2</loc><lastmod>2026-03-01T10:00:00Z</lastmod><news:news>
<news:publication><news:name>Example News</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-02-28</news:publication_date><news:title>Firm opens model</news:title></news:news></url>
<url><loc> https://news.example/2 </loc></url><url/></urlset>"""
INDEX = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap>
<loc>https://news.example/a.xml.gz</loc><lastmod>2026-03-01</lastmod></sitemap></sitemapindex>"""


def test_a_news_sitemap_names_pages_with_their_dates_and_titles() -> None:
    first, second = read_sitemap(NEWS, None, URL, LIMIT).pages
    assert first == Entry(
        url="https://news.example/1?a=1&b=2",
        version="2026-03-01T10:00:00Z",
        changed_at=datetime(2026, 3, 1, 10, tzinfo=UTC),
        title="Firm opens model",
        publisher="Example News",
        published_at=datetime(2026, 2, 28, tzinfo=UTC),
    )
    assert second == Entry("https://news.example/2")


def test_an_index_names_sitemaps() -> None:
    found = read_sitemap(INDEX, None, URL, LIMIT)
    assert [entry.url for entry in found.sitemaps] == ["https://news.example/a.xml.gz"]
    assert found.pages == ()


def test_a_compressed_sitemap_is_unpacked() -> None:
    assert len(read_sitemap(gzip.compress(NEWS), None, URL, LIMIT).pages) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html/>", "no sitemap"),
        (b"", "no XML"),
        (gzip.compress(b" " * 2 * LIMIT), "larger than 1,000,000 bytes"),
        (gzip.compress(NEWS)[:-20], "decompressed"),
        (b"\x1f\x8bnonsense", "decompressed"),
    ],
)
def test_what_is_no_sitemap_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        read_sitemap(content, None, URL, LIMIT)


def test_a_sitemap_that_breaks_off_says_so() -> None:
    found = read_sitemap(NEWS[: NEWS.index(b" https://news.example/2")], None, URL, LIMIT)
    assert len(found.pages) == 1
    assert "not well-formed" in found.defects[0]
